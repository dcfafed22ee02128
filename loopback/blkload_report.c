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

	if (o->json) {
		printf("{\"sectors\": %llu, \"bytes\": %llu, \"sector_size\": %u, "
		       "\"physical_sector_size\": %u, \"readonly\": %s, \"flush\": %s, "
		       "\"barrier\": %s, \"discard\": %s, \"discard_granularity\": %u, "
		       "\"discard_alignment\": %u, \"max_ring_order\": %u, \"entries\": %u}\n",
		       (unsigned long long)i->sectors, (unsigned long long)i->sectors * 512,
		       i->sector_size, i->physical_sector_size, json_bool(i->readonly),
		       json_bool(i->flush), json_bool(i->barrier), json_bool(i->discard),
		       i->discard_granularity, i->discard_alignment, i->max_ring_order,
		       blkfront_entries(blkfront_queue(bf, 0)));
		return;
	}
	printf("%s: %llu bytes, sectors of %u bytes (%u physical)%s\n", o->dev,
	       (unsigned long long)i->sectors * 512, i->sector_size, i->physical_sector_size,
	       i->readonly ? ", read-only" : "");
	printf("offers:%s%s%s, rings up to order %u; connected with %u entries\n",
	       i->flush ? " flush" : "", i->barrier ? " barrier" : "", i->discard ? " discard" : "",
	       i->max_ring_order, blkfront_entries(blkfront_queue(bf, 0)));
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

static void report_json(const struct load_opts *o, const struct load_result *r)
{
	struct load_dir t = total(r);

	printf("{\"rw\": \"%s\", \"bs\": %llu, \"qd\": %u, \"abi\": %d, \"ring_order\": %u, "
	       "\"seconds\": %.6f, \"cpu_seconds\": %.6f, ",
	       o->rw, (unsigned long long)o->bs, o->qd, o->front.abi32 ? 32 : 64,
	       o->front.ring_order, r->seconds, r->cpu_seconds);
	json_dir(&t, r->seconds);
	printf(", \"read\": {");
	json_dir(&r->read, r->seconds);
	printf("}, \"write\": {");
	json_dir(&r->write, r->seconds);
	printf("}, \"flushes\": %llu, \"errors\": %llu, \"verified\": %llu, \"verify_errors\": "
	       "%llu, ",
	       (unsigned long long)r->flushes, (unsigned long long)r->errors,
	       (unsigned long long)r->verified, (unsigned long long)r->verify_errors);
	printf("\"front\": {\"requests\": %llu, \"responses\": %llu, \"pushes\": %llu, "
	       "\"notifies\": %llu, \"sleeps\": %llu, \"wakes\": %llu}}\n",
	       (unsigned long long)r->front.requests, (unsigned long long)r->front.responses,
	       (unsigned long long)r->front.pushes, (unsigned long long)r->front.notifies,
	       (unsigned long long)r->front.sleeps, (unsigned long long)r->front.wakes);
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

void report_result(const struct load_opts *o, const struct load_result *r)
{
	uint64_t ios = r->read.ios + r->write.ios;

	if (o->json) {
		report_json(o, r);
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

void report_progress(const struct load_result *r, double seconds)
{
	uint64_t ios = r->read.ios + r->write.ios, bytes = r->read.bytes + r->write.bytes;
	unsigned long long wrong = r->errors + r->verify_errors;

	fprintf(stderr, "\r%6.1f s %10.0f IOPS %9.1f MiB/s %llu errors \033[K", seconds,
		(double)ios / seconds, (double)bytes / seconds / 1048576.0, wrong);
}
