// SPDX-License-Identifier: MIT
/*
 * Runs a hotplug script as libxl 4.17 does: `SCRIPT add|remove` for a disk, and `SCRIPT
 * online|offline type_if=vif` for a NIC, with script, XENBUS_TYPE, XENBUS_PATH and XENBUS_BASE_PATH
 * in its environment, for a NIC netdev and vif besides; standard input empty, standard output on
 * standard error, 40 seconds at most.
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

static void env_set(const struct device *d, const char *script, const char *gatewaydev)
{
	char xenbus[64], vif[32];

	snprintf(xenbus, sizeof(xenbus), "backend/%s/%d/%d", d->type, d->domid, d->devid);
	setenv("script", script, 1);
	setenv("XENBUS_TYPE", d->type, 1);
	setenv("XENBUS_PATH", xenbus, 1);
	setenv("XENBUS_BASE_PATH", "backend", 1);
	if (strcmp(d->type, "vif"))
		return;
	snprintf(vif, sizeof(vif), "vif%d.%d", d->domid, d->devid);
	setenv("vif", vif, 1);
	setenv("netdev", gatewaydev ? gatewaydev : "", 1);
}

static void script_exec(const char *script, const struct device *d, bool add,
			const char *gatewaydev)
{
	int null = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	env_set(d, script, gatewaydev);
	dup2(null, STDIN_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	if (strcmp(d->type, "vif"))
		execl(script, script, add ? "add" : "remove", (char *)NULL);
	else
		execl(script, script, add ? "online" : "offline", "type_if=vif", (char *)NULL);
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

/* What the script left behind for the user.  libxl goes by the exit status alone and leaves it to
 * the backend to wait for hotplug-status; that would be for ever. */
static int hotplug_verdict(struct host *h, const struct device *d, int status)
{
	const char *fmt = "/local/domain/0/backend/%s/%d/%d/%s";
	char *hotplug = store_read(h, XBT_NULL, fmt, d->kind, d->domid, d->devid, "hotplug-status");
	char *reason = store_read(h, XBT_NULL, fmt, d->kind, d->domid, d->devid, "hotplug-error");
	int rc = 0;

	if (status || (hotplug && *hotplug && strcmp(hotplug, "connected"))) {
		say("%s of guest %d: %s", d->name, d->domid,
		    reason ? reason : "the hotplug script failed without naming a reason");
		rc = -EIO;
	} else if (!hotplug || !*hotplug) {
		say("%s of guest %d: the hotplug script ended without writing hotplug-status",
		    d->name, d->domid);
		rc = -EPROTO;
	}
	free(hotplug);
	free(reason);
	return rc;
}

int hotplug_run(struct host *h, const struct device *d, const char *script, bool add,
		const char *gatewaydev)
{
	int timeout = host_wait_ms("XLOOP_SCRIPT_MS", HOTPLUG_MS);
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (pid == 0)
		script_exec(script, d, add, gatewaydev);
	status = script_wait(pid, timeout);
	if (status == -ETIMEDOUT)
		say("the hotplug script %s did not end within %d ms and was killed", script,
		    timeout);
	if (status < 0)
		return status;
	/* As libxl: a script that fails does not hold up a removal. */
	return add ? hotplug_verdict(h, d, status) : 0;
}
