// SPDX-License-Identifier: MIT
/*
 * The verb exec: CMD runs as a program of the guest, which means that its hypervisor calls are the
 * guest's, its store is the one the guest's kernel stand-in serves, and its network is the guest's.
 * It is a change of environment and of network and an exec: CMD keeps this process's number,
 * terminal and standard files.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loopback/xloop.h"

int exec_enter(const struct host *h, int domid)
{
	char id[16], store[PATH_MAX], run_dir[PATH_MAX];
	pid_t pid = domain_pid(h, (uint32_t)domid);
	int rc = pid < 0 ? pid : net_enter(pid);

	if (rc) {
		say("cannot enter guest %d's network: %s; see %s/dom%d.log", domid, strerror(-rc),
		    h->dir, domid);
		return rc;
	}
	snprintf(id, sizeof(id), "%d", domid);
	snprintf(store, sizeof(store), "%s/dom%d.xs", h->dir, domid);
	snprintf(run_dir, sizeof(run_dir), "%s/dom%d.halfback", h->dir, domid);
	setenv("XLOOP_DOMID", id, 1);
	setenv("XENSTORED_PATH", store, 1);
	setenv("HALFBACK_RUN_DIR", run_dir, 1);
	return 0;
}

int verb_exec(int argc, char **argv)
{
	struct host h;
	int domid, rc;

	if (argc < 4 || strcmp(argv[2], "--"))
		return XLOOP_USAGE;
	if (host_open(&h))
		return XLOOP_WRAPPER;
	domid = host_guest(&h, argv[1]);
	rc = domid < 0 ? domid : exec_enter(&h, domid);
	host_close(&h);
	if (rc)
		return XLOOP_WRAPPER;
	execvp(argv[3], argv + 3);
	say("cannot run \"%s\" in guest %d: %s", argv[3], domid, strerror(errno));
	return errno == ENOENT ? XLOOP_NOCMD : XLOOP_NOEXEC;
}
