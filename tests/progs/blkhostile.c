// SPDX-License-Identifier: MIT
/*
 * blkhostile DISK CASE...: a guest that sends requests no honest frontend would, on stock Xen
 * libraries.
 *
 * For each case it prints one line: the case, and the status of the backend's answer, or "closed"
 * when the backend closed the device, "silent" when it did nothing within two seconds, "leak" when
 * it wrote bytes of its own into an answer's padding.  What the right outcome is, the test that
 * calls it knows.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loopback/barrier.h"
#include "loopback/blkfront.h"
#include "loopback/vdev.h"
#include <xen/io/ring.h>

#define WAIT_MS 2000

struct attack {
	const char *name;
	void (*change)(blkif_request_t *r, const struct blkfront *bf);
};

/* ---- one request each, changed from a good read of the first page ------------------------- */

static void good(blkif_request_t *r, const struct blkfront *bf)
{
	(void)r;
	(void)bf;
}

static void unknown_op(blkif_request_t *r, const struct blkfront *bf)
{
	(void)bf;
	r->operation = 99;
}

static void reserved_op(blkif_request_t *r, const struct blkfront *bf)
{
	(void)bf;
	r->operation = BLKIF_OP_RESERVED_1;
}

static void indirect(blkif_request_t *r, const struct blkfront *bf)
{
	blkif_request_indirect_t *i = (blkif_request_indirect_t *)r;

	i->operation = BLKIF_OP_INDIRECT;
	i->indirect_op = BLKIF_OP_READ;
	i->nr_segments = 65535;
	i->indirect_grefs[0] = blkfront_raw_ref(bf, 0);
}

static void no_segments(blkif_request_t *r, const struct blkfront *bf)
{
	(void)bf;
	r->nr_segments = 0;
}

static void twelve_segments(blkif_request_t *r, const struct blkfront *bf)
{
	(void)bf;
	r->nr_segments = 12;
}

static void many_segments(blkif_request_t *r, const struct blkfront *bf)
{
	(void)bf;
	r->nr_segments = 255;
}

static void first_after_last(blkif_request_t *r, const struct blkfront *bf)
{
	(void)bf;
	r->seg[0].first_sect = 5;
	r->seg[0].last_sect = 4;
}

static void last_beyond_page(blkif_request_t *r, const struct blkfront *bf)
{
	(void)bf;
	r->seg[0].last_sect = 8;
}

static void last_255(blkif_request_t *r, const struct blkfront *bf)
{
	(void)bf;
	r->seg[0].last_sect = 255;
}

static void past_end(blkif_request_t *r, const struct blkfront *bf)
{
	r->sector_number = blkfront_info(bf)->sectors;
}

static void across_end(blkif_request_t *r, const struct blkfront *bf)
{
	r->sector_number = blkfront_info(bf)->sectors - 1;
}

static void sector_wraps(blkif_request_t *r, const struct blkfront *bf)
{
	(void)bf;
	r->sector_number = UINT64_MAX - 3;
}

static void byte_offset_wraps(blkif_request_t *r, const struct blkfront *bf)
{
	(void)bf;
	r->sector_number = 1ULL << 55;
}

static void bad_ref(blkif_request_t *r, const struct blkfront *bf)
{
	(void)bf;
	r->seg[0].gref = 0xfffffff0U;
}

static void reserved_ref(blkif_request_t *r, const struct blkfront *bf)
{
	(void)bf;
	r->seg[0].gref = 0;
}

static void bad_ref_last(blkif_request_t *r, const struct blkfront *bf)
{
	r->nr_segments = BLKFRONT_SEGMENTS;
	for (int i = 0; i < BLKFRONT_SEGMENTS; i++)
		r->seg[i] = (struct blkif_request_segment){blkfront_raw_ref(bf, 0), 0, 7};
	r->seg[BLKFRONT_SEGMENTS - 1].gref = 60000;
}

static void same_ref(blkif_request_t *r, const struct blkfront *bf)
{
	r->nr_segments = BLKFRONT_SEGMENTS;
	for (int i = 0; i < BLKFRONT_SEGMENTS; i++)
		r->seg[i] = (struct blkif_request_segment){blkfront_raw_ref(bf, 0), 0, 7};
}

static void write_op(blkif_request_t *r, const struct blkfront *bf)
{
	(void)bf;
	r->operation = BLKIF_OP_WRITE;
}

static void discard(blkif_request_t *r, uint64_t sector, uint64_t sectors)
{
	blkif_request_discard_t *d = (blkif_request_discard_t *)r;

	d->operation = BLKIF_OP_DISCARD;
	d->flag = 0;
	d->sector_number = sector;
	d->nr_sectors = sectors;
}

static void discard_good(blkif_request_t *r, const struct blkfront *bf)
{
	(void)bf;
	discard(r, 0, 8);
}

static void discard_past_end(blkif_request_t *r, const struct blkfront *bf)
{
	discard(r, blkfront_info(bf)->sectors - 8, 16);
}

static void discard_wraps(blkif_request_t *r, const struct blkfront *bf)
{
	(void)bf;
	discard(r, 8, UINT64_MAX - 4);
}

static const struct attack attacks[] = {
	{"good", good},
	{"unknown-op", unknown_op},
	{"reserved-op", reserved_op},
	{"indirect", indirect},
	{"no-segments", no_segments},
	{"12-segments", twelve_segments},
	{"255-segments", many_segments},
	{"first-after-last", first_after_last},
	{"last-beyond-page", last_beyond_page},
	{"last-255", last_255},
	{"past-end", past_end},
	{"across-end", across_end},
	{"sector-wraps", sector_wraps},
	{"byte-offset-wraps", byte_offset_wraps},
	{"bad-ref", bad_ref},
	{"reserved-ref", reserved_ref},
	{"bad-ref-last", bad_ref_last},
	{"same-ref", same_ref},
	{"write", write_op},
	{"discard", discard_good},
	{"discard-past-end", discard_past_end},
	{"discard-wraps", discard_wraps},
};

static blkif_request_t good_read(const struct blkfront *bf, uint64_t id)
{
	blkif_request_t r = {.operation = BLKIF_OP_READ, .nr_segments = 1, .id = id};

	r.seg[0] = (struct blkif_request_segment){blkfront_raw_ref(bf, 0), 0, 7};
	return r;
}

/* ---- what the backend made of it ---------------------------------------------------------- */

static const char *no_answer(struct blkfront *bf)
{
	enum xenbus_state state = front_backend_state(blkfront_front(bf));

	return state == XenbusStateConnected ? "silent" : "closed";
}

static void attack_run(struct blkfront *bf, const struct attack *a, uint64_t id)
{
	blkif_request_t r = good_read(bf, id);
	blkif_response_t rsp;

	a->change(&r, bf);
	blkfront_raw_put(bf, &r);
	blkfront_raw_push(bf, blkfront_raw_prod(bf));
	if (blkfront_raw_response(bf, &rsp, WAIT_MS))
		printf("%s %s\n", a->name, no_answer(bf));
	else if (rsp.id != id || rsp.operation != r.operation)
		printf("%s answers-another\n", a->name);
	else
		printf("%s %d\n", a->name, rsp.status);
}

/* XSA-155: fields change while the backend looks at them.  Whatever it reads, it must answer. */
static struct {
	pthread_t thread;
	volatile bool stop;
	struct blkfront *bf;
} flipper;

static void *flip(void *arg)
{
	while (!flipper.stop) {
		for (RING_IDX i = 0; i < blkfront_entries(flipper.bf); i++) {
			volatile blkif_request_t *r = blkfront_raw_entry(flipper.bf, i);

			r->nr_segments = 255;
			r->seg[0].last_sect = 255;
			r->operation = BLKIF_OP_DISCARD;
			r->nr_segments = 1;
			r->seg[0].last_sect = 7;
			r->operation = BLKIF_OP_READ;
		}
	}
	return arg;
}

static void attack_flip(struct blkfront *bf)
{
	time_t end = time(NULL) + 3;
	blkif_response_t rsp;
	int n, rc = 0;

	flipper.bf = bf;
	if (pthread_create(&flipper.thread, NULL, flip, NULL))
		exit(1);
	for (n = 0; n < 5000 && !rc && time(NULL) < end; n++) {
		blkif_request_t r = good_read(bf, (uint64_t)n);

		blkfront_raw_put(bf, &r);
		blkfront_raw_push(bf, blkfront_raw_prod(bf));
		rc = blkfront_raw_response(bf, &rsp, WAIT_MS);
	}
	flipper.stop = true;
	pthread_join(flipper.thread, NULL);
	printf("flip %s\n", rc ? no_answer(bf) : "answered");
}

/* XSA-216: an answer's padding must not carry the backend's memory.  Padding: 9, and 12 to 15. */
static void attack_padding(struct blkfront *bf)
{
	blkif_request_t r = good_read(bf, 0xaaaaaaaaaaaaaaaaU);
	uint8_t *raw = blkfront_raw_entry(bf, blkfront_raw_prod(bf));
	blkif_response_t rsp;
	bool leak;

	blkfront_raw_put(bf, &r);
	blkfront_raw_push(bf, blkfront_raw_prod(bf));
	if (blkfront_raw_response(bf, &rsp, WAIT_MS)) {
		printf("padding %s\n", no_answer(bf));
		return;
	}
	leak = raw[9] && raw[9] != 0xaa;
	for (int i = 12; i < 16; i++)
		leak |= raw[i] && raw[i] != 0xaa;
	printf("padding %s\n", leak ? "leak" : "clean");
}

static void attack_overflow(struct blkfront *bf, RING_IDX by, const char *name)
{
	int state;

	blkfront_raw_push(bf, blkfront_raw_prod(bf) + by);
	state = front_wait(blkfront_front(bf),
			   FRONT_STATE(XenbusStateClosing) | FRONT_STATE(XenbusStateClosed),
			   WAIT_MS);
	printf("%s %s\n", name, state < 0 ? "silent" : "closed");
}

/* An event storm with nothing on the ring, then a good request. */
static void attack_storm(struct blkfront *bf)
{
	for (int i = 0; i < 200000; i++)
		blkfront_raw_push(bf, blkfront_raw_prod(bf));
	printf("storm ");
	attack_run(bf, &attacks[0], 1);
}

static void attack(struct blkfront *bf, const char *name, uint64_t id)
{
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		if (!strcmp(name, attacks[i].name)) {
			attack_run(bf, &attacks[i], id);
			return;
		}
	}
	if (!strcmp(name, "flip"))
		attack_flip(bf);
	else if (!strcmp(name, "padding"))
		attack_padding(bf);
	else if (!strcmp(name, "storm"))
		attack_storm(bf);
	else if (!strcmp(name, "overflow"))
		attack_overflow(bf, blkfront_entries(bf) + 1, name);
	else if (!strcmp(name, "overflow-half"))
		attack_overflow(bf, 1U << 31, name);
	else
		printf("%s is-no-case\n", name);
}

int main(int argc, char **argv)
{
	struct blkfront_opts opts = {.buffer_pages = 1};
	struct guest guest;
	struct blkfront *bf;
	int devid, first = 2;

	if (argc > first && !strcmp(argv[first], "--readonly-grants")) {
		opts.readonly_grants = true;
		first++;
	}
	if (argc <= first) {
		fprintf(stderr, "usage: blkhostile DISK [--readonly-grants] CASE...\n");
		return 2;
	}
	devid = vdev_number(argv[1]);
	if (devid < 0 || guest_open(&guest))
		return 1;
	bf = blkfront_open(&guest, (unsigned int)devid, &opts);
	if (!bf)
		return 1;
	for (int i = first; i < argc; i++)
		attack(bf, argv[i], 0x1234567800000000U + (uint64_t)i);
	blkfront_close(bf);
	guest_close(&guest);
	return 0;
}
