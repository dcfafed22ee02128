// SPDX-License-Identifier: MIT
/*
 * QEMU as the backend of a guest's disks of kind qdisk, as libxl 4.17 runs one for a PV guest: one
 * QEMU per guest, started before the guest runs when it has such a disk, ready when it has written
 * "running" to device-model/DOMID/state, ended by SIGHUP when the guest is destroyed.
 *
 * It is Debian's own QEMU; the loopback's libraries come from the host's environment, and the
 * preload answers its few calls to the hypervisor.  A disk that is attached while the guest runs
 * starts no QEMU: libxl would, this does not.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loopback/xloop.h"

#define QEMU	 "/usr/libexec/xen-qemu-system-i386"
#define START_MS 60000 /* LIBXL_DEVICE_MODEL_START_TIMEOUT */
#define STOP_MS	 5000
#define STATE	 "/local/domain/0/device-model/%u"
#define PID	 "/local/domain/%u/image/device-model-pid"

static void qemu_exec(const struct host *h, uint32_t domid, const char *preload)
{
	char id[16], log[PATH_MAX];

	snprintf(id, sizeof(id), "%u", domid);
	snprintf(log, sizeof(log), "%s/qemu%u.log", h->dir, domid);
	setsid();
	setenv("LD_PRELOAD", preload, 1);
	daemon_stdio(log);
	execl(QEMU, QEMU, "-xen-domid", id, "-xen-attach", "-machine", "xenpv", "-m", "32",
	      "-nodefaults", "-no-user-config", "-display", "none", (char *)NULL);
	fprintf(stderr, "%s: %s\n", QEMU, strerror(errno));
	_exit(XLOOP_NOCMD);
}

bool qemu_runs(struct host *h, uint32_t domid)
{
	char *state = store_read(h, XBT_NULL, STATE "/state", domid);
	bool runs = state && !strcmp(state, "running");

	free(state);
	return runs;
}

static int qemu_wait(struct host *h, uint32_t domid, pid_t pid)
{
	int64_t end = clock_ms() + START_MS;

	while (clock_ms() < end) {
		if (qemu_runs(h, domid))
			return 0;
		if (waitpid(pid, NULL, WNOHANG) == pid)
			break;
		poll(NULL, 0, 5);
	}
	say("QEMU did not start for guest %u; see %s/qemu%u.log, and install qemu-system-xen if it "
	    "is absent",
	    domid, h->dir, domid);
	return -EIO;
}

static bool wants_qemu(const struct guest_config *c)
{
	for (int i = 0; i < c->nvbds; i++)
		if (c->vbds[i].qdisk)
			return true;
	return false;
}

int qemu_start(struct host *h, uint32_t domid, const struct guest_config *c)
{
	char preload[PATH_MAX], text[16];
	pid_t pid;
	int rc;

	if (!wants_qemu(c))
		return 0;
	rc = host_file(preload, "lib/libxenctrl-preload.so");
	if (rc)
		return rc;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		qemu_exec(h, domid, preload);
	snprintf(text, sizeof(text), "%d", (int)pid);
	rc = store_write(h, XBT_NULL, text, PID, domid);
	if (!rc)
		rc = qemu_wait(h, domid, pid);
	return rc;
}

void qemu_stop(struct host *h, uint32_t domid)
{
	char *text = store_read(h, XBT_NULL, PID, domid);
	pid_t pid = text ? atoi(text) : 0;

	free(text);
	if (pid <= 0)
		return;
	kill(pid, SIGHUP);
	/* Its parent, the host, reaps it. */
	for (int ms = 0; ms < STOP_MS && !kill(pid, 0); ms += 5) {
		waitpid(pid, NULL, WNOHANG);
		poll(NULL, 0, 5);
	}
	store_cleanup(h, XBT_NULL, STATE, domid);
}
