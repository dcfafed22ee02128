// SPDX-License-Identifier: MIT
/*
 * What an xl.cfg says, read with Xen's own parser (libxlutil), so that a file which `xl create`
 * takes is taken here and means the same.  Keys used: name, uuid, type, memory, disk, vif, vfb;
 * others are ignored, as a loopback guest has no kernel, no CPUs and no firmware.
 *
 * It gives copies: nothing of the parser's outlives config_read().  Never touches the store.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxlutil.h>

#include "loopback/xloop.h"

#define CONFIG_MAX  (1 << 20)
#define MEMORY_MIB  64
#define SCRIPT_NAME "block-halfback"
#define UUID_LEN    36

/* Reads the file and the KEY=VALUE arguments into one malloc'ed text, as xl does. */
static char *config_text(const char *path, char **extra, int nextra)
{
	char *text = NULL;
	size_t len = 0, n;
	char buf[4096];
	FILE *in = fopen(path, "re");
	FILE *out = open_memstream(&text, &len);

	if (in && out) {
		while ((n = fread(buf, 1, sizeof(buf), in)) > 0 && ftell(out) < CONFIG_MAX)
			fwrite(buf, 1, n, out);
		if (ferror(in)) {
			fclose(in);
			in = NULL;
		}
	}
	for (int i = 0; in && out && i < nextra; i++) {
		const char *value = strchr(extra[i], '=') + 1;
		/* The parser wants text quoted; a shell user has quoted it once already. */
		bool bare = !strchr("\"'[0123456789", *value) || !*value;

		fprintf(out, "\n%.*s%s%s%s", (int)(value - extra[i]), extra[i], bare ? "\"" : "",
			value, bare ? "\"" : "");
	}
	if (!in || !out)
		say("cannot read the guest's config \"%s\": %s", path, strerror(errno));
	if (out) {
		fputc('\n', out);
		fclose(out);
	}
	if (!in) {
		free(text);
		return NULL;
	}
	fclose(in);
	return text;
}

static char *random_uuid(void)
{
	char text[UUID_LEN + 1] = "";
	FILE *f = fopen("/proc/sys/kernel/random/uuid", "re");

	if (f) {
		if (!fgets(text, sizeof(text), f))
			text[0] = '\0';
		fclose(f);
	}
	return strlen(text) == UUID_LEN ? strdup(text) : NULL;
}

/* A name stands in paths of the store and may not look like a number or hold a slash. */
static int check_name(const char *name)
{
	bool digits = strspn(name, "0123456789") == strlen(name);

	if (*name && !digits && !strchr(name, '/'))
		return 0;
	say("name=\"%s\" cannot name a guest: it must not be empty, a number, or contain a slash",
	    name);
	return -EINVAL;
}

static int read_scalars(struct guest_config *c, const XLU_Config *x, const char *path)
{
	if (xlu_cfg_replace_string(x, "name", &c->name, 0) || !c->name) {
		say("the config \"%s\" has no name; add a line such as name=\"guest\"", path);
		return -EINVAL;
	}
	if (check_name(c->name))
		return -EINVAL;
	c->memory_mib = MEMORY_MIB;
	if (xlu_cfg_get_bounded_long(x, "memory", 1, 1 << 20, &c->memory_mib, 0) == EINVAL)
		return -EINVAL;
	if (c->memory_mib < 1 || c->memory_mib > 1 << 20) {
		say("memory=%ld is not a size in MiB between 1 and 1048576", c->memory_mib);
		return -EINVAL;
	}
	xlu_cfg_replace_string(x, "type", &c->type, 0);
	if (!c->type)
		c->type = strdup("pv");
	if (strcmp(c->type, "pv") && strcmp(c->type, "pvh") && strcmp(c->type, "hvm")) {
		say("type=\"%s\" is not a guest type; use pv, pvh or hvm", c->type);
		return -EINVAL;
	}
	xlu_cfg_replace_string(x, "uuid", &c->uuid, 0);
	if (!c->uuid)
		c->uuid = random_uuid();
	if (!c->uuid || strlen(c->uuid) != UUID_LEN ||
	    strspn(c->uuid, "0123456789abcdefABCDEF-") != UUID_LEN) {
		say("uuid=\"%s\" is not a UUID", c->uuid ? c->uuid : "");
		return -EINVAL;
	}
	return 0;
}

/* libxl's defaults, and our own script where xl would take "block". */
static int vbd_from_disk(struct vbd *v, libxl_device_disk *d, const char *spec)
{
	libxl_defbool_setdefault(&d->discard_enable, !!d->readwrite);
	libxl_defbool_setdefault(&d->trusted, true);
	if (!d->vdev || vdev_number(d->vdev) < 0) {
		say("disk \"%s\": \"%s\" is not a virtual disk such as xvda", spec,
		    d->vdev ? d->vdev : "");
		return -EINVAL;
	}
	if (d->format != LIBXL_DISK_FORMAT_RAW) {
		say("disk \"%s\": format %s is not served; convert the image with `qemu-img "
		    "convert "
		    "-O raw`",
		    spec, libxl_disk_format_to_string(d->format));
		return -EINVAL;
	}
	if (d->backend_domname) {
		say("disk \"%s\": backend=%s asks for a driver domain; leave it out to be served "
		    "by "
		    "dom0",
		    spec, d->backend_domname);
		return -EINVAL;
	}
	v->qdisk = d->backend == LIBXL_DISK_BACKEND_QDISK;
	if (!v->qdisk && host_script(v->script, d->script ? d->script : SCRIPT_NAME)) {
		say("disk \"%s\": cannot find the directory of hotplug scripts; set XLOOP_SCRIPTS",
		    spec);
		return -ENOENT;
	}
	v->target = strdup(d->pdev_path ? d->pdev_path : "");
	v->vdev = strdup(d->vdev);
	v->devid = vdev_number(d->vdev);
	v->writable = d->readwrite;
	v->cdrom = d->is_cdrom;
	v->removable = d->removable;
	v->direct_io_safe = d->direct_io_safe;
	v->discard = libxl_defbool_val(d->discard_enable);
	v->trusted = libxl_defbool_val(d->trusted);
	return v->target && v->vdev ? 0 : -ENOMEM;
}

int config_disk(struct vbd *v, const char *spec)
{
	XLU_Config *x = xlu_cfg_init(stderr, "disk");
	libxl_device_disk d;
	int rc;

	memset(v, 0, sizeof(*v));
	if (!x)
		return -ENOMEM;
	libxl_device_disk_init(&d);
	rc = -xlu_disk_parse(x, 1, &spec, &d);
	if (rc)
		say("disk \"%s\" is not a disk specification; see xl-disk-configuration(5)", spec);
	else
		rc = vbd_from_disk(v, &d, spec);
	libxl_device_disk_dispose(&d);
	xlu_cfg_destroy(x);
	if (rc)
		vbd_free(v);
	return rc;
}

static int read_disks(struct guest_config *c, const XLU_Config *x)
{
	XLU_ConfigList *list;
	int n = 0, rc = xlu_cfg_get_list(x, "disk", &list, &n, 0);

	if (rc)
		return rc == ESRCH ? 0 : -rc;
	c->vbds = calloc((size_t)n + 1, sizeof(*c->vbds));
	if (!c->vbds)
		return -ENOMEM;
	for (int i = 0; i < n; i++) {
		rc = config_disk(&c->vbds[c->nvbds], xlu_cfg_get_listitem(list, i));
		if (rc)
			return rc;
		for (int j = 0; j < c->nvbds; j++) {
			if (c->vbds[j].devid != c->vbds[c->nvbds].devid)
				continue;
			say("two disks are both %s", c->vbds[j].vdev);
			c->nvbds++;
			return -EEXIST;
		}
		c->nvbds++;
	}
	return 0;
}

static int read_screens(struct guest_config *c, const XLU_Config *x)
{
	XLU_ConfigList *list;
	int n = 0, rc = xlu_cfg_get_list(x, "vfb", &list, &n, 0);

	if (rc)
		return rc == ESRCH ? 0 : -rc;
	c->vfbs = calloc((size_t)n + 1, sizeof(*c->vfbs));
	if (!c->vfbs)
		return -ENOMEM;
	for (int i = 0; i < n && !rc; i++) {
		rc = config_vfb(&c->vfbs[i], xlu_cfg_get_listitem(list, i));
		c->nvfbs += rc == 0;
	}
	return rc;
}

static int check_extra(char **extra, int nextra)
{
	for (int i = 0; i < nextra; i++) {
		if (strchr(extra[i], '=') && extra[i][0] != '=')
			continue;
		say("\"%s\" is not of the form KEY=VALUE", extra[i]);
		return -EINVAL;
	}
	return 0;
}

int config_read(struct guest_config *c, const char *path, char **extra, int nextra)
{
	XLU_Config *x;
	char *text;
	int rc;

	memset(c, 0, sizeof(*c));
	rc = check_extra(extra, nextra);
	if (rc)
		return rc;
	text = config_text(path, extra, nextra);
	if (!text)
		return -EIO;
	x = xlu_cfg_init(stderr, path);
	rc = x ? -xlu_cfg_readdata(x, text, (int)strlen(text)) : -ENOMEM;
	free(text);
	if (rc) {
		say("\"%s\" is not a guest config that xl would read", path);
	} else {
		rc = read_scalars(c, x, path);
		if (!rc)
			rc = read_disks(c, x);
		if (!rc)
			rc = config_vifs(c, x);
		if (!rc)
			rc = read_screens(c, x);
	}
	if (x)
		xlu_cfg_destroy(x);
	if (rc)
		config_free(c);
	return rc;
}

void vbd_free(struct vbd *v)
{
	free(v->target);
	free(v->vdev);
	memset(v, 0, sizeof(*v));
}

void config_free(struct guest_config *c)
{
	for (int i = 0; i < c->nvbds; i++)
		vbd_free(&c->vbds[i]);
	free(c->vbds);
	for (int i = 0; i < c->nvifs; i++)
		vif_free(&c->vifs[i]);
	free(c->vifs);
	for (int i = 0; i < c->nvfbs; i++)
		vfb_free(&c->vfbs[i]);
	free(c->vfbs);
	free(c->name);
	free(c->uuid);
	free(c->type);
	memset(c, 0, sizeof(*c));
}
