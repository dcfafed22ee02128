// SPDX-License-Identifier: MIT
/*
 * The verbs block-attach, block-detach and block-list, as xl has them.  An attach that fails takes
 * its nodes away again; libxl leaves them behind.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loopback/xloop.h"

static int disk_attach(struct host *h, int domid, const struct vbd *v)
{
	int rc;

	if (v->qdisk && !qemu_runs(h, (uint32_t)domid)) {
		say("guest %d was made without a disk of backendtype=qdisk, so no QEMU serves it; "
		    "name one in its config",
		    domid);
		return -ENODEV;
	}
	rc = vbd_add_nodes(h, domid, v);

	if (rc)
		return rc;
	rc = vbd_attach(h, domid, v);
	if (rc)
		vbd_remove(h, domid, v->devid, true);
	return rc;
}

int verb_block_attach(int argc, char **argv)
{
	struct host h;
	struct vbd v;
	int domid, rc;

	if (argc != 3)
		return XLOOP_USAGE;
	if (config_disk(&v, argv[2]))
		return XLOOP_FAIL;
	rc = host_open(&h);
	if (!rc) {
		domid = host_guest(&h, argv[1]);
		rc = domid < 0 ? domid : disk_attach(&h, domid, &v);
		host_close(&h);
	}
	vbd_free(&v);
	return rc ? XLOOP_FAIL : XLOOP_OK;
}

static int disk_detach(struct host *h, const char *guest, const char *vdev, bool force)
{
	int domid = host_guest(h, guest), devid = vdev_number(vdev);
	char *backend;

	if (domid < 0)
		return domid;
	if (devid < 0) {
		say("\"%s\" is not a virtual disk such as xvda", vdev);
		return devid;
	}
	backend = store_read(h, XBT_NULL, "/libxl/%d/device/vbd/%d/backend", domid, devid);
	if (!backend) {
		say("guest %s has no disk %s; `xloop block-list %s` shows which it has", guest,
		    vdev, guest);
		return -1;
	}
	free(backend);
	return vbd_remove(h, domid, devid, force);
}

int verb_block_detach(int argc, char **argv)
{
	bool force = argc > 1 && !strcmp(argv[1], "--force");
	struct host h;
	int rc;

	if (argc != 3 + force)
		return XLOOP_USAGE;
	if (host_open(&h))
		return XLOOP_FAIL;
	rc = disk_detach(&h, argv[1 + force], argv[2 + force], force);
	host_close(&h);
	return rc ? XLOOP_FAIL : XLOOP_OK;
}

static void print_disk(struct host *h, int domid, int devid)
{
	const char *front = "/local/domain/%d/device/vbd/%d/%s";
	char *back = store_read(h, XBT_NULL, "/libxl/%d/device/vbd/%d/backend", domid, devid);
	char *dev = store_read(h, XBT_NULL, "/libxl/%d/device/vbd/%d/dev", domid, devid);
	char *fstate = store_read(h, XBT_NULL, front, domid, devid, "state");
	char *bstate = back ? store_read(h, XBT_NULL, "%s/state", back) : NULL;
	char *mode = back ? store_read(h, XBT_NULL, "%s/mode", back) : NULL;
	char *params = back ? store_read(h, XBT_NULL, "%s/params", back) : NULL;

	printf("%-8s %8d %5s %4s %4s  %s\n", dev ? dev : "-", devid, fstate ? fstate : "-",
	       bstate ? bstate : "-", mode ? mode : "-", params ? params : "-");
	free(dev);
	free(fstate);
	free(bstate);
	free(mode);
	free(params);
	free(back);
}

int verb_block_list(int argc, char **argv)
{
	int domid, n = -1, *devids = NULL;
	struct host h;

	if (argc != 2)
		return XLOOP_USAGE;
	if (host_open(&h))
		return XLOOP_FAIL;
	domid = host_guest(&h, argv[1]);
	if (domid > 0)
		n = device_list(&h, domid, "vbd", &devids);
	if (n >= 0)
		printf("%-8s %8s %5s %4s %4s  %s\n", "Vdev", "handle", "front", "back", "mode",
		       "image");
	for (int i = 0; i < n; i++)
		print_disk(&h, domid, devids[i]);
	free(devids);
	host_close(&h);
	return n < 0 ? XLOOP_FAIL : XLOOP_OK;
}
