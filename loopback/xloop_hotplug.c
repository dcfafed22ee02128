// SPDX-License-Identifier: MIT
/*
 * Runs a hotplug script as libxl 4.17 does for a block device: `SCRIPT add|remove` with script,
 * XENBUS_TYPE, XENBUS_PATH and XENBUS_BASE_PATH in its environment, standard input empty, standard
 * output on standard error, 40 seconds at most.
 *
 * The script and what it started are one process group, which is killed as a whole when it is late.
 * The script's verdict for the user is the backend's hotplug-error node.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loopback/xloop.h"

#define HOTPLUG_MS 40000

static void script_exec(const char *script, const char *action, int domid, int devid)
{
	char xenbus[64];
	int null = open("/dev/null", O_RDONLY);

	snprintf(xenbus, sizeof(xenbus), "backend/vbd/%d/%d", domid, devid);
	setpgid(0, 0);
	setenv("script", script, 1);
	setenv("XENBUS_TYPE", "vbd", 1);
	setenv("XENBUS_PATH", xenbus, 1);
	setenv("XENBUS_BASE_PATH", "backend", 1);
	dup2(null, STDIN_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execl(script, script, action, (char *)NULL);
	fprintf(stderr, "xloop: cannot run the hotplug script %s: %s\n", script, strerror(errno));
	_exit(XLOOP_NOCMD);
}

/* Waits for PID; kills its group when TIMEOUT_MS is over.  Its wait status, or -ETIMEDOUT. */
static int script_wait(pid_t pid, int timeout_ms)
{
	struct pollfd pfd = {.events = POLLIN};
	int n, status, late;

	pfd.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	do {
		n = poll(&pfd, 1, timeout_ms);
	} while (n < 0 && errno == EINTR);
	late = n == 0;
	if (late)
		kill(-pid, SIGKILL);
	close(pfd.fd);
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return late ? -ETIMEDOUT : status;
}

/* What the script left behind for the user. */
static int hotplug_verdict(struct host *h, int domid, int devid, int status)
{
	const char *fmt = "/local/domain/0/backend/vbd/%d/%d/%s";
	char *hotplug = store_read(h, XBT_NULL, fmt, domid, devid, "hotplug-status");
	char *reason = store_read(h, XBT_NULL, fmt, domid, devid, "hotplug-error");
	int rc = 0;

	if (status || (hotplug && strcmp(hotplug, "connected"))) {
		say("disk %d of guest %d: %s", devid, domid,
		    reason ? reason : "the hotplug script failed without naming a reason");
		rc = -EIO;
	} else if (!hotplug) {
		say("disk %d of guest %d: the hotplug script ended without writing hotplug-status",
		    devid, domid);
		rc = -EPROTO;
	}
	free(hotplug);
	free(reason);
	return rc;
}

int hotplug_run(struct host *h, int domid, int devid, const char *script, const char *action)
{
	int timeout = host_wait_ms("XLOOP_SCRIPT_MS", HOTPLUG_MS);
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (pid == 0)
		script_exec(script, action, domid, devid);
	status = script_wait(pid, timeout);
	if (status == -ETIMEDOUT)
		say("the hotplug script %s did not end within %d ms and was killed", script,
		    timeout);
	if (status < 0)
		return status;
	/* As libxl: a failing `remove` does not hold up the removal. */
	return strcmp(action, "add") ? 0 : hotplug_verdict(h, domid, devid, status);
}
