// SPDX-License-Identifier: MIT
/*
 * The verbs network-attach, network-detach and network-list, as xl has them.  An attach that fails
 * takes its nodes away again; libxl leaves them behind.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loopback/xloop.h"

#define LIBXL "/libxl/%d/device/vif/%d/%s"

static int nic_attach(struct host *h, int domid, const struct vif *v)
{
	int rc = vif_add_nodes(h, domid, v);

	if (rc)
		return rc;
	rc = vif_attach(h, domid, v);
	if (!rc)
		rc = vif_drive(h, domid, v->devid);
	if (rc)
		vif_remove(h, domid, v->devid, true);
	return rc;
}

/* One more than the highest, as libxl__device_nextid(). */
static int next_devid(struct host *h, int domid)
{
	int *devids, next = 0, n = device_list(h, domid, "vif", &devids);

	for (int i = 0; i < n; i++)
		if (devids[i] >= next)
			next = devids[i] + 1;
	free(devids);
	return n < 0 ? n : next;
}

static int attach_in(struct host *h, const char *guest, const char *spec)
{
	int domid = host_guest(h, guest), devid = domid < 0 ? domid : next_devid(h, domid), rc;
	char *type;
	struct vif v;

	if (devid < 0)
		return devid;
	type = store_read(h, XBT_NULL, "/libxl/%d/type", domid);
	rc = config_vif(&v, spec, devid, type && !strcmp(type, "hvm"));
	free(type);
	if (rc)
		return rc;
	rc = nic_attach(h, domid, &v);
	vif_free(&v);
	return rc;
}

int verb_network_attach(int argc, char **argv)
{
	char spec[PATH_MAX] = "";
	struct host h;
	int rc;

	if (argc < 2)
		return XLOOP_USAGE;
	for (int i = 2; i < argc; i++) {
		size_t len = strlen(spec);

		snprintf(spec + len, sizeof(spec) - len, "%s%s", len ? "," : "", argv[i]);
	}
	if (host_open(&h))
		return XLOOP_FAIL;
	rc = attach_in(&h, argv[1], spec);
	host_close(&h);
	return rc ? XLOOP_FAIL : XLOOP_OK;
}

/* By its number or its MAC: the devid, or -1 (told). */
static int nic_find(struct host *h, int domid, const char *guest, const char *name)
{
	int *devids, found = -1, n = device_list(h, domid, "vif", &devids);
	char number[16];

	for (int i = 0; i < n && found < 0; i++) {
		char *mac = store_read(h, XBT_NULL, LIBXL, domid, devids[i], "mac");

		snprintf(number, sizeof(number), "%d", devids[i]);
		if (!strcmp(name, number) || (mac && !strcasecmp(name, mac)))
			found = devids[i];
		free(mac);
	}
	free(devids);
	if (found < 0)
		say("guest %s has no NIC %s; `xloop network-list %s` shows which it has", guest,
		    name, guest);
	return found;
}

int verb_network_detach(int argc, char **argv)
{
	bool force = argc > 1 && !strcmp(argv[1], "--force");
	int domid, devid = -1, rc = -1;
	struct host h;

	if (argc != 3 + force)
		return XLOOP_USAGE;
	if (host_open(&h))
		return XLOOP_FAIL;
	domid = host_guest(&h, argv[1 + force]);
	if (domid > 0)
		devid = nic_find(&h, domid, argv[1 + force], argv[2 + force]);
	if (devid >= 0)
		rc = vif_remove(&h, domid, devid, force);
	host_close(&h);
	return rc ? XLOOP_FAIL : XLOOP_OK;
}

static void print_nic(struct host *h, int domid, int devid)
{
	const char *front = "/local/domain/%d/device/vif/%d/%s";
	char *back = store_read(h, XBT_NULL, LIBXL, domid, devid, "backend");
	char *mac = store_read(h, XBT_NULL, LIBXL, domid, devid, "mac");
	char *bridge = store_read(h, XBT_NULL, LIBXL, domid, devid, "bridge");
	char *fstate = store_read(h, XBT_NULL, front, domid, devid, "state");
	char *queues = store_read(h, XBT_NULL, front, domid, devid, "multi-queue-num-queues");
	char *bstate = back ? store_read(h, XBT_NULL, "%s/state", back) : NULL;

	printf("%3d %-17s %5s %4s %6s  %s\n", devid, mac ? mac : "-", fstate ? fstate : "-",
	       bstate ? bstate : "-", queues ? queues : "1", bridge ? bridge : "-");
	free(back);
	free(mac);
	free(bridge);
	free(fstate);
	free(queues);
	free(bstate);
}

int verb_network_list(int argc, char **argv)
{
	int domid, n = -1, *devids = NULL;
	struct host h;

	if (argc != 2)
		return XLOOP_USAGE;
	if (host_open(&h))
		return XLOOP_FAIL;
	domid = host_guest(&h, argv[1]);
	if (domid > 0)
		n = device_list(&h, domid, "vif", &devids);
	if (n >= 0)
		printf("%3s %-17s %5s %4s %6s  %s\n", "Idx", "MAC", "front", "back", "queues",
		       "bridge");
	for (int i = 0; i < n; i++)
		print_nic(&h, domid, devids[i]);
	free(devids);
	host_close(&h);
	return n < 0 ? XLOOP_FAIL : XLOOP_OK;
}
