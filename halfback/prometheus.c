// SPDX-License-Identifier: MIT
/*
 * `halfback stats --prometheus`: the text format of Prometheus, version 0.0.4, for node_exporter's
 * textfile directory.  Counters end in _total, times are in seconds, each metric has HELP and TYPE
 * and stands in one piece.
 *
 * A histogram's buckets are powers of two of nanoseconds from 1 us on: each holds eight steps of
 * the file's, so nothing is lost but fineness, and a disk costs 27 lines an operation, not 272.
 */
#include "halfback/print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	FIRST_BIT = 10, /* le="1.024e-06" */
	LAST_BIT = 35,	/* le="34.359738368" */
};

/* What all names begin with, and the label of the device's name: "disk" or "nic". */
static const char *noun;

static void heading(const char *name, const char *type, const char *help)
{
	printf("# HELP halfback_%s_%s %s\n# TYPE halfback_%s_%s %s\n", noun, name, help, noun, name,
	       type);
}

/* A label's value: backslash, quote and end of line are escaped. */
static void label(const char *key, const char *value)
{
	printf("%s=\"", key);
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			putchar('\\');
		putchar(*value);
	}
	putchar('"');
}

/* name{guest="g",domid="1",disk="xvda",devid="51712" and more labels to follow, without the }. */
static void sample(const char *name, const struct vbd *vbd)
{
	printf("halfback_%s_%s{", noun, name);
	label("guest", vbd->guest);
	printf(",domid=\"%u\",", vbd->domid);
	label(vbd->nic ? "interface" : "disk", vbd->vdev);
	printf(",devid=\"%u\"", vbd->devid);
}

static void print_info(const struct vbds *vbds)
{
	heading("info", "gauge", "A device that is offered or served, always 1.");
	for (size_t i = 0; i < vbds->count; i++) {
		const struct vbd *vbd = &vbds->vbd[i];

		sample("info", vbd);
		putchar(',');
		label("kind", vbd->kind);
		putchar(',');
		label(vbd->nic ? "bridge" : "image", vbd->image);
		putchar(',');
		label("engine", vbd->counted ? vbd->stats.header.engine : "");
		putchar(',');
		label("state", vbd->state);
		printf("} 1\n");
	}
	heading("connected_timestamp_seconds", "gauge",
		"When the device connected, in seconds since 1970.");
	for (size_t i = 0; i < vbds->count; i++)
		if (vbds->vbd[i].counted) {
			sample("connected_timestamp_seconds", &vbds->vbd[i]);
			printf("} %.3f\n", vbds->vbd[i].since_epoch);
		}
}

/* ---- one value a disk ----------------------------------------------------------------------- */

static const struct {
	const char *name, *type, *help;
	size_t offset; /* in struct stats_queue */
} plain[] = {
#define COUNTER(name, member, help)                                                                \
	{                                                                                          \
		name, "counter", help, offsetof(struct stats_queue, member)                        \
	}
#define GAUGE(name, member, help)                                                                  \
	{                                                                                          \
		name, "gauge", help, offsetof(struct stats_queue, member)                          \
	}
	GAUGE("ring_slots", ring_slots, "Slots of the disk's rings."),
	GAUGE("in_flight_requests", in_flight, "Requests taken and not answered."),
	GAUGE("persistent_grants", grants_held, "Granted pages that are kept mapped."),
	COUNTER("indirect_requests_total", indirect, "Reads and writes with indirect segments."),
	COUNTER("turns_total", turns, "Looks at a ring that found requests."),
	COUNTER("ring_full_total", ring_full, "Turns that found every slot of a ring in use."),
	COUNTER("limited_total", limited, "Turns that a limit ended."),
	COUNTER("kicks_total", kicks, "Notifications received from the guest."),
	COUNTER("notifies_total", notifies, "Notifications sent to the guest."),
	COUNTER("grant_copy_calls_total", copy_calls, "Calls of the hypervisor to copy."),
	COUNTER("grant_copy_segments_total", copy_segments, "Segments in those calls."),
	COUNTER("grant_copies_refused_total", copies_refused,
		"Segments that the hypervisor refused to copy."),
	COUNTER("grant_maps_total", grant_maps, "Persistent grants mapped."),
	COUNTER("grant_hits_total", grant_hits, "Segments that found their page mapped."),
#undef COUNTER
#undef GAUGE
};

static void print_plain(const struct vbds *vbds)
{
	for (size_t m = 0; m < sizeof(plain) / sizeof(plain[0]); m++) {
		heading(plain[m].name, plain[m].type, plain[m].help);
		for (size_t i = 0; i < vbds->count; i++) {
			const struct vbd *vbd = &vbds->vbd[i];

			if (!vbd->counted)
				continue;
			sample(plain[m].name, vbd);
			printf("} %" PRIu64 "\n",
			       *(const uint64_t *)((const char *)&vbd->sum + plain[m].offset));
		}
	}
}

/* ---- one value an operation ----------------------------------------------------------------- */

static const struct {
	const char *name, *help;
	size_t offset; /* in struct stats_count */
} counts[] = {
	{"requests_total", "Requests answered.", offsetof(struct stats_count, requests)},
	{"errors_total", "Requests answered with an error.", offsetof(struct stats_count, errors)},
	{"bytes_total", "Bytes moved by requests without error.",
	 offsetof(struct stats_count, bytes)},
};

static void print_counts(const struct vbds *vbds)
{
	for (size_t m = 0; m < sizeof(counts) / sizeof(counts[0]); m++) {
		heading(counts[m].name, "counter", counts[m].help);
		for (size_t i = 0; i < vbds->count; i++)
			for (int op = 0; op < STATS_OPS && vbds->vbd[i].counted; op++) {
				const struct stats_count *count = &vbds->vbd[i].sum.op[op];
				const char *what = op_name(&vbds->vbd[i], op);

				if (!what)
					continue;

				sample(counts[m].name, &vbds->vbd[i]);
				printf(",op=\"%s\"} %" PRIu64 "\n", what,
				       *(const uint64_t *)((const char *)count + counts[m].offset));
			}
	}
}

static void print_histogram(const struct vbd *vbd, int op)
{
	const struct stats_histogram *histogram = &vbd->sum.histogram[op];
	uint64_t seen = 0, all = stats_samples(histogram);
	uint32_t step = 0;

	for (int bit = FIRST_BIT; bit <= LAST_BIT; bit++) {
		while (stats_step_top(step) < 1ull << bit)
			seen += histogram->step[step++];
		sample("request_duration_seconds_bucket", vbd);
		printf(",op=\"%s\",le=\"%.12g\"} %" PRIu64 "\n", op_name(vbd, op),
		       (double)(1ull << bit) / 1e9, seen);
	}
	sample("request_duration_seconds_bucket", vbd);
	printf(",op=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", op_name(vbd, op), all);
	sample("request_duration_seconds_sum", vbd);
	printf(",op=\"%s\"} %.9g\n", op_name(vbd, op), (double)histogram->sum_ns / 1e9);
	sample("request_duration_seconds_count", vbd);
	printf(",op=\"%s\"} %" PRIu64 "\n", op_name(vbd, op), all);
}

/* Only interfaces have it. */
static void print_dropped(const struct vbds *vbds)
{
	heading("interface_dropped_total", "counter",
		"Packets for the guest that found its interface's own queue full.");
	for (size_t i = 0; i < vbds->count; i++) {
		if (!vbds->vbd[i].counted || vbds->vbd[i].dropped < 0)
			continue;
		sample("interface_dropped_total", &vbds->vbd[i]);
		printf("} %" PRId64 "\n", vbds->vbd[i].dropped);
	}
}

static void print_all(const struct vbds *vbds, bool nic)
{
	print_info(vbds);
	print_plain(vbds);
	if (nic)
		print_dropped(vbds);
	print_counts(vbds);
	heading("request_duration_seconds", "histogram",
		"From taking a request off the ring to its answer, of those without error.");
	for (size_t i = 0; i < vbds->count; i++)
		for (int op = 0; op < STATS_TIMED && vbds->vbd[i].counted; op++)
			if (op_name(&vbds->vbd[i], op))
				print_histogram(&vbds->vbd[i], op);
}

/* All of a name stand together, so the disks are printed first, then the NICs. */
static void print_some(const struct vbds *vbds, bool nic)
{
	struct vbds some = {calloc(vbds->count + 1, sizeof(*some.vbd)), 0};

	if (!some.vbd)
		abort();
	for (size_t i = 0; i < vbds->count; i++)
		if (vbds->vbd[i].nic == nic)
			some.vbd[some.count++] = vbds->vbd[i];
	noun = nic ? "nic" : "disk";
	if (some.count > 0 || !nic)
		print_all(&some, nic);
	free(some.vbd);
}

void print_prometheus(const struct vbds *vbds)
{
	print_some(vbds, false);
	print_some(vbds, true);
}
