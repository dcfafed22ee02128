// SPDX-License-Identifier: MIT
/*
 * The verbs stats and fault: what each domain asked of the hypervisor since it was made, and faults
 * armed for its next operations.  Counters only grow; who measures takes the difference of two
 * readings.
 *
 * "by" is what the domain did itself, "to" what others did to its grants and ports.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loopback/xloop.h"

#define GUESTS_MAX 4096

#define AT(field) offsetof(struct hv_op_stats, field)

static const struct counter {
	const char *name;
	size_t offset;
} counters[] = {
	{"map_calls", AT(map_calls)},
	{"map_ops", AT(map_ops)},
	{"unmap_calls", AT(unmap_calls)},
	{"unmap_ops", AT(unmap_ops)},
	{"copy_calls", AT(copy_calls)},
	{"copy_ops", AT(copy_ops)},
	{"copy_hypercalls", AT(copy_hypercalls)},
	{"copy_bytes", AT(copy_bytes)},
	{"notifies", AT(notifies)},
	{"notifies_lost", AT(notifies_lost)},
	{"events", AT(events)},
	{"unmasks", AT(unmasks)},
	{"foreign_maps", AT(foreign_maps)},
};

#define NCOUNTERS (sizeof(counters) / sizeof(*counters))

static unsigned long long counter_read(const struct hv_op_stats *s, const struct counter *c)
{
	uint64_t value;

	memcpy(&value, (const char *)s + c->offset, sizeof(value));
	return value;
}

static void print_counters(const struct hv_op_stats *s)
{
	for (size_t i = 0; i < NCOUNTERS; i++)
		printf("%s\"%s\": %llu", i ? ", " : "", counters[i].name,
		       counter_read(s, &counters[i]));
}

static void print_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		if ((unsigned char)*s >= ' ')
			putchar(*s);
	}
	putchar('"');
}

static void print_json(uint32_t domid, const char *name, const struct hv_stats *s)
{
	printf("{\"domid\": %u, \"name\": ", domid);
	print_string(name);
	printf(", \"by\": {");
	print_counters(&s->caller);
	printf("}, \"to\": {");
	print_counters(&s->granter);
	printf("}, \"maps\": %llu, \"ports\": %llu, \"grants\": %llu, \"limbo\": %llu}",
	       (unsigned long long)s->maps, (unsigned long long)s->ports,
	       (unsigned long long)s->grants, (unsigned long long)s->limbo);
}

static void print_table(uint32_t domid, const char *name, const struct hv_stats *s)
{
	printf("%s (domain %u): holds %llu maps, %llu ports, %llu grants; %llu grants withdrawn "
	       "but "
	       "still mapped\n",
	       name, domid, (unsigned long long)s->maps, (unsigned long long)s->ports,
	       (unsigned long long)s->grants, (unsigned long long)s->limbo);
	printf("  %-16s %15s %15s\n", "", "by it", "to it");
	for (size_t i = 0; i < NCOUNTERS; i++) {
		unsigned long long by = counter_read(&s->caller, &counters[i]);
		unsigned long long to = counter_read(&s->granter, &counters[i]);

		if (by || to)
			printf("  %-16s %15llu %15llu\n", counters[i].name, by, to);
	}
}

static int print_domain(struct host *h, uint32_t domid, bool json)
{
	char *name = store_read(h, XBT_NULL, "/local/domain/%u/name", domid);
	struct hv_stats s;
	int rc = hv_domain_stats(h->hv, domid, &s);

	if (rc)
		say("cannot read the counters of domain %u: %s", domid, strerror(-rc));
	else if (json)
		print_json(domid, name ? name : "", &s);
	else
		print_table(domid, name ? name : "(no name)", &s);
	free(name);
	return rc;
}

static int print_all(struct host *h, bool json)
{
	static uint32_t domids[GUESTS_MAX];
	int n = hv_domain_list(h->hv, domids, GUESTS_MAX), rc = n < 0 ? n : 0;

	if (json)
		printf("[");
	for (int i = 0; i < n && i < GUESTS_MAX && !rc; i++) {
		if (i)
			printf(json ? ",\n " : "\n");
		rc = print_domain(h, domids[i], json);
	}
	if (json)
		printf("]\n");
	return rc;
}

static int print_one(struct host *h, const char *guest, bool json)
{
	/* dom0 has counters as any other domain. */
	int domid = !strcmp(guest, "0") || !strcmp(guest, "Domain-0") ? 0 : host_guest(h, guest);
	int rc = domid < 0 ? domid : print_domain(h, (uint32_t)domid, json);

	if (json)
		printf("\n");
	return rc;
}

int verb_stats(int argc, char **argv)
{
	bool json = argc > 1 && !strcmp(argv[1], "--json");
	const char *guest = argc > 1 + json ? argv[1 + json] : NULL;
	struct host h;
	int rc;

	if (argc > 2 + json || (guest && guest[0] == '-'))
		return XLOOP_USAGE;
	if (host_open(&h))
		return XLOOP_FAIL;
	rc = guest ? print_one(&h, guest, json) : print_all(&h, json);
	host_close(&h);
	return rc ? XLOOP_FAIL : XLOOP_OK;
}

static int fault_arm(struct host *h, const char *guest, const char *what, const char *text)
{
	int domid = !strcmp(guest, "0") ? 0 : host_guest(h, guest), rc;
	char *end;
	unsigned long long count = strtoull(text, &end, 10);

	if (domid < 0)
		return domid;
	if (*text < '0' || *text > '9' || *end) {
		say("\"%s\" is not a count", text);
		return -1;
	}
	rc = hv_fault(h->hv, (uint32_t)domid, what, count);
	if (rc)
		say("cannot arm the fault \"%s\": %s; there are map, copy, copy-eagain, "
		    "copy-call, copy-slow-us, notify and notify-in",
		    what, strerror(-rc));
	return rc;
}

int verb_fault(int argc, char **argv)
{
	struct host h;
	int rc;

	if (argc != 4)
		return XLOOP_USAGE;
	if (host_open(&h))
		return XLOOP_FAIL;
	rc = fault_arm(&h, argv[1], argv[2], argv[3]);
	host_close(&h);
	return rc ? XLOOP_FAIL : XLOOP_OK;
}
