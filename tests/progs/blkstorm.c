// SPDX-License-Identifier: MIT
/*
 * blkstorm DISK SECONDS|Nx|Nw|Nk [SEED|KEY=VALUE]: a guest that writes random states into its
 * frontend's directory as fast as the store takes them, while it has requests on a real ring and
 * changes the nodes that name it (XSA-349, XSA-350): for some time, or N states.  With Nw it makes
 * N such writes, and does nothing else meanwhile.  With Nk it writes KEY, the same VALUE each time,
 * N times, and leaves the disk to others: a transaction that has read it fails. Prints how many it
 * made.
 *
 * It never waits for the backend and looks at no answer; the disk's data are of no concern.
 */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loopback/blkfront.h"
#include "loopback/vdev.h"

static const char *const states[] = {"1", "2", "3", "4",  "5",	"6",
				     "4", "3", "1", "6",  "0",	"7",
				     "8", "x", "",  "4 ", "-1", "99999999999999999999"};
static const char *const orders[] = {"0", "1", "4", "31", "-1"};

static uint64_t seed;

static unsigned int any(unsigned int below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)(seed >> 33) % below;
}

static void write_key(struct blkfront *bf, const char *key, const char *value)
{
	struct front *f = blkfront_front(bf);
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", f->path, key);
	xs_write(f->guest->xs, XBT_NULL, path, value, (unsigned int)strlen(value));
}

/* Reads, and now and then a write or something that is none. */
static void put_requests(struct blkfront_queue *q)
{
	for (unsigned int i = any(8); i > 0; i--) {
		blkif_request_t r = {.operation = (uint8_t)(any(4) ? 0 : any(8)), .nr_segments = 1};

		r.sector_number = any(1000);
		r.seg[0] = (struct blkif_request_segment){blkfront_raw_ref(q, 0), 0, 7};
		blkfront_raw_put(q, &r);
	}
	blkfront_raw_push(q, blkfront_raw_prod(q));
}

static unsigned long storm(struct blkfront *bf, time_t seconds, unsigned long most)
{
	struct blkfront_queue *q = blkfront_queue(bf, 0);
	time_t end = time(NULL) + seconds;
	unsigned long writes = 0;

	while (writes < most && (seconds == 0 || time(NULL) < end)) {
		/* Connects now and then, or the storm would only ever meet a closed device. */
		if (any(16) == 0) {
			memset(blkfront_raw_ring(q), 0, 64);
			front_reset(blkfront_front(bf), 100);
			write_key(bf, "state", "3");
			front_wait(blkfront_front(bf), FRONT_STATE(XenbusStateConnected), 20);
		}
		put_requests(q);
		for (int i = 0; i < 64; i++, writes++)
			write_key(bf, "state", states[any(sizeof(states) / sizeof(*states))]);
		if (any(4) == 0)
			write_key(bf, "ring-page-order", orders[any(5)]);
		else
			write_key(bf, "ring-page-order", "0");
	}
	return writes;
}

static unsigned long storm_writes(struct blkfront *bf, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		write_key(bf, "state", states[any(sizeof(states) / sizeof(*states))]);
	return n;
}

static unsigned long storm_key(struct guest *guest, int devid, unsigned long n, char *key)
{
	char path[128], *value = strchr(key, '=');

	*value++ = '\0';
	snprintf(path, sizeof(path), "device/vbd/%d/%s", devid, key);
	for (unsigned long i = 0; i < n; i++)
		xs_write(guest->xs, XBT_NULL, path, value, (unsigned int)strlen(value));
	return n;
}

static unsigned long storm_disk(struct blkfront *bf, const char *how)
{
	char *unit;
	unsigned long n = strtoul(how, &unit, 10);

	return *unit == 'w'   ? storm_writes(bf, n)
	       : *unit == 'x' ? storm(bf, 0, n)
			      : storm(bf, (time_t)n, ULONG_MAX);
}

int main(int argc, char **argv)
{
	struct blkfront_opts opts = {.buffer_pages = 1};
	struct guest guest;
	struct blkfront *bf;
	int devid = argc > 2 ? vdev_number(argv[1]) : -1;

	if (devid < 0) {
		fprintf(stderr, "usage: blkstorm DISK SECONDS|Nx|Nw|Nk [SEED|KEY=VALUE]\n");
		return 2;
	}
	seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	if (guest_open(&guest))
		return 1;
	if (strchr(argv[2], 'k') && argc > 3 && strchr(argv[3], '=')) {
		printf("%lu\n", storm_key(&guest, devid, strtoul(argv[2], NULL, 10), argv[3]));
		guest_close(&guest);
		return 0;
	}
	bf = blkfront_open(&guest, (unsigned int)devid, &opts);
	if (!bf)
		return 1;
	printf("%lu\n", storm_disk(bf, argv[2]));
	write_key(bf, "ring-page-order", "0");
	write_key(bf, "state", "6");
	blkfront_close(bf);
	guest_close(&guest);
	return 0;
}
