// SPDX-License-Identifier: MIT
/* Tables for people: `halfback list` and `halfback stats`. */
#include "halfback/print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

const char *op_name(const struct vbd *vbd, int op)
{
	static const char *const names[STATS_OPS] = {
		[STATS_READ] = "read",	     [STATS_WRITE] = "write",	  [STATS_FLUSH] = "flush",
		[STATS_DISCARD] = "discard", [STATS_BARRIER] = "barrier", [STATS_OTHER] = "other",
	};
	static const char *const packets[STATS_OPS] = {
		[STATS_READ] = "rx",
		[STATS_WRITE] = "tx",
	};

	return vbd->nic ? packets[op] : names[op];
}

static double per(double n, double of)
{
	return of > 0 ? n / of : 0;
}

static uint64_t all_requests(const struct stats_queue *sum)
{
	uint64_t all = 0;

	for (int op = 0; op < STATS_OPS; op++)
		all += sum->op[op].requests;
	return all;
}

/* ---- list --------------------------------------------------------------------------------- */

/* In characters; text_clean() has made it valid. */
static int text_width(const char *text)
{
	return (int)mbstowcs(NULL, text, 0);
}

/* Wide enough for the longest, at least for the heading. */
static int width_of(const struct vbds *vbds, size_t offset, int width)
{
	for (size_t i = 0; i < vbds->count; i++) {
		int wide = text_width(*(char *const *)((const char *)&vbds->vbd[i] + offset));

		if (wide > width)
			width = wide;
	}
	return width;
}

/* printf() would count bytes. */
static void print_padded(const char *text, int width)
{
	printf("%s%*s ", text, width - text_width(text), "");
}

static void list_line(const struct vbd *vbd, int guest, int image)
{
	const struct stats_queue *sum = &vbd->sum;
	uint64_t bytes = sum->op[STATS_READ].bytes + sum->op[STATS_WRITE].bytes;

	print_padded(vbd->guest, guest);
	printf("%5u %-6s ", vbd->domid, vbd->vdev);
	print_padded(vbd->image, image);
	if (vbd->counted)
		printf("%-6s %6u %-9s %8.0f %8.1f\n", vbd->stats.header.engine,
		       vbd->stats.header.queues, vbd->state,
		       per((double)all_requests(sum), vbd->seconds),
		       per((double)bytes / 1e6, vbd->seconds));
	else
		printf("%-6s %6s %-9s %8s %8s\n", "-", "-", vbd->state, "-", "-");
	if (vbd->error && *vbd->error)
		printf("%*s %s\n", guest, "", vbd->error);
}

static void nic_line(const struct vbd *vbd, int guest, int bridge)
{
	const struct stats_count *op = vbd->sum.op;

	print_padded(vbd->guest, guest);
	printf("%5u %-15s ", vbd->domid, vbd->vdev);
	print_padded(vbd->image, bridge);
	if (vbd->counted)
		printf("%6u %-9s %8.1f %8.1f %8.1f %8.1f\n", vbd->stats.header.queues, vbd->state,
		       per((double)op[STATS_READ].requests / 1e3, vbd->seconds),
		       per((double)op[STATS_WRITE].requests / 1e3, vbd->seconds),
		       per((double)op[STATS_READ].bytes * 8 / 1e6, vbd->seconds),
		       per((double)op[STATS_WRITE].bytes * 8 / 1e6, vbd->seconds));
	else
		printf("%6s %-9s %8s %8s %8s %8s\n", "-", vbd->state, "-", "-", "-", "-");
	if (vbd->error && *vbd->error)
		printf("%*s %s\n", guest, "", vbd->error);
}

static size_t count_of(const struct vbds *vbds, bool nic)
{
	size_t count = 0;

	for (size_t i = 0; i < vbds->count; i++)
		count += vbds->vbd[i].nic == nic;
	return count;
}

static void list_disks(const struct vbds *vbds)
{
	int guest = width_of(vbds, offsetof(struct vbd, guest), 5);
	int image = width_of(vbds, offsetof(struct vbd, image), 5);

	printf("%-*s %5s %-6s %-*s %-6s %6s %-9s %8s %8s\n", guest, "guest", "domid", "disk", image,
	       "image", "engine", "queues", "state", "IOPS", "MB/s");
	for (size_t i = 0; i < vbds->count; i++)
		if (!vbds->vbd[i].nic)
			list_line(&vbds->vbd[i], guest, image);
}

/* rx is what the guest gets, tx what it sends. */
static void list_nics(const struct vbds *vbds)
{
	int guest = width_of(vbds, offsetof(struct vbd, guest), 5);
	int bridge = width_of(vbds, offsetof(struct vbd, image), 6);

	printf("%-*s %5s %-15s %-*s %6s %-9s %8s %8s %8s %8s\n", guest, "guest", "domid", "NIC",
	       bridge, "bridge", "queues", "state", "rx kpps", "tx kpps", "rx Mb/s", "tx Mb/s");
	for (size_t i = 0; i < vbds->count; i++)
		if (vbds->vbd[i].nic)
			nic_line(&vbds->vbd[i], guest, bridge);
}

void print_list(const struct vbds *vbds)
{
	bool nics = count_of(vbds, true) > 0, disks = count_of(vbds, false) > 0 || !nics;

	if (disks)
		list_disks(vbds);
	if (disks && nics)
		putchar('\n');
	if (nics)
		list_nics(vbds);
}

/* ---- stats -------------------------------------------------------------------------------- */

static void print_op(const struct vbd *vbd, enum stats_op op)
{
	const struct stats_count *count = &vbd->sum.op[op];

	if (!op_name(vbd, op) || (count->requests == 0 && op >= STATS_FLUSH))
		return;
	printf("  %-8s %12" PRIu64 " %8" PRIu64 " %10.1f %9.0f %8.1f", op_name(vbd, op),
	       count->requests, count->errors, (double)count->bytes / (1 << 20),
	       per((double)count->requests, vbd->seconds),
	       per((double)count->bytes / 1e6, vbd->seconds));
	if (op < STATS_TIMED && stats_samples(&vbd->sum.histogram[op]) > 0) {
		static const double percents[] = {50, 99, 99.9};

		for (int i = 0; i < 3; i++)
			printf(" %9.1f",
			       (double)stats_percentile(&vbd->sum.histogram[op], percents[i]) /
				       1e3);
	}
	putchar('\n');
}

static void print_costs(const struct stats_queue *sum, bool nic)
{
	const char *what = nic ? "packet" : "request";
	double all = (double)all_requests(sum);

	printf("  ring: %" PRIu64 " slots, %" PRIu64 " %ss in flight; full in %.1f %% of %" PRIu64
	       " turns, %.1f %ss a turn\n",
	       sum->ring_slots, sum->in_flight, what,
	       100 * per((double)sum->ring_full, (double)sum->turns), sum->turns,
	       per(all, (double)sum->turns), what);
	printf("  per %s: %.3f notifications from the guest, %.3f to it, %.3f grant copy "
	       "calls "
	       "for %.2f segments\n",
	       what, per((double)sum->kicks, all), per((double)sum->notifies, all),
	       per((double)sum->copy_calls, all), per((double)sum->copy_segments, all));
	if (sum->indirect > 0)
		printf("  indirect: %" PRIu64 " requests\n", sum->indirect);
	if (sum->grant_maps > 0 || sum->grant_hits > 0)
		printf("  %s grants: %" PRIu64 " mapped now, %" PRIu64 " maps, %" PRIu64 " hits\n",
		       nic ? "static" : "persistent", sum->grants_held, sum->grant_maps,
		       sum->grant_hits);
	if (sum->copies_refused > 0)
		printf("  copies refused by the hypervisor: %" PRIu64 "\n", sum->copies_refused);
	if (sum->limited > 0)
		printf("  held back by its limit: %" PRIu64 " times\n", sum->limited);
}

static void print_vbd(const struct vbd *vbd)
{
	printf("%s (domain %u) %s (%s %u): %s, %s", vbd->guest, vbd->domid, vbd->vdev, vbd->kind,
	       vbd->devid, vbd->image, vbd->state);
	if (!vbd->counted) {
		printf("\n%s%s%s", vbd->error ? "  " : "", vbd->error ? vbd->error : "",
		       vbd->error ? "\n" : "");
		return;
	}
	printf(", %s, %u queue%s, %.1f s\n", vbd->stats.header.engine, vbd->stats.header.queues,
	       vbd->stats.header.queues == 1 ? "" : "s", vbd->seconds);
	printf("  %-8s %12s %8s %10s %9s %8s %9s %9s %9s\n", "", vbd->nic ? "packets" : "requests",
	       "errors", "MiB", vbd->nic ? "packets/s" : "IOPS", "MB/s", "p50 us", "p99 us",
	       "p99.9 us");
	for (int op = 0; op < STATS_OPS; op++)
		print_op(vbd, (enum stats_op)op);
	print_costs(&vbd->sum, vbd->nic);
	if (vbd->dropped > 0)
		printf("  dropped before, by its interface, whose queue was full: %" PRId64 "\n",
		       vbd->dropped);
}

void print_table(const struct vbds *vbds)
{
	for (size_t i = 0; i < vbds->count; i++) {
		if (i > 0)
			putchar('\n');
		print_vbd(&vbds->vbd[i]);
	}
}
