// SPDX-License-Identifier: MIT
/*
 * blkkeys DISK [--ring-order=N] [--queues=N] [KEY=VALUE | KEY-]...: a guest that writes what it
 * likes into its frontend's directory.  The ring and the event channel are real; the words given
 * are written over what names them, in the same transaction as the state; KEY- leaves a key out.
 *
 * Prints "connected" if the backend takes it and answers a read on each queue, else "refused".  An
 * ordinary frontend that only lies about itself: the reasons of the backend are for the test to
 * look up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loopback/blkfront.h"
#include "loopback/vdev.h"

#define KEYS_MAX 32

static struct front_key keys[KEYS_MAX];
static struct blkfront_opts opts = {.buffer_pages = 1, .timeout_ms = 3000, .keys = keys};

static int usage(void)
{
	fprintf(stderr,
		"usage: blkkeys DISK [--ring-order=N] [--queues=N] [KEY=VALUE | KEY-]...\n");
	return 2;
}

static int parse(char *word)
{
	char *equals = strchr(word, '=');
	size_t len = strlen(word);

	if (!strncmp(word, "--ring-order=", 13)) {
		opts.ring_order = (unsigned int)atoi(word + 13);
		return 0;
	}
	if (!strncmp(word, "--queues=", 9)) {
		opts.queues = (unsigned int)atoi(word + 9);
		return 0;
	}
	if (opts.nr_keys == KEYS_MAX || len < 2)
		return -1;
	keys[opts.nr_keys].key = word;
	if (equals) {
		*equals = '\0';
		keys[opts.nr_keys].value = equals + 1;
	} else if (word[len - 1] == '-') {
		word[len - 1] = '\0';
	} else {
		return -1;
	}
	opts.nr_keys++;
	return 0;
}

/* The backend reads the ring that it was told of, and we look at the one that we have. */
static bool try_read(struct blkfront_queue *q)
{
	blkif_request_t r = {.operation = BLKIF_OP_READ, .nr_segments = 1};
	blkif_response_t rsp;

	r.seg[0] = (struct blkif_request_segment){blkfront_raw_ref(q, 0), 0, 7};
	blkfront_raw_put(q, &r);
	blkfront_raw_push(q, blkfront_raw_prod(q));
	return !blkfront_raw_response(q, &rsp, 1000);
}

static void try_all(struct blkfront *bf)
{
	unsigned int silent = 0;

	for (unsigned int i = 0; i < blkfront_info(bf)->queues; i++)
		silent += !try_read(blkfront_queue(bf, i));
	if (silent)
		printf("connected, %u silent\n", silent);
	else
		puts("connected");
}

int main(int argc, char **argv)
{
	struct guest guest;
	struct blkfront *bf;
	int devid = argc > 1 ? vdev_number(argv[1]) : -1;

	if (devid < 0)
		return usage();
	for (int i = 2; i < argc; i++)
		if (parse(argv[i]))
			return usage();
	if (guest_open(&guest))
		return 1;
	bf = blkfront_open(&guest, (unsigned int)devid, &opts);
	if (bf) {
		try_all(bf);
		blkfront_close(bf);
	} else {
		puts("refused");
	}
	guest_close(&guest);
	return 0;
}
