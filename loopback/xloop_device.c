// SPDX-License-Identifier: MIT
/*
 * One device's nodes and life, as libxl 4.17's libxl__device_generic_add() and
 * libxl__initiate_device_generic_remove() have them: the trusted copy below /libxl, the frontend's
 * directory (owned by the guest, readable by the backend), the backend's (owned by dom0, readable
 * by the guest), all in one transaction; then exactly state 2 within 10 s, then the hotplug script.
 * What the nodes of a disk and of a NIC are, xloop_vbd.c and xloop_vif.c tell.
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

#define FRONT "/local/domain/%d/device/%s/%d"
#define BACK  "/local/domain/0/backend/%s/%d/%d"
#define LIBXL "/libxl/%d/device/%s/%d"

struct removal {
	const struct device *d;
	bool force;
	bool gone; /* no backend to wait for */
};

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

static int add_front(struct host *h, xs_transaction_t t, const struct device *d, const char *back)
{
	char front[64];
	const struct node nodes[] = {
		{"backend", back}, {"backend-id", "0"}, {"state", "1"}, {NULL, NULL}};
	int rc;

	snprintf(front, sizeof(front), FRONT, d->domid, d->type, d->devid);
	rc = make_dir(h, t, front, (unsigned int)d->domid, 0);
	if (!rc)
		rc = write_nodes(h, t, front, nodes);
	return rc ? rc : write_nodes(h, t, front, d->front);
}

/* Those of the frontend's that are dom0's, for the guest to read: libxl calls them ro_fents. */
static int add_front_ro(struct host *h, xs_transaction_t t, const struct device *d)
{
	const struct xs_permissions ro[2] = {{0, XS_PERM_NONE},
					     {(unsigned int)d->domid, XS_PERM_READ}};
	const struct node *n = d->front_ro;
	int rc = 0;

	for (; n && n->key && !rc; n++) {
		rc = store_write(h, t, n->value, FRONT "/%s", d->domid, d->type, d->devid, n->key);
		if (!rc)
			rc = store_mknod(h, t, ro, 2, FRONT "/%s", d->domid, d->type, d->devid,
					 n->key);
	}
	return rc;
}

static int add_back(struct host *h, xs_transaction_t t, const struct device *d, const char *front,
		    const char *back, const char *libxl)
{
	int rc = make_dir(h, t, back, 0, (unsigned int)d->domid);

	if (!rc)
		rc = store_write(h, t, front, "%s/frontend", back);
	if (!rc)
		rc = write_nodes(h, t, back, d->back);
	return rc ? rc : write_nodes(h, t, libxl, d->back);
}

static int add_all(struct host *h, xs_transaction_t t, void *arg)
{
	const struct device *d = arg;
	char front[64], back[64], libxl[64], *old;
	int rc;

	snprintf(front, sizeof(front), FRONT, d->domid, d->type, d->devid);
	snprintf(back, sizeof(back), BACK, d->kind, d->domid, d->devid);
	snprintf(libxl, sizeof(libxl), LIBXL, d->domid, d->type, d->devid);
	old = store_read(h, t, "%s/backend", libxl);
	free(old);
	if (old)
		return -EEXIST;
	rc = store_rm(h, t, "%s", libxl);
	if (!rc)
		rc = store_write(h, t, front, "%s/frontend", libxl);
	if (!rc)
		rc = store_write(h, t, back, "%s/backend", libxl);
	if (!rc)
		rc = add_front(h, t, d, back);
	if (!rc)
		rc = add_front_ro(h, t, d);
	return rc ? rc : add_back(h, t, d, front, back, libxl);
}

int device_add(struct host *h, struct device *d)
{
	int rc = store_transact(h, add_all, d);

	if (rc == -EEXIST)
		say("guest %d has a %s already", d->domid, d->name);
	else if (rc)
		say("cannot write the nodes of %s of guest %d: %s", d->name, d->domid,
		    strerror(-rc));
	return rc;
}

int device_offered(struct host *h, const struct device *d)
{
	int timeout = host_wait_ms("XLOOP_BACKEND_MS", BACKEND_MS), last = 0, rc;
	char state[80];

	snprintf(state, sizeof(state), BACK "/state", d->kind, d->domid, d->devid);
	rc = wait_state(h, state, XenbusStateInitWait, timeout, &last);
	if (rc == -ETIMEDOUT)
		say("the backend of %s of guest %d did not come to state 2 within %d ms, its "
		    "state is %d; is %s running?",
		    d->name, d->domid, timeout, last, d->server);
	else if (rc)
		say("waiting for the backend of %s of guest %d failed: %s", d->name, d->domid,
		    strerror(-rc));
	return rc;
}

static int remove_start(struct host *h, xs_transaction_t t, void *arg)
{
	struct removal *r = arg;
	const struct device *d = r->d;
	char *state;
	int rc = 0;

	if (r->force)
		rc = store_cleanup(h, t, FRONT, d->domid, d->type, d->devid);
	state = store_read(h, t, BACK "/state", d->kind, d->domid, d->devid);
	/* A device still at 1 was never taken up; only a forced removal may rely on that. */
	r->gone = !state || (r->force && atoi(state) == XenbusStateInitialising);
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
	int rc = store_cleanup(h, t, FRONT, d->domid, d->type, d->devid);

	if (!rc)
		rc = store_cleanup(h, t, LIBXL, d->domid, d->type, d->devid);
	return rc ? rc : store_cleanup(h, t, BACK, d->kind, d->domid, d->devid);
}

static int remove_wait(struct host *h, const struct removal *r)
{
	int timeout = host_wait_ms("XLOOP_BACKEND_MS", BACKEND_MS), last = 0, rc;
	const struct device *d = r->d;
	char state[80];

	snprintf(state, sizeof(state), BACK "/state", d->kind, d->domid, d->devid);
	rc = wait_state(h, state, XenbusStateClosed, timeout, &last);
	if (rc == -ENOENT)
		return 0;
	if (rc)
		say("the backend of %s of guest %d did not close within %d ms, its state is "
		    "%d%s",
		    d->name, d->domid, timeout, last,
		    r->force ? "; removing it all the same"
			     : "; `--force` removes it all the same");
	return rc;
}

int device_remove(struct host *h, struct device *d, bool force,
		  void (*script)(struct host *h, const struct device *d))
{
	struct removal r = {.d = d, .force = force};
	int rc = store_transact(h, remove_start, &r), rc2;

	if (!rc && !r.gone)
		rc = remove_wait(h, &r);
	if (rc && !force)
		return rc;
	if (!r.gone)
		script(h, d);
	rc2 = store_transact(h, remove_nodes, d);
	if (rc2)
		say("cannot remove the nodes of %s of guest %d: %s", d->name, d->domid,
		    strerror(-rc2));
	return rc ? rc : rc2;
}

int device_list(struct host *h, int domid, const char *type, int **devids)
{
	char path[64];
	unsigned int n = 0;
	char **names;

	snprintf(path, sizeof(path), "/libxl/%d/device/%s", domid, type);
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
