// SPDX-License-Identifier: MIT
/*
 * The verbs create, destroy and list.  Creation goes in libxl's order: the domain, its introduction
 * to xenstored, all disks' nodes, then for each disk the wait and the hotplug script, then the same
 * for NICs, and the guest runs last, with its NICs' drivers. A creation that fails at any point is
 * undone: no domain, no node, no process is left.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loopback/xloop.h"

#define GUESTS_MAX 4096

static int name_is_free(struct host *h, const char *name)
{
	unsigned int n = 0;
	char **ids = xs_directory(h->xs, XBT_NULL, "/local/domain", &n);
	int rc = 0;

	for (unsigned int i = 0; ids && i < n && !rc; i++) {
		char *is = store_read(h, XBT_NULL, "/local/domain/%s/name", ids[i]);

		if (is && !strcmp(is, name)) {
			say("there is a guest \"%s\" already, number %s", name, ids[i]);
			rc = -EEXIST;
		}
		free(is);
	}
	free(ids);
	return rc;
}

static int attach_disks(struct host *h, uint32_t domid, const struct guest_config *c)
{
	int rc = 0;

	for (int i = 0; i < c->nvbds && !rc; i++)
		rc = vbd_add_nodes(h, (int)domid, &c->vbds[i]);
	for (int i = 0; i < c->nvbds && !rc; i++)
		rc = vbd_attach(h, (int)domid, &c->vbds[i]);
	return rc;
}

static int attach_nics(struct host *h, uint32_t domid, const struct guest_config *c)
{
	int rc = 0;

	for (int i = 0; i < c->nvifs && !rc; i++)
		rc = vif_add_nodes(h, (int)domid, &c->vifs[i]);
	for (int i = 0; i < c->nvifs && !rc; i++)
		rc = vif_attach(h, (int)domid, &c->vifs[i]);
	return rc;
}

static int guest_start(struct host *h, uint32_t domid, const struct guest_config *c)
{
	int rc = domain_start(h, domid);

	for (int i = 0; i < c->nvifs && !rc; i++)
		rc = vif_drive(h, (int)domid, c->vifs[i].devid);
	return rc;
}

static int guest_create(struct host *h, const struct guest_config *c)
{
	uint32_t domid;
	int rc = name_is_free(h, c->name);

	if (!rc)
		rc = domain_create(h, c, &domid);
	if (rc)
		return rc;
	rc = attach_disks(h, domid, c);
	for (int i = 0; i < c->nvfbs && !rc; i++)
		rc = vfb_add(h, (int)domid, i, &c->vfbs[i]);
	if (!rc)
		rc = qemu_start(h, domid, c);
	if (!rc)
		rc = attach_nics(h, domid, c);
	if (!rc)
		rc = guest_start(h, domid, c);
	if (rc)
		domain_destroy(h, domid);
	else
		printf("%s is guest %u\n", c->name, domid);
	return rc;
}

int verb_create(int argc, char **argv)
{
	struct guest_config c;
	struct host h;
	int rc;

	if (argc < 2)
		return XLOOP_USAGE;
	if (config_read(&c, argv[1], argv + 2, argc - 2))
		return XLOOP_FAIL;
	rc = host_open(&h);
	if (!rc) {
		rc = guest_create(&h, &c);
		host_close(&h);
	}
	config_free(&c);
	return rc ? XLOOP_FAIL : XLOOP_OK;
}

int verb_destroy(int argc, char **argv)
{
	struct host h;
	int domid, rc;

	if (argc != 2)
		return XLOOP_USAGE;
	if (host_open(&h))
		return XLOOP_FAIL;
	domid = host_guest(&h, argv[1]);
	rc = domid < 0 ? domid : domain_destroy(&h, (uint32_t)domid);
	host_close(&h);
	return rc ? XLOOP_FAIL : XLOOP_OK;
}

static void print_guest(struct host *h, uint32_t domid)
{
	char *name = store_read(h, XBT_NULL, "/local/domain/%u/name", domid);
	char *kib = store_read(h, XBT_NULL, "/local/domain/%u/memory/target", domid);
	int *devids, n = domid ? device_list(h, (int)domid, "vbd", &devids) : 0;

	printf("%-30s %5u %9ld %5d\n", name ? name : "(none)", domid, kib ? atol(kib) / 1024 : 0,
	       n < 0 ? 0 : n);
	if (domid)
		free(devids);
	free(name);
	free(kib);
}

int verb_list(int argc, char **argv)
{
	static uint32_t domids[GUESTS_MAX];
	struct host h;
	int n;

	(void)argv;
	if (argc != 1)
		return XLOOP_USAGE;
	if (host_open(&h))
		return XLOOP_FAIL;
	n = hv_domain_list(h.hv, domids, GUESTS_MAX);
	if (n < 0)
		say("the hypervisor did not list its domains: %s", strerror(-n));
	else
		printf("%-30s %5s %9s %5s\n", "Name", "ID", "Mem(MiB)", "Disks");
	for (int i = 0; i < n; i++)
		print_guest(&h, domids[i]);
	host_close(&h);
	return n < 0 ? XLOOP_FAIL : XLOOP_OK;
}
