// SPDX-License-Identifier: MIT
/*
 * xloop: the embedded Xen's command.  `xloop run -- CMD` makes a private host (hypervisor broker
 * and Debian's xenstored) and runs CMD in it; the other verbs are the toolstack inside such a host
 * and write what libxl 4.17 writes, in the same transactions and with the same permissions.
 *
 * This file only finds the verb.  Each verb lives in its own xloop_*.c.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "loopback/xloop.h"

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *args;
	const char *help;
} verbs[] = {
	{"run", verb_run, "[--dir DIR] [--keep] -- CMD...", "run CMD in a private host of its own"},
	{"create", verb_create, "GUEST.cfg [KEY=VALUE...]", "create a guest from an xl.cfg"},
	{"destroy", verb_destroy, "GUEST", "end a guest and remove all it had"},
	{"list", verb_list, "", "list the guests"},
	{"exec", verb_exec, "GUEST -- CMD...", "run CMD inside a guest"},
	{"block-attach", verb_block_attach, "GUEST DISK-SPEC", "hot-attach a disk"},
	{"block-detach", verb_block_detach, "[--force] GUEST VDEV", "hot-detach a disk"},
	{"block-list", verb_block_list, "GUEST", "list a guest's disks"},
	{"network-attach", verb_network_attach, "GUEST [KEY=VALUE...]", "hot-attach a NIC"},
	{"network-detach", verb_network_detach, "[--force] GUEST DEVID|MAC", "hot-detach a NIC"},
	{"network-list", verb_network_list, "GUEST", "list a guest's NICs"},
	{"stats", verb_stats, "[--json] [GUEST]", "what each domain asked of the hypervisor"},
	{"fault", verb_fault, "GUEST WHAT COUNT", "make the next COUNT operations WHAT fail"},
};

void say(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	fputs("xloop: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

static void usage(FILE *out)
{
	fprintf(out, "usage: xloop VERB [ARGUMENT...]\n\n");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		fprintf(out, "  %-14s %-32s %s\n", verbs[i].name, verbs[i].args, verbs[i].help);
	fprintf(out, "\nGUEST is a guest's name or number.  DISK-SPEC is as in "
		     "xl-disk-configuration(5).\n"
		     "All verbs but `run` work inside a host that `xloop run` made.\n");
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return XLOOP_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return XLOOP_OK;
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (strcmp(argv[1], verbs[i].name))
			continue;
		int rc = verbs[i].run(argc - 1, argv + 1);

		if (rc == XLOOP_USAGE)
			fprintf(stderr, "usage: xloop %s %s\n", verbs[i].name, verbs[i].args);
		return rc;
	}
	say("there is no verb \"%s\"; `xloop help` lists them", argv[1]);
	return XLOOP_USAGE;
}
