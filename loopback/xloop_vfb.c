// SPDX-License-Identifier: MIT
/*
 * A guest's screens: the nodes that libxl 4.17's libxl__set_xenstore_vfb() writes for vfb=[...],
 * and a vkbd beside each.  libxl waits for neither; its device model does what there is to do.
 *
 * The mark device-model is halfback-dm's, which runs in no loopback guest.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/io/xenbus.h>

#include "loopback/xloop.h"

#define BACKEND_MS 2000 /* LIBXL_QEMU_BODGE_TIMEOUT */

#define FRONT "/local/domain/%d/device/%s/%d"
#define BACK  "/local/domain/0/backend/%s/%d/%d"
#define LIBXL "/libxl/%d/device/%s/%d"

static const char *const kinds[] = {"vfb", "vkbd"};

struct addition {
	int domid, devid;
	const char *kind;
	const struct vfb *vfb;
};

static int dir_make(struct host *h, xs_transaction_t t, const char *dir, unsigned int owner,
		    unsigned int reader)
{
	const struct xs_permissions perms[2] = {{owner, XS_PERM_NONE}, {reader, XS_PERM_READ}};

	return store_mknod(h, t, perms, 2, "%s", dir);
}

static int back_write(struct host *h, xs_transaction_t t, const struct addition *a,
		      const char *back, const char *front)
{
	const struct vfb *v = a->vfb;
	char domid[16];
	const struct {
		const char *key, *value;
	} node[] = {
		{"frontend", front},
		{"frontend-id", domid},
		{"online", "1"},
		{"device-model", "halfback"},
		{"state", "1"},
		{"vnc", v->vnc},
		{"vnclisten", v->vnclisten},
		{"vncpasswd", v->vncpasswd},
		{"vncdisplay", v->vncdisplay},
		{"vncunused", v->vncunused},
		{"sdl", "0"},
		{"opengl", "0"},
		{"width", v->width},
		{"height", v->height},
		{"videoram", v->videoram},
	};
	size_t n = strcmp(a->kind, "vfb") == 0 ? sizeof(node) / sizeof(node[0]) : 5;
	int rc = dir_make(h, t, back, 0, (unsigned int)a->domid);

	snprintf(domid, sizeof(domid), "%d", a->domid);
	for (size_t i = 0; i < n && !rc; i++)
		if (node[i].value)
			rc = store_write(h, t, node[i].value, "%s/%s", back, node[i].key);
	return rc;
}

static int add_all(struct host *h, xs_transaction_t t, void *arg)
{
	const struct addition *a = arg;
	char front[64], back[64], libxl[64];
	int rc;

	snprintf(front, sizeof(front), FRONT, a->domid, a->kind, a->devid);
	snprintf(back, sizeof(back), BACK, a->kind, a->domid, a->devid);
	snprintf(libxl, sizeof(libxl), LIBXL, a->domid, a->kind, a->devid);
	rc = store_write(h, t, front, "%s/frontend", libxl);
	if (!rc)
		rc = store_write(h, t, back, "%s/backend", libxl);
	if (!rc)
		rc = dir_make(h, t, front, (unsigned int)a->domid, 0);
	if (!rc)
		rc = store_write(h, t, back, "%s/backend", front);
	if (!rc)
		rc = store_write(h, t, "0", "%s/backend-id", front);
	if (!rc)
		rc = store_write(h, t, "1", "%s/state", front);
	return rc ? rc : back_write(h, t, a, back, front);
}

int vfb_add(struct host *h, int domid, int devid, const struct vfb *v)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !rc; i++) {
		struct addition a = {domid, devid, kinds[i], v};

		rc = store_transact(h, add_all, &a);
		if (rc)
			say("cannot write the nodes of %s %d of guest %d: %s", kinds[i], devid,
			    domid, strerror(-rc));
	}
	return rc;
}

/* As libxl removes a device of a QEMU's: asks it to close, waits a little, and takes it away. */
static void device_end(struct host *h, int domid, const char *kind, int devid)
{
	char state[80];
	int last = 0;

	snprintf(state, sizeof(state), BACK "/state", kind, domid, devid);
	store_cleanup(h, XBT_NULL, FRONT, domid, kind, devid);
	store_write(h, XBT_NULL, "0", BACK "/online", kind, domid, devid);
	store_write(h, XBT_NULL, "5", "%s", state);
	wait_state(h, state, XenbusStateClosed, host_wait_ms("XLOOP_BACKEND_MS", BACKEND_MS),
		   &last);
	store_cleanup(h, XBT_NULL, LIBXL, domid, kind, devid);
	store_cleanup(h, XBT_NULL, BACK, kind, domid, devid);
}

void vfb_remove_all(struct host *h, int domid)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		unsigned int n = 0;
		char path[64], **names;

		snprintf(path, sizeof(path), "/libxl/%d/device/%s", domid, kinds[i]);
		names = xs_directory(h->xs, XBT_NULL, path, &n);
		for (unsigned int k = 0; names && k < n; k++)
			device_end(h, domid, kinds[i], atoi(names[k]));
		free(names);
	}
}

/* ---- the config ----------------------------------------------------------------------------- */

static char **vfb_value(struct vfb *v, const char *key)
{
	const struct {
		const char *key;
		char **value;
	} keys[] = {
		{"vnc", &v->vnc},
		{"vnclisten", &v->vnclisten},
		{"vncpasswd", &v->vncpasswd},
		{"vncdisplay", &v->vncdisplay},
		{"vncunused", &v->vncunused},
		{"width", &v->width},
		{"height", &v->height},
		{"videoram", &v->videoram},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i].key, key) == 0)
			return keys[i].value;
	return NULL;
}

void vfb_free(struct vfb *v)
{
	free(v->vnc);
	free(v->vnclisten);
	free(v->vncpasswd);
	free(v->vncdisplay);
	free(v->vncunused);
	free(v->width);
	free(v->height);
	free(v->videoram);
	memset(v, 0, sizeof(*v));
}

/* libxl__device_vfb_setdefault() */
static void vfb_defaults(struct vfb *v)
{
	if (!v->vnc)
		v->vnc = strdup("1");
	if (!v->vnclisten)
		v->vnclisten = strdup("127.0.0.1");
	if (!v->vncdisplay)
		v->vncdisplay = strdup("0");
	if (!v->vncunused)
		v->vncunused = strdup("1");
}

int config_vfb(struct vfb *v, const char *spec)
{
	char *copy = strdup(spec), *rest = copy, *word;
	int rc = copy ? 0 : -ENOMEM;

	memset(v, 0, sizeof(*v));
	while (!rc && (word = strsep(&rest, ","))) {
		char *value = strchr(word, '='), **at;

		word += strspn(word, " ");
		if (!*word)
			continue;
		if (value)
			*value++ = '\0';
		at = value ? vfb_value(v, word) : NULL;
		if (!at) {
			say("vfb \"%s\": \"%s\" is none of vnc, vnclisten, vncpasswd, vncdisplay, "
			    "vncunused, width, height, videoram with a value",
			    spec, word);
			rc = -EINVAL;
			break;
		}
		free(*at);
		*at = strdup(value);
	}
	free(copy);
	if (rc)
		vfb_free(v);
	else
		vfb_defaults(v);
	return rc;
}
