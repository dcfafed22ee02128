// SPDX-License-Identifier: MIT
/*
 * What blkload prints: a disk's properties, a result as a few lines or as one JSON object, and a
 * progress line on a terminal.
 */
#include <stdio.h>
#include <string.h>

#include "loopback/blkload.h"

static const char *json_bool(bool b)
{
	return b ? "true" : "false";
}

void report_info(struct blkfront *bf, const struct load_opts *o)
{
	const struct blkfront_info *i = blkfront_info(bf);
	unsigned int entries = blkfront_entries(blkfront_queue(bf, 0));

	if (o->json) {
		printf("{\"sectors\": %llu, \"bytes\": %llu, \"sector_size\": %u, "
		       "\"physical_sector_size\": %u, \"readonly\": %s, \"flush\": %s, "
		       "\"barrier\": %s, \"discard\": %s, \"discard_granularity\": %u, "
		       "\"discard_alignment\": %u, \"max_ring_order\": %u, \"ring_pages\": %u, "
		       "\"entries\": %u, \"max_queues\": %u, \"queues\": %u, "
		       "\"max_indirect\": %u, \"indirect\": %u, \"persistent\": %s}\n",
		       (unsigned long long)i->sectors, (unsigned long long)i->sectors * 512,
		       i->sector_size, i->physical_sector_size, json_bool(i->readonly),
		       json_bool(i->flush), json_bool(i->barrier), json_bool(i->discard),
		       i->discard_granularity, i->discard_alignment, i->max_ring_order,
		       1U << o->front.ring_order, entries, i->max_queues, i->queues,
		       i->max_indirect, i->indirect, json_bool(i->persistent));
		return;
	}
	printf("%s: %llu bytes, sectors of %u bytes (%u physical)%s\n", o->dev,
	       (unsigned long long)i->sectors * 512, i->sector_size, i->physical_sector_size,
	       i->readonly ? ", read-only" : "");
	printf("offers:%s%s%s, rings up to order %u, %u queues, %u indirect segments\n",
	       i->flush ? " flush" : "", i->barrier ? " barrier" : "", i->discard ? " discard" : "",
	       i->max_ring_order, i->max_queues, i->max_indirect);
	printf("connected: %u queues of %u pages and %u entries, %u segments in a request, %s\n",
	       i->queues, 1U << o->front.ring_order, entries,
	       i->indirect ? i->indirect : BLKFRONT_SEGMENTS,
	       i->persistent ? "persistent grants" : "no persistent grants");
}

static double us(double ns)
{
	return ns / 1000.0;
}

static void json_latency(const struct histogram *h)
{
	printf("\"latency_us\": {\"min\": %.2f, \"mean\": %.2f, \"p50\": %.2f, \"p90\": %.2f, "
	       "\"p99\": %.2f, \"p99.9\": %.2f, \"max\": %.2f}",
	       us((double)h->min), us(histogram_mean(h)), us((double)histogram_percentile(h, 50)),
	       us((double)histogram_percentile(h, 90)), us((double)histogram_percentile(h, 99)),
	       us((double)histogram_percentile(h, 99.9)), us((double)h->max));
}

static void json_dir(const struct load_dir *d, double seconds)
{
	printf("\"ios\": %llu, \"bytes\": %llu, \"iops\": %.1f, \"bandwidth\": %.0f, ",
	       (unsigned long long)d->ios, (unsigned long long)d->bytes, (double)d->ios / seconds,
	       (double)d->bytes / seconds);
	json_latency(&d->latency);
}

static struct load_dir total(const struct load_result *r)
{
	struct load_dir t = r->read;

	t.ios += r->write.ios;
	t.bytes += r->write.bytes;
	histogram_merge(&t.latency, &r->write.latency);
	return t;
}

static void report_json(const struct blkfront_info *i, const struct load_opts *o,
			const struct load_result *r)
{
	struct load_dir t = total(r);

	printf("{\"rw\": \"%s\", \"bs\": %llu, \"qd\": %u, \"abi\": %d, \"ring_order\": %u, "
	       "\"queues\": %u, \"indirect\": %u, \"persistent\": %s, "
	       "\"seconds\": %.6f, \"cpu_seconds\": %.6f, ",
	       o->rw, (unsigned long long)o->bs, o->qd, o->front.abi32 ? 32 : 64,
	       o->front.ring_order, i->queues, i->indirect, json_bool(i->persistent), r->seconds,
	       r->cpu_seconds);
	json_dir(&t, r->seconds);
	printf(", \"read\": {");
	json_dir(&r->read, r->seconds);
	printf("}, \"write\": {");
	json_dir(&r->write, r->seconds);
	printf("}, \"flushes\": %llu, \"errors\": %llu, \"verified\": %llu, \"verify_errors\": "
	       "%llu, ",
	       (unsigned long long)r->flushes, (unsigned long long)r->errors,
	       (unsigned long long)r->verified, (unsigned long long)r->verify_errors);
	printf("\"front\": {\"requests\": %llu, \"indirect\": %llu, \"responses\": %llu, "
	       "\"pushes\": %llu, "
	       "\"notifies\": %llu, \"sleeps\": %llu, \"wakes\": %llu}}\n",
	       (unsigned long long)r->front.requests, (unsigned long long)r->front.indirect,
	       (unsigned long long)r->front.responses, (unsigned long long)r->front.pushes,
	       (unsigned long long)r->front.notifies, (unsigned long long)r->front.sleeps,
	       (unsigned long long)r->front.wakes);
}

static void text_dir(const char *name, const struct load_dir *d, double seconds)
{
	const struct histogram *h = &d->latency;

	if (!d->ios)
		return;
	printf("%-6s %10.0f IOPS %9.1f MiB/s   us: min %.1f mean %.1f p50 %.1f p99 %.1f p99.9 %.1f "
	       "max %.1f\n",
	       name, (double)d->ios / seconds, (double)d->bytes / seconds / 1048576.0,
	       us((double)h->min), us(histogram_mean(h)), us((double)histogram_percentile(h, 50)),
	       us((double)histogram_percentile(h, 99)), us((double)histogram_percentile(h, 99.9)),
	       us((double)h->max));
}

void report_result(const struct blkfront *bf, const struct load_opts *o,
		   const struct load_result *r)
{
	uint64_t ios = r->read.ios + r->write.ios;

	if (o->json) {
		report_json(blkfront_info(bf), o, r);
		return;
	}
	text_dir("read", &r->read, r->seconds);
	text_dir("write", &r->write, r->seconds);
	printf("%llu blocks of %llu bytes in %.2f s, %.2f us of CPU per block, %llu flushes, "
	       "%llu errors\n",
	       (unsigned long long)ios, (unsigned long long)o->bs, r->seconds,
	       ios ? r->cpu_seconds * 1e6 / (double)ios : 0.0, (unsigned long long)r->flushes,
	       (unsigned long long)r->errors);
	if (o->verify)
		printf("verified %llu blocks, %llu wrong\n", (unsigned long long)r->verified,
		       (unsigned long long)r->verify_errors);
}

void report_progress(uint64_t ios, uint64_t bytes, uint64_t wrong, double seconds)
{
	fprintf(stderr, "\r%6.1f s %10.0f IOPS %9.1f MiB/s %llu errors \033[K", seconds,
		(double)ios / seconds, (double)bytes / seconds / 1048576.0,
		(unsigned long long)wrong);
}
