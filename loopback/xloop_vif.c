// SPDX-License-Identifier: MIT
/*
 * A NIC as a device: its nodes as libxl 4.17's libxl__set_xenstore_nic() writes them, its hotplug
 * script, and its driver in the guest, which is xnet.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loopback/xloop.h"

static struct device vif_device(int domid, int devid)
{
	struct device d = {
		.domid = domid, .devid = devid, .type = "vif", .kind = "vif", .server = "netback"};

	snprintf(d.name, sizeof(d.name), "NIC %d", devid);
	return d;
}

int vif_add_nodes(struct host *h, int domid, const struct vif *v)
{
	struct device d = vif_device(domid, v->devid);
	char handle[16], id[16], mtu[16];
	const struct node front[] = {
		{"handle", handle},
		{"trusted", v->trusted ? "1" : "0"},
		{"mac", v->mac},
		{NULL, NULL},
	};
	const struct node front_ro[] = {{"mtu", mtu}, {NULL, NULL}};
	const struct node back[] = {
		{"frontend-id", id},
		{"online", "1"},
		{"state", "1"},
		{"script", v->script},
		{"vifname", v->vifname},
		{"mac", v->mac},
		{"ip", v->ip},
		{"gatewaydev", v->gatewaydev},
		{"rate", *v->rate ? v->rate : NULL},
		{"mtu", v->mtu != VIF_MTU ? mtu : NULL},
		{"vlan", v->vlan},
		{"bridge", v->bridge},
		{"handle", handle},
		{"type", v->ioemu ? "vif_ioemu" : "vif"},
		/* "force backend to wait for hotplug script execution before switching" */
		{"hotplug-status", ""},
		{NULL, NULL},
	};

	snprintf(handle, sizeof(handle), "%d", v->devid);
	snprintf(id, sizeof(id), "%d", domid);
	snprintf(mtu, sizeof(mtu), "%d", v->mtu);
	d.front = front;
	d.front_ro = front_ro;
	d.back = back;
	return device_add(h, &d);
}

int vif_attach(struct host *h, int domid, const struct vif *v)
{
	struct device d = vif_device(domid, v->devid);
	int rc = device_offered(h, &d);

	/* The second run that libxl makes for the emulated NIC is left out: there is none. */
	return rc ? rc : hotplug_run(h, &d, v->script, true, v->gatewaydev);
}

/* The trusted copy, as for disks. */
static void vif_script_offline(struct host *h, const struct device *d)
{
	const char *fmt = "/libxl/%d/device/vif/%d/%s";
	char *script = store_read(h, XBT_NULL, fmt, d->domid, d->devid, "script");
	char *gatewaydev = store_read(h, XBT_NULL, fmt, d->domid, d->devid, "gatewaydev");

	if (script)
		hotplug_run(h, d, script, false, gatewaydev);
	free(script);
	free(gatewaydev);
}

int vif_remove(struct host *h, int domid, int devid, bool force)
{
	struct device d = vif_device(domid, devid);

	return device_remove(h, &d, force, vif_script_offline);
}

/* ---- the guest's driver -----------------------------------------------------------------------
 */

/* The child's part: as a kernel's driver it has the guest's identity, store and network. */
static void xnet_exec(const struct host *h, int domid, int devid, const char *program,
		      const char *options)
{
	char *argv[XNET_ARGS + 3] = {NULL}, *copy = strdup(options), *save = NULL, *word;
	char log[PATH_MAX], dev[32], background[] = "--background", name[] = "xnet";
	int n = 0, rc = exec_enter(h, domid);

	if (rc || !copy)
		_exit(XLOOP_WRAPPER);
	snprintf(log, sizeof(log), "%s/dom%d.log", h->dir, domid);
	daemon_stdio(log);
	snprintf(dev, sizeof(dev), "--dev=%d", devid);
	argv[n++] = name;
	argv[n++] = dev;
	argv[n++] = background;
	for (word = strtok_r(copy, " ", &save); word && n < XNET_ARGS + 2;
	     word = strtok_r(NULL, " ", &save))
		argv[n++] = word;
	execv(program, argv);
	_exit(XLOOP_NOCMD);
}

int vif_drive(struct host *h, int domid, int devid)
{
	const char *options = getenv("XLOOP_XNET");
	char program[PATH_MAX];
	int rc, status;
	pid_t pid;

	if (options && !strcmp(options, "none"))
		return 0;
	rc = host_file(program, "xnet");
	if (rc)
		return rc;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		xnet_exec(h, domid, devid, program, options ? options : "");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (!status)
		return 0;
	say("guest %d could not take its NIC %d in; see %s/dom%d.log", domid, devid, h->dir, domid);
	return -EIO;
}
