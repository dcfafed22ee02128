// SPDX-License-Identifier: MIT
/*
 * netload's command line.  Every value is checked here, so that the rest of the program has nothing
 * to refuse.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loopback/netload.h"

static const char usage[] =
	"usage: netload --dev=DEVID [OPTION...]        (in a guest: xloop exec GUEST -- netload "
	"...)\n"
	"       netload --interface=NAME [OPTION...]   (the other end, on the host)\n"
	"  --sink            count what comes instead of sending\n"
	"  --verify          frames with a sum over all of them; a sink checks it\n"
	"  --size=BYTES      of a frame, without its checksum (60)\n"
	"  --rate=N          packets per second of each queue (as many as go)\n"
	"  --runtime=SECONDS --count=N   when to end (SIGTERM ends it, too)\n"
	"  --to=MAC          whom to send to (02:00:00:00:00:01)\n"
	"  --queues=N        queues, each with a thread and a stream of its own (1); with\n"
	"                    --interface only as many streams\n"
	"  --one-channel --no-sg --no-gso --no-csum --headroom=N --staging   how to connect\n"
	"  --multicast=MAC   ask for multicast control and let this address pass\n"
	"  --hold            then stay connected until SIGTERM\n"
	"  --json            the result as one JSON object\n";

enum {
	O_DEV = 256,
	O_INTERFACE,
	O_SINK,
	O_VERIFY,
	O_SIZE,
	O_RATE,
	O_RUNTIME,
	O_COUNT,
	O_TO,
	O_QUEUES,
	O_ONE_CHANNEL,
	O_NO_SG,
	O_NO_GSO,
	O_NO_CSUM,
	O_HEADROOM,
	O_STAGING,
	O_MULTICAST,
	O_HOLD,
	O_JSON,
	O_HELP,
};

static const struct option options[] = {
	{"dev", required_argument, NULL, O_DEV},
	{"interface", required_argument, NULL, O_INTERFACE},
	{"sink", no_argument, NULL, O_SINK},
	{"verify", no_argument, NULL, O_VERIFY},
	{"size", required_argument, NULL, O_SIZE},
	{"rate", required_argument, NULL, O_RATE},
	{"runtime", required_argument, NULL, O_RUNTIME},
	{"count", required_argument, NULL, O_COUNT},
	{"to", required_argument, NULL, O_TO},
	{"queues", required_argument, NULL, O_QUEUES},
	{"one-channel", no_argument, NULL, O_ONE_CHANNEL},
	{"no-sg", no_argument, NULL, O_NO_SG},
	{"no-gso", no_argument, NULL, O_NO_GSO},
	{"no-csum", no_argument, NULL, O_NO_CSUM},
	{"headroom", required_argument, NULL, O_HEADROOM},
	{"staging", no_argument, NULL, O_STAGING},
	{"multicast", required_argument, NULL, O_MULTICAST},
	{"hold", no_argument, NULL, O_HOLD},
	{"json", no_argument, NULL, O_JSON},
	{"help", no_argument, NULL, O_HELP},
	{NULL, 0, NULL, 0},
};

static bool count_parse(const char *s, uint64_t min, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(s, &end, 10);
	return *s >= '0' && *s <= '9' && !*end && !errno && *value >= min && *value <= max;
}

static bool number_parse(const char *s, unsigned int min, unsigned int max, unsigned int *value)
{
	uint64_t v;

	if (!count_parse(s, min, max, &v))
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

static bool mac_parse(const char *s, uint8_t *m)
{
	int end = 0;

	return sscanf(s, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &m[0], &m[1], &m[2], &m[3], &m[4],
		      &m[5], &end) == 6 &&
	       !s[end];
}

static bool option_set(struct load_opts *o, int opt, const char *arg)
{
	switch (opt) {
	case O_DEV:
		return number_parse(arg, 0, 65535, &o->devid);
	case O_INTERFACE:
		o->interface = arg;
		return true;
	case O_SIZE:
		return number_parse(arg, LOAD_MIN, XEN_NETIF_MAX_TX_SIZE, &o->size);
	case O_RATE:
		return count_parse(arg, 1, 1000000000, &o->rate);
	case O_COUNT:
		return count_parse(arg, 1, INT64_MAX, &o->count);
	case O_RUNTIME:
		return runtime_parse(arg, &o->runtime);
	case O_TO:
		return mac_parse(arg, o->to);
	case O_QUEUES:
		return number_parse(arg, 1, NETFRONT_MAX_QUEUES, &o->front.queues);
	case O_HEADROOM:
		return number_parse(arg, 0, 0x7fff, &o->front.headroom);
	case O_MULTICAST:
		o->front.multicast = true;
		return mac_parse(arg, o->pass);
	}
	return false;
}

static bool option_flag(struct load_opts *o, int opt)
{
	bool *flag[] = {
		[O_SINK - O_DEV] = &o->sink,
		[O_VERIFY - O_DEV] = &o->verify,
		[O_ONE_CHANNEL - O_DEV] = &o->front.one_channel,
		[O_NO_SG - O_DEV] = &o->front.no_sg,
		[O_NO_GSO - O_DEV] = &o->front.no_gso,
		[O_NO_CSUM - O_DEV] = &o->front.no_csum,
		[O_STAGING - O_DEV] = &o->front.staging,
		[O_HOLD - O_DEV] = &o->hold,
		[O_JSON - O_DEV] = &o->json,
	};
	size_t i = (size_t)(opt - O_DEV);

	if (i >= sizeof(flag) / sizeof(*flag) || !flag[i])
		return false;
	return *flag[i] = true;
}

int load_opts_parse(struct load_opts *o, int argc, char **argv)
{
	int opt, index;

	*o = (struct load_opts){.size = LOAD_MIN, .to = {2, 0, 0, 0, 0, 1}, .front = {.queues = 1}};
	while ((opt = getopt_long(argc, argv, "", options, &index)) >= 0) {
		if (opt == O_HELP) {
			fputs(usage, stdout);
			return 1;
		}
		if (opt == '?')
			return -EINVAL;
		if (option_flag(o, opt) || option_set(o, opt, optarg))
			continue;
		fprintf(stderr, "netload: --%s can't be \"%s\"; see netload --help\n",
			options[index].name, optarg);
		return -EINVAL;
	}
	if (optind == argc)
		return 0;
	fprintf(stderr, "netload: there is an argument too many; see netload --help\n");
	return -EINVAL;
}
