// SPDX-License-Identifier: MIT
/*
 * One vbd's nodes and life, as libxl 4.17's libxl__device_generic_add() and
 * libxl__initiate_device_generic_remove() have them: the trusted copy below /libxl, the frontend's
 * directory (owned by the guest, readable by the backend), the backend's (owned by dom0, readable
 * by the guest), all in one transaction; then exactly state 2 within 10 s, then the hotplug script.
 *
 * Differs from libxl in one point: what a failed attach wrote is taken away again (see the
 * callers).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/io/xenbus.h>

#include "loopback/xloop.h"

/* LIBXL_INIT_TIMEOUT and LIBXL_DESTROY_TIMEOUT are both 10 s. */
#define BACKEND_MS 10000

#define FRONT "/local/domain/%d/device/vbd/%d"
#define BACK  "/local/domain/0/backend/%s/%d/%d"
#define LIBXL "/libxl/%d/device/vbd/%d"

struct node {
	const char *key, *value;
};

struct device {
	int domid, devid;
	const char *kind;    /* the backend's: vbd, or qdisk which QEMU serves */
	const struct vbd *v; /* of an addition */
	bool force;	     /* of a removal */
	bool gone;	     /* no backend to wait for */
};

static const char *vbd_kind(bool qdisk)
{
	return qdisk ? "qdisk" : "vbd";
}

static int write_nodes(struct host *h, xs_transaction_t t, const char *dir, const struct node *n)
{
	int rc = 0;

	for (; n->key && !rc; n++)
		if (n->value)
			rc = store_write(h, t, n->value, "%s/%s", dir, n->key);
	return rc;
}

static int make_dir(struct host *h, xs_transaction_t t, const char *dir, unsigned int owner,
		    unsigned int reader)
{
	const struct xs_permissions perms[2] = {{owner, XS_PERM_NONE}, {reader, XS_PERM_READ}};
	int rc = store_rm(h, t, "%s", dir);

	return rc ? rc : store_mknod(h, t, perms, 2, "%s", dir);
}

static int add_front(struct host *h, xs_transaction_t t, const struct device *d, const char *type,
		     const char *back)
{
	char front[64], devid[16];
	const struct node nodes[] = {
		{"backend", back},
		{"backend-id", "0"},
		{"state", "1"},
		{"virtual-device", devid},
		{"device-type", d->v->cdrom ? "cdrom" : "disk"},
		{"trusted", d->v->trusted ? "1" : "0"},
		/* Old PV kernels rely on the toolstack for this one. */
		{"protocol", type && !strcmp(type, "pv") ? "x86_64-abi" : NULL},
		{NULL, NULL},
	};
	int rc;

	snprintf(front, sizeof(front), FRONT, d->domid, d->devid);
	snprintf(devid, sizeof(devid), "%d", d->devid);
	rc = make_dir(h, t, front, (unsigned int)d->domid, 0);
	return rc ? rc : write_nodes(h, t, front, nodes);
}

static int add_back(struct host *h, xs_transaction_t t, const struct device *d, const char *front,
		    const char *back, const char *libxl)
{
	const struct vbd *v = d->v;
	char domid[16], params[PATH_MAX + 8];
	const struct node nodes[] = {
		{"params", params},
		{"script", v->qdisk ? NULL : v->script},
		{"frontend-id", domid},
		{"online", "1"},
		{"removable", v->removable ? "1" : "0"},
		{"bootable", "1"},
		{"state", "1"},
		{"dev", v->vdev},
		{"type", v->qdisk ? "qdisk" : "phy"},
		{"mode", v->writable ? "w" : "r"},
		{"device-type", v->cdrom ? "cdrom" : "disk"},
		{"direct-io-safe", v->direct_io_safe ? "1" : NULL},
		{"discard-enable", v->discard ? "1" : "0"},
		{"specification", "xen"},
		{NULL, NULL},
	};
	int rc;

	snprintf(domid, sizeof(domid), "%d", d->domid);
	/* libxl calls the raw format aio. */
	snprintf(params, sizeof(params), "%s%s", v->qdisk ? "aio:" : "", v->target);
	rc = make_dir(h, t, back, 0, (unsigned int)d->domid);
	if (!rc)
		rc = store_write(h, t, front, "%s/frontend", back);
	if (!rc)
		rc = write_nodes(h, t, back, nodes);
	return rc ? rc : write_nodes(h, t, libxl, nodes);
}

static int add_all(struct host *h, xs_transaction_t t, void *arg)
{
	const struct device *d = arg;
	char front[64], back[64], libxl[64], *type, *old;
	int rc;

	snprintf(front, sizeof(front), FRONT, d->domid, d->devid);
	snprintf(back, sizeof(back), BACK, d->kind, d->domid, d->devid);
	snprintf(libxl, sizeof(libxl), LIBXL, d->domid, d->devid);
	old = store_read(h, t, "%s/backend", libxl);
	free(old);
	if (old)
		return -EEXIST;
	rc = store_rm(h, t, "%s", libxl);
	if (!rc)
		rc = store_write(h, t, front, "%s/frontend", libxl);
	if (!rc)
		rc = store_write(h, t, back, "%s/backend", libxl);
	if (rc)
		return rc;
	type = store_read(h, t, "/libxl/%d/type", d->domid);
	rc = add_front(h, t, d, type, back);
	free(type);
	return rc ? rc : add_back(h, t, d, front, back, libxl);
}

int device_add_nodes(struct host *h, int domid, const struct vbd *v)
{
	struct device d = {.domid = domid, .devid = v->devid, .kind = vbd_kind(v->qdisk), .v = v};
	int rc = store_transact(h, add_all, &d);

	if (rc == -EEXIST)
		say("guest %d has a disk %s already", domid, v->vdev);
	else if (rc)
		say("cannot write the nodes of disk %s of guest %d: %s", v->vdev, domid,
		    strerror(-rc));
	return rc;
}

int device_attach(struct host *h, int domid, const struct vbd *v)
{
	int timeout = host_wait_ms("XLOOP_BACKEND_MS", BACKEND_MS), last = 0, rc;
	char state[80];

	/* As libxl: QEMU starts after the disks, so nobody could wait for it here. */
	if (v->qdisk)
		return 0;
	snprintf(state, sizeof(state), BACK "/state", vbd_kind(false), domid, v->devid);
	rc = wait_state(h, state, XenbusStateInitWait, timeout, &last);
	if (rc == -ETIMEDOUT)
		say("the backend of disk %s of guest %d did not come to state 2 within %d ms, its "
		    "state is %d; is blkback running?",
		    v->vdev, domid, timeout, last);
	else if (rc)
		say("waiting for the backend of disk %s of guest %d failed: %s", v->vdev, domid,
		    strerror(-rc));
	return rc ? rc : hotplug_run(h, domid, v->devid, v->script, "add");
}

static int remove_start(struct host *h, xs_transaction_t t, void *arg)
{
	struct device *d = arg;
	char *state;
	int rc = 0;

	if (d->force)
		rc = store_cleanup(h, t, FRONT, d->domid, d->devid);
	state = store_read(h, t, BACK "/state", d->kind, d->domid, d->devid);
	/* A device still at 1 was never taken up; only a forced removal may rely on that. */
	d->gone = !state || (d->force && atoi(state) == XenbusStateInitialising);
	if (!rc && state)
		rc = store_write(h, t, "0", BACK "/online", d->kind, d->domid, d->devid);
	if (!rc && state && atoi(state) != XenbusStateClosed)
		rc = store_write(h, t, "5", BACK "/state", d->kind, d->domid, d->devid);
	free(state);
	return rc;
}

static int remove_nodes(struct host *h, xs_transaction_t t, void *arg)
{
	const struct device *d = arg;
	int rc = store_cleanup(h, t, FRONT, d->domid, d->devid);

	if (!rc)
		rc = store_cleanup(h, t, LIBXL, d->domid, d->devid);
	return rc ? rc : store_cleanup(h, t, BACK, d->kind, d->domid, d->devid);
}

static int remove_wait(struct host *h, const struct device *d)
{
	int timeout = host_wait_ms("XLOOP_BACKEND_MS", BACKEND_MS), last = 0, rc;
	char state[80];

	snprintf(state, sizeof(state), BACK "/state", d->kind, d->domid, d->devid);
	rc = wait_state(h, state, XenbusStateClosed, timeout, &last);
	if (rc == -ENOENT)
		return 0;
	if (rc)
		say("the backend of disk %d of guest %d did not close within %d ms, its state is "
		    "%d%s",
		    d->devid, d->domid, timeout, last,
		    d->force ? "; removing it all the same"
			     : "; `--force` removes it all the same");
	return rc;
}

int device_remove(struct host *h, int domid, int devid, bool force)
{
	struct device d = {.domid = domid, .devid = devid, .force = force};
	char *type = store_read(h, XBT_NULL, LIBXL "/type", domid, devid), *script;
	int rc, rc2;

	d.kind = vbd_kind(type && !strcmp(type, "qdisk"));
	free(type);
	rc = store_transact(h, remove_start, &d);
	if (!rc && !d.gone)
		rc = remove_wait(h, &d);
	if (rc && !force)
		return rc;
	/* The trusted copy names the script: a backend domain might have changed its own. */
	script = store_read(h, XBT_NULL, LIBXL "/script", domid, devid);
	if (script && !d.gone)
		hotplug_run(h, domid, devid, script, "remove");
	free(script);
	rc2 = store_transact(h, remove_nodes, &d);
	if (rc2)
		say("cannot remove the nodes of disk %d of guest %d: %s", devid, domid,
		    strerror(-rc2));
	return rc ? rc : rc2;
}

int device_list(struct host *h, int domid, int **devids)
{
	char path[64];
	unsigned int n = 0;
	char **names;

	snprintf(path, sizeof(path), "/libxl/%d/device/vbd", domid);
	*devids = NULL;
	names = xs_directory(h->xs, XBT_NULL, path, &n);
	if (!names)
		return errno == ENOENT ? 0 : -errno;
	*devids = calloc(n + 1, sizeof(int));
	for (unsigned int i = 0; *devids && i < n; i++)
		(*devids)[i] = atoi(names[i]);
	free(names);
	return *devids ? (int)n : -ENOMEM;
}
