// SPDX-License-Identifier: MIT
/*
 * blkload's command line.  Every value is checked here, so that the rest of the program has nothing
 * to refuse; what depends on the disk's size is checked when the disk is known.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loopback/blkload.h"

static const char usage[] =
	"usage: blkload --dev=xvda|DEVID [OPTION...]     (in a guest: xloop exec GUEST -- blkload "
	"...)\n"
	"  --rw=read|write|randread|randwrite|randrw  what to do (read)\n"
	"  --mix=PERCENT       reads among randrw (70)\n"
	"  --bs=SIZE --qd=N    block size (4k), blocks in flight on each queue (32)\n"
	"  --offset=SIZE --size=SIZE   part of the disk to work on (all of it)\n"
	"  --runtime=SECONDS | --ios=N   when to end (after as many blocks as the part has)\n"
	"  --rate=N            at most N blocks per second on each queue, --qd of them at a time\n"
	"  --verify            write blocks that name their place, read them back, check them;\n"
	"                      with --rw=read or randread: check what an earlier run wrote\n"
	"  --seed=N --generation=N   of the pattern (1, 1); --generation checks that very one\n"
	"  --flush-every=N     a flush after each N writes of a queue\n"
	"  --op=info|flush|discard|barrier|hold   one of these instead of a load; hold stays\n"
	"                      connected until SIGTERM; discard and barrier take --offset, --size\n"
	"  --stay              then stay connected until SIGTERM\n"
	"  --queues=N          queues, if the backend has them: each with a thread and a share of\n"
	"                      the blocks of its own (1)\n"
	"  --indirect=N        segments in a request, if the backend takes more than 11; 0: 11 "
	"(32)\n"
	"  --persistent        promise to use the same grants again and again\n"
	"  --ring-order=0..4 --abi=64|32 --spin=MICROSECONDS   how else to connect (0, 64, 50)\n"
	"  --gaps=FILE         list each time above 1 ms in which a queue had no answer, in us: "
	"when\n"
	"                      it ended (since 1970), and how long it was\n"
	"  --json              the result as one JSON object\n";

enum {
	O_DEV = 256,
	O_RW,
	O_MIX,
	O_BS,
	O_QD,
	O_OFFSET,
	O_SIZE,
	O_RUNTIME,
	O_IOS,
	O_RATE,
	O_VERIFY,
	O_SEED,
	O_GENERATION,
	O_FLUSH_EVERY,
	O_OP,
	O_HOLD,
	O_STAY,
	O_QUEUES,
	O_INDIRECT,
	O_PERSISTENT,
	O_RING_ORDER,
	O_ABI,
	O_SPIN,
	O_GAPS,
	O_JSON,
	O_HELP,
};

static const struct option options[] = {
	{"dev", required_argument, NULL, O_DEV},
	{"rw", required_argument, NULL, O_RW},
	{"mix", required_argument, NULL, O_MIX},
	{"bs", required_argument, NULL, O_BS},
	{"qd", required_argument, NULL, O_QD},
	{"offset", required_argument, NULL, O_OFFSET},
	{"size", required_argument, NULL, O_SIZE},
	{"runtime", required_argument, NULL, O_RUNTIME},
	{"ios", required_argument, NULL, O_IOS},
	{"rate", required_argument, NULL, O_RATE},
	{"verify", no_argument, NULL, O_VERIFY},
	{"seed", required_argument, NULL, O_SEED},
	{"generation", required_argument, NULL, O_GENERATION},
	{"flush-every", required_argument, NULL, O_FLUSH_EVERY},
	{"op", required_argument, NULL, O_OP},
	{"hold", no_argument, NULL, O_HOLD},
	{"stay", no_argument, NULL, O_STAY},
	{"queues", required_argument, NULL, O_QUEUES},
	{"indirect", required_argument, NULL, O_INDIRECT},
	{"persistent", no_argument, NULL, O_PERSISTENT},
	{"ring-order", required_argument, NULL, O_RING_ORDER},
	{"abi", required_argument, NULL, O_ABI},
	{"spin", required_argument, NULL, O_SPIN},
	{"gaps", required_argument, NULL, O_GAPS},
	{"json", no_argument, NULL, O_JSON},
	{"help", no_argument, NULL, O_HELP},
	{NULL, 0, NULL, 0},
};

/* A number with k, M, G or T behind it; false if it is none or above @max. */
static bool size_parse(const char *s, uint64_t max, uint64_t *value)
{
	static const char units[] = "kMGT";
	unsigned int shift = 0;
	const char *unit;
	char *end;

	errno = 0;
	*value = strtoull(s, &end, 10);
	if (!isdigit((unsigned char)*s) || errno)
		return false;
	unit = *end ? strchr(units, *end == 'K' ? 'k' : *end) : NULL;
	if (unit) {
		shift = 10 * (unsigned int)(unit - units + 1);
		end++;
	}
	if (*end || *value > max >> shift)
		return false;
	*value <<= shift;
	return true;
}

static bool count_parse(const char *s, unsigned int min, unsigned int max, unsigned int *value)
{
	uint64_t v;

	if (!size_parse(s, max, &v) || v < min)
		return false;
	*value = (unsigned int)v;
	return true;
}

static bool runtime_parse(const char *s, double *value)
{
	char *end;

	*value = strtod(s, &end);
	return end != s && !*end && *value > 0 && *value <= 1e6;
}

static bool rw_parse(struct load_opts *o, const char *s)
{
	static const struct {
		const char *name;
		bool random, reads, writes;
	} modes[] = {{"read", false, true, false},
		     {"write", false, false, true},
		     {"randread", true, true, false},
		     {"randwrite", true, false, true},
		     {"randrw", true, true, true}};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(s, modes[i].name))
			continue;
		o->rw = modes[i].name;
		o->random = modes[i].random;
		o->reads = modes[i].reads;
		o->writes = modes[i].writes;
		return true;
	}
	return false;
}

static bool op_parse(struct load_opts *o, const char *s)
{
	static const char *const names[] = {"load", "info", "flush", "discard", "barrier", "hold"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(s, names[i]))
			continue;
		o->op = (enum load_op)i;
		return true;
	}
	return false;
}

static bool option_size(struct load_opts *o, int opt, const char *arg)
{
	uint64_t seed;

	switch (opt) {
	case O_BS:
		return size_parse(arg, 16 << 20, &o->bs) && o->bs && o->bs % BLKFRONT_SECTOR == 0;
	case O_OFFSET:
		return size_parse(arg, INT64_MAX, &o->offset) && o->offset % BLKFRONT_SECTOR == 0;
	case O_SIZE:
		return size_parse(arg, INT64_MAX, &o->size) && o->size &&
		       o->size % BLKFRONT_SECTOR == 0;
	case O_IOS:
		return size_parse(arg, INT64_MAX, &o->ios) && o->ios;
	case O_SEED:
		if (!size_parse(arg, INT64_MAX, &seed))
			return false;
		o->seed = seed;
		return true;
	}
	return false;
}

static bool option_set(struct load_opts *o, int opt, const char *arg)
{
	unsigned int v;

	switch (opt) {
	case O_DEV:
		o->dev = arg;
		return true;
	case O_GAPS:
		o->gaps = arg;
		return true;
	case O_RW:
		return rw_parse(o, arg);
	case O_MIX:
		return count_parse(arg, 0, 100, &o->mix);
	case O_QD:
		return count_parse(arg, 1, 4096, &o->qd);
	case O_RUNTIME:
		return runtime_parse(arg, &o->runtime);
	case O_GENERATION:
		return count_parse(arg, 1, 1U << 30, &o->generation);
	case O_FLUSH_EVERY:
		return count_parse(arg, 1, 1U << 30, &o->flush_every);
	case O_RATE:
		return count_parse(arg, 1, 1U << 30, &o->rate);
	case O_OP:
		return op_parse(o, arg);
	case O_QUEUES:
		return count_parse(arg, 1, BLKFRONT_MAX_QUEUES, &o->front.queues);
	case O_INDIRECT:
		return count_parse(arg, 0, BLKFRONT_MAX_INDIRECT, &o->front.indirect);
	case O_RING_ORDER:
		return count_parse(arg, 0, BLKFRONT_MAX_ORDER, &o->front.ring_order);
	case O_SPIN:
		return count_parse(arg, 0, 1000000, &o->front.spin_us);
	case O_ABI:
		o->front.abi32 = !strcmp(arg, "32");
		return count_parse(arg, 32, 64, &v) && (v == 32 || v == 64);
	}
	return option_size(o, opt, arg);
}

static bool option_flag(struct load_opts *o, int opt)
{
	switch (opt) {
	case O_VERIFY:
		o->verify = true;
		return true;
	case O_HOLD:
		o->op = OP_HOLD;
		return true;
	case O_STAY:
		o->stay = true;
		return true;
	case O_PERSISTENT:
		o->front.persistent = true;
		return true;
	case O_JSON:
		o->json = true;
		return true;
	}
	return false;
}

int opts_parse(struct load_opts *o, int argc, char **argv)
{
	int opt, index;

	*o = (struct load_opts){.rw = "read",
				.reads = true,
				.mix = 70,
				.bs = 4096,
				.qd = 32,
				.seed = 1,
				.front = {.queues = 1, .indirect = 32, .spin_us = 50}};
	while ((opt = getopt_long(argc, argv, "", options, &index)) >= 0) {
		if (opt == O_HELP) {
			fputs(usage, stdout);
			return 1;
		}
		if (opt == '?')
			return -EINVAL;
		if (option_flag(o, opt) || option_set(o, opt, optarg))
			continue;
		fprintf(stderr, "blkload: --%s can't be \"%s\"; see blkload --help\n",
			options[index].name, optarg);
		return -EINVAL;
	}
	if (!o->dev || optind != argc) {
		fprintf(stderr, "blkload: %s; see blkload --help\n",
			o->dev ? "there is an argument too many" : "which disk? Say --dev=xvda");
		return -EINVAL;
	}
	return 0;
}
