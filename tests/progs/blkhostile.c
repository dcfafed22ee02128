// SPDX-License-Identifier: MIT
/*
 * blkhostile DISK [OPTION...] CASE...: a guest that sends requests no honest frontend would, on
 * stock Xen libraries.
 *
 * For each case it prints one line: the case, and the status of the backend's answer, or "closed"
 * when the backend closed the device, "silent" when it did nothing within two seconds, "leak" when
 * it wrote bytes of its own into an answer's padding.  What the right outcome is, the test that
 * calls it knows.
 *
 * With --queues=N the cases run on the last queue, and an honest reader on the first one; at the
 * end a line "beside" tells how that fared.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loopback/barrier.h"
#include "loopback/blkfront.h"
#include "loopback/vdev.h"
#include "tests/progs/hostile_indirect.h"
#include <xen/io/ring.h>

#define WAIT_MS 2000

static struct blkfront *bf;

static blkif_request_t good_read(struct blkfront_queue *q, uint64_t id)
{
	blkif_request_t r = {.operation = BLKIF_OP_READ, .nr_segments = 1, .id = id};

	r.seg[0] = (struct blkif_request_segment){blkfront_raw_ref(q, 0), 0, 7};
	return r;
}

/* ---- what the backend made of it ---------------------------------------------------------- */

static const char *no_answer(void)
{
	enum xenbus_state state = front_backend_state(blkfront_front(bf));

	return state == XenbusStateConnected ? "silent" : "closed";
}

/* An indirect request is answered as what it stands for: Linux' blkfront insists. */
static uint8_t answered_as(const blkif_request_t *r)
{
	return r->operation == BLKIF_OP_INDIRECT
		       ? ((const blkif_request_indirect_t *)r)->indirect_op
		       : r->operation;
}

static void request_try(struct blkfront_queue *q, const char *name, const blkif_request_t *r)
{
	blkif_response_t rsp;

	blkfront_raw_put(q, r);
	blkfront_raw_push(q, blkfront_raw_prod(q));
	if (blkfront_raw_response(q, &rsp, WAIT_MS))
		printf("%s %s\n", name, no_answer());
	else if (rsp.id != r->id || rsp.operation != answered_as(r))
		printf("%s answers-another\n", name);
	else
		printf("%s %d\n", name, rsp.status);
}

static void attack_run(struct blkfront_queue *q, const struct attack *a, uint64_t id)
{
	blkif_request_t r = good_read(q, id);

	a->change(&r, q);
	request_try(q, a->name, &r);
}

static void attack_indirect(struct blkfront_queue *q, const struct indirect_attack *a, uint64_t id)
{
	blkif_request_t r;
	struct blkif_request_segment *list = good_indirect(&r, q, 0, id);

	indirect_value = a->value;
	a->change((blkif_request_indirect_t *)&r, list, q);
	request_try(q, a->name, &r);
}

/*
 * A whole ring at once, every second request bad in a way of its own: each gets its own answer
 * (XSA-361), in whatever order.
 */
static void attack_mixed(struct blkfront_queue *q, const char *name,
			 void (*change)(blkif_request_t *, struct blkfront_queue *, unsigned int),
			 unsigned int from, unsigned int below)
{
	unsigned int wrong = 0, n = 2 * (below - from);
	blkif_response_t rsp;

	for (unsigned int at = 0; at < n;) {
		unsigned int batch = n - at < 32 ? n - at : 32;

		for (unsigned int i = at; i < at + batch; i++) {
			blkif_request_t r = good_read(q, i);

			if (i & 1)
				change(&r, q, from + i / 2);
			blkfront_raw_put(q, &r);
		}
		blkfront_raw_push(q, blkfront_raw_prod(q));
		for (unsigned int i = 0; i < batch; i++) {
			if (blkfront_raw_response(q, &rsp, WAIT_MS)) {
				printf("%s %s\n", name, no_answer());
				return;
			}
			wrong += rsp.status != (rsp.id & 1 ? BLKIF_RSP_ERROR : BLKIF_RSP_OKAY);
		}
		at += batch;
	}
	printf("%s %u-wrong-of-%u\n", name, wrong, n);
}

/* XSA-155: fields change while the backend looks at them.  Whatever it reads, it must answer. */
static struct {
	pthread_t thread;
	volatile bool stop;
	struct blkfront_queue *q;
} flipper;

static bool abi32;

/* By bytes: a slot of the 32-bit layout is no aligned blkif_request_t. */
static void *flip(void *arg)
{
	const int last_sect = (abi32 ? 20 : 24) + 5;

	while (!flipper.stop) {
		for (RING_IDX i = 0; i < blkfront_entries(flipper.q); i++) {
			volatile uint8_t *r = blkfront_raw_entry(flipper.q, i);

			r[1] = 255; /* nr_segments */
			r[last_sect] = 255;
			r[0] = BLKIF_OP_DISCARD;
			r[1] = 1;
			r[last_sect] = 7;
			r[0] = BLKIF_OP_READ;
		}
	}
	return arg;
}

/* The same with indirect requests, whose lists change as well. */
static void *flip_lists(void *arg)
{
	const int good = BLKIF_OP_INDIRECT, entries = (int)blkfront_entries(flipper.q);
	grant_ref_t ref;

	while (!flipper.stop) {
		for (int i = 0; i < entries; i++) {
			volatile uint8_t *r = blkfront_raw_entry(flipper.q, (RING_IDX)i);
			volatile struct blkif_request_segment *list =
				blkfront_raw_indirect(flipper.q, 0, &ref);

			r[3] = 255; /* nr_segments */
			list[i % LIST_SEGMENTS].last_sect = 255;
			list[i % LIST_SEGMENTS].gref = 60000;
			r[1] = BLKIF_OP_INDIRECT;
			r[0] = BLKIF_OP_READ;
			r[1] = BLKIF_OP_READ;
			r[3] = 0;
			list[i % LIST_SEGMENTS].first_sect = 9;
			list[i % LIST_SEGMENTS].gref = blkfront_raw_ref(flipper.q, 0);
			list[i % LIST_SEGMENTS].last_sect = 7;
			list[i % LIST_SEGMENTS].first_sect = 0;
			r[0] = (uint8_t)good;
		}
	}
	return arg;
}

static void attack_flip(struct blkfront_queue *q, const char *name, void *(*thread)(void *))
{
	time_t end = time(NULL) + 3;
	blkif_response_t rsp;
	int n, rc = 0;

	flipper.q = q;
	flipper.stop = false;
	if (pthread_create(&flipper.thread, NULL, thread, NULL))
		exit(1);
	for (n = 0; n < 5000 && !rc && time(NULL) < end; n++) {
		blkif_request_t r = good_read(q, (uint64_t)n);

		if (thread == flip_lists)
			good_indirect(&r, q, 0, (uint64_t)n);
		blkfront_raw_put(q, &r);
		blkfront_raw_push(q, blkfront_raw_prod(q));
		rc = blkfront_raw_response(q, &rsp, WAIT_MS);
	}
	flipper.stop = true;
	pthread_join(flipper.thread, NULL);
	printf("%s %s\n", name, rc ? no_answer() : "answered");
}

/* XSA-216: an answer's padding (byte 9, and 12 to 15 on x86_64) must not carry the backend's
 * memory. */
static void attack_padding(struct blkfront_queue *q)
{
	volatile uint8_t *raw = blkfront_raw_entry(q, blkfront_raw_prod(q));
	blkif_request_t r = good_read(q, 0xaaaaaaaaaaaaaaaaU);
	blkif_response_t rsp;
	bool leak;

	r.sector_number = 0;
	blkfront_raw_put(q, &r);
	blkfront_raw_push(q, blkfront_raw_prod(q));
	if (blkfront_raw_response(q, &rsp, WAIT_MS)) {
		printf("padding %s\n", no_answer());
		return;
	}
	/* Where it is not zeroed the request still stands. */
	leak = raw[9] && raw[9] != 0xaa;
	for (int i = 12; i < 16 && !abi32; i++)
		leak |= raw[i] && raw[i] != 0xaa;
	printf("padding %s\n", leak ? "leak" : "clean");
}

/* XSA-403: of a page that is read to, only the sectors that were asked for change. */
static void attack_outside(struct blkfront_queue *q)
{
	unsigned char *page = (unsigned char *)blkfront_buffer(q, 0);
	blkif_request_t r = good_read(q, 1);
	blkif_response_t rsp;
	unsigned int wrong = 0;

	memset(page, 0xa5, BLKFRONT_PAGE);
	r.seg[0].first_sect = 2;
	r.seg[0].last_sect = 4;
	blkfront_raw_put(q, &r);
	blkfront_raw_push(q, blkfront_raw_prod(q));
	if (blkfront_raw_response(q, &rsp, WAIT_MS)) {
		printf("outside %s\n", no_answer());
		return;
	}
	for (unsigned int i = 0; i < BLKFRONT_PAGE; i++)
		wrong += (i / BLKFRONT_SECTOR < 2 || i / BLKFRONT_SECTOR > 4) && page[i] != 0xa5;
	printf("outside %u-bytes-changed\n", wrong);
}

static void closed_wait(const char *name)
{
	int state = front_wait(blkfront_front(bf),
			       FRONT_STATE(XenbusStateClosing) | FRONT_STATE(XenbusStateClosed),
			       WAIT_MS);

	printf("%s %s\n", name, state < 0 ? "silent" : "closed");
}

static void attack_overflow(struct blkfront_queue *q, RING_IDX by, const char *name)
{
	blkfront_raw_push(q, blkfront_raw_prod(q) + by);
	closed_wait(name);
}

/* A read's data, all zero, fall on the ring itself. */
static void attack_ring_read(struct blkfront_queue *q, const char *name)
{
	blkif_request_t r = good_read(q, 1);

	r.seg[0].gref = blkfront_raw_ring_ref(q, 0);
	blkfront_raw_put(q, &r);
	blkfront_raw_push(q, blkfront_raw_prod(q));
	closed_wait(name);
}

/* An event storm with nothing on the ring, then a good request. */
static void attack_storm(struct blkfront_queue *q)
{
	for (int i = 0; i < 200000; i++)
		blkfront_raw_push(q, blkfront_raw_prod(q));
	printf("storm ");
	attack_run(q, &attacks[0], 1);
}

/*
 * XSA-391: a backend notifies only who asked for it.  Events on an empty ring, then requests of
 * which no answer is asked to be told of, in good time for each; was there a notification?
 */
static void attack_quiet(struct blkfront_queue *q)
{
	struct blkif_sring *ring = blkfront_raw_ring(q);
	RING_IDX far = 1U << 30, prod;
	const char *how = "notified";

	blkfront_raw_woken(q, 200); /* as it connected */
	ring->rsp_event = far;
	for (int i = 0; i < 20000; i++)
		blkfront_raw_push(q, blkfront_raw_prod(q));
	for (int i = 0; i < 1000; i++) {
		blkif_request_t r = good_read(q, (uint64_t)i);

		blkfront_raw_put(q, &r);
		prod = blkfront_raw_prod(q);
		blkfront_raw_push(q, prod);
		for (int ms = 0; *(volatile RING_IDX *)&ring->rsp_prod != prod; ms++) {
			if (ms == WAIT_MS) {
				printf("quiet %s\n", no_answer());
				return;
			}
			poll(NULL, 0, 1);
		}
	}
	if (!blkfront_raw_woken(q, 100))
		how = "quiet";
	printf("quiet %s\n", how);
	blkfront_raw_skip(q);
}

/* Events without end, or requests that are refused without end; until we are killed. */
static void attack_on(struct blkfront_queue *q, bool requests)
{
	blkif_request_t r = good_read(q, 1);
	blkif_response_t rsp;

	r.nr_segments = 255;
	for (;;) {
		if (requests)
			blkfront_raw_put(q, &r);
		blkfront_raw_push(q, blkfront_raw_prod(q));
		if (requests && blkfront_raw_response(q, &rsp, WAIT_MS))
			break;
	}
}

/* What is more than one request. */
static void attack_other(struct blkfront_queue *q, const char *name)
{
	if (!strcmp(name, "flip"))
		attack_flip(q, name, flip);
	else if (!strcmp(name, "i-flip"))
		attack_flip(q, name, flip_lists);
	else if (!strcmp(name, "each-last-sect"))
		attack_mixed(q, name, last_sect_each, 8, 256);
	else if (!strcmp(name, "each-bad-ref"))
		attack_mixed(q, name, bad_ref_at, 0, BLKFRONT_SEGMENTS);
	else if (!strcmp(name, "i-each-bad"))
		attack_mixed(q, name, indirect_bad_at, 0, 256);
	else if (!strcmp(name, "ring-overwritten"))
		attack_ring_read(q, name);
	else if (!strcmp(name, "padding"))
		attack_padding(q);
	else if (!strcmp(name, "outside"))
		attack_outside(q);
	else if (!strcmp(name, "storm"))
		attack_storm(q);
	else if (!strcmp(name, "quiet"))
		attack_quiet(q);
	else if (!strcmp(name, "storm-on") || !strcmp(name, "refused-on"))
		attack_on(q, name[0] == 'r');
	else if (!strcmp(name, "overflow"))
		attack_overflow(q, blkfront_entries(q) + 1, name);
	else if (!strcmp(name, "overflow-half"))
		attack_overflow(q, 1U << 31, name);
	else
		printf("%s is-no-case\n", name);
}

static void attack(struct blkfront_queue *q, const char *name, uint64_t id)
{
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		if (!strcmp(name, attacks[i].name)) {
			attack_run(q, &attacks[i], id);
			return;
		}
	}
	for (size_t i = 0; i < sizeof(indirect_attacks) / sizeof(indirect_attacks[0]); i++) {
		if (!strcmp(name, indirect_attacks[i].name)) {
			attack_indirect(q, &indirect_attacks[i], id);
			return;
		}
	}
	attack_other(q, name);
}

/* ---- an honest reader on the first queue --------------------------------------------------- */

static struct {
	pthread_t thread;
	bool runs;
	volatile bool stop;
	const char *fared;
} beside = {.fared = "idle"};

static void *beside_main(void *arg)
{
	struct blkfront_queue *q = arg;
	blkif_response_t rsp;

	for (uint64_t id = 0; id == 0 || !beside.stop; id++) { /* once at least */
		blkif_request_t r = good_read(q, id);

		r.sector_number = id * 8 % disk_sectors;
		blkfront_raw_put(q, &r);
		blkfront_raw_push(q, blkfront_raw_prod(q));
		if (blkfront_raw_response(q, &rsp, WAIT_MS)) {
			beside.fared = no_answer();
			return arg;
		}
		if (rsp.id != id || rsp.status != BLKIF_RSP_OKAY) {
			beside.fared = "disturbed";
			return arg;
		}
		beside.fared = "well";
	}
	return arg;
}

static void beside_start(void)
{
	beside.runs = blkfront_info(bf)->queues > 1;
	if (beside.runs && pthread_create(&beside.thread, NULL, beside_main, blkfront_queue(bf, 0)))
		exit(1);
}

static void beside_end(void)
{
	if (!beside.runs)
		return;
	beside.stop = true;
	pthread_join(beside.thread, NULL);
	printf("beside %s\n", beside.fared);
}

static int usage(void)
{
	fprintf(stderr, "usage: blkhostile DISK [--readonly-grants] [--persistent] [--abi=64|32] "
			"[--ring-order=N] [--queues=N] CASE...\n");
	return 2;
}

static bool option(struct blkfront_opts *opts, const char *arg)
{
	if (!strcmp(arg, "--readonly-grants"))
		opts->readonly_grants = true;
	else if (!strcmp(arg, "--persistent"))
		opts->persistent = true;
	else if (!strncmp(arg, "--abi=", 6))
		opts->abi32 = atoi(arg + 6) == 32;
	else if (!strncmp(arg, "--ring-order=", 13))
		opts->ring_order = (unsigned int)atoi(arg + 13);
	else if (!strncmp(arg, "--queues=", 9))
		opts->queues = (unsigned int)atoi(arg + 9);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	struct blkfront_opts opts = {.buffer_pages = 1, .indirect = 256};
	struct blkfront_queue *q;
	struct guest guest;
	int devid, first = 2;

	for (; argc > first && argv[first][0] == '-'; first++)
		if (!option(&opts, argv[first]))
			return usage();
	if (argc <= first)
		return usage();
	abi32 = opts.abi32;
	devid = vdev_number(argv[1]);
	if (devid < 0 || guest_open(&guest))
		return 1;
	bf = blkfront_open(&guest, (unsigned int)devid, &opts);
	if (!bf)
		return 1;
	q = blkfront_queue(bf, blkfront_info(bf)->queues - 1);
	disk_sectors = blkfront_info(bf)->sectors;
	beside_start();
	for (int i = first; i < argc; i++)
		attack(q, argv[i], 0x1234567800000000U + (uint64_t)i);
	beside_end();
	blkfront_close(bf);
	guest_close(&guest);
	return 0;
}
