// SPDX-License-Identifier: MIT
/*
 * Puts together what is known of each disk: blkback's statistics files tell what it does, xenstore
 * what it is called and how far it is connected.  Reads both, changes neither, and asks blkback
 * nothing: looking costs its guests nothing.
 *
 * Of the store only what the toolstack and blkback write is read.  Even so a name is only text:
 * what a terminal would obey is taken out.
 */
#include "halfback/vbds.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <xenstore.h>

#include "common/instance.h"
#include "common/store.h"
#include "halfback/nodes.h"

static const char disks_daemon[] = "blkback", nics_daemon[] = "netback";
static const struct {
	const char *kind, *daemon;
} kinds[] = {
	{"vbd", disks_daemon},
	{"vbd3", disks_daemon},
	{"qdisk", disks_daemon},
	{"vif", nics_daemon},
};

void say(const char *fmt, ...)
{
	va_list ap;

	fputs("halfback: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* ---- text of the store -------------------------------------------------------------------- */

static char *or_unknown(char *text)
{
	if (text)
		return text;
	text = strdup("?");
	if (!text)
		abort();
	return text;
}

static const char *state_words(const char *state)
{
	static const char *const words[] = {"unknown",	 "initialising", "waiting", "initialised",
					    "connected", "closing",	 "closed"};
	uint64_t number;

	if (!state || number_parse(state, sizeof(words) / sizeof(words[0]) - 1, &number) < 0)
		number = 0;
	return words[number];
}

/* ---- one disk ----------------------------------------------------------------------------- */

static struct vbd *vbds_find(const struct vbds *vbds, const char *daemon, uint64_t domid,
			     uint64_t devid)
{
	for (size_t i = 0; i < vbds->count; i++)
		if (vbds->vbd[i].daemon == daemon && vbds->vbd[i].domid == domid &&
		    vbds->vbd[i].devid == devid)
			return &vbds->vbd[i];
	return NULL;
}

static struct vbd *vbds_add(struct vbds *vbds, const char *daemon, uint32_t domid, uint32_t devid,
			    const char *kind)
{
	struct vbd *more = reallocarray(vbds->vbd, vbds->count + 1, sizeof(*more));

	if (!more)
		abort();
	vbds->vbd = more;
	more += vbds->count++;
	*more = (struct vbd){
		.daemon = daemon, .nic = daemon == nics_daemon, .domid = domid, .devid = devid};
	snprintf(more->kind, sizeof(more->kind), "%s", kind);
	return more;
}

static void vbd_free(struct vbd *vbd)
{
	free(vbd->guest);
	free(vbd->vdev);
	free(vbd->image);
	free(vbd->error);
	stats_release(&vbd->stats);
}

/* The interface's name, if the toolstack gave none. */
static char *nic_name(const struct vbd *vbd, char *vifname)
{
	char name[32];

	if (vifname)
		return vifname;
	snprintf(name, sizeof(name), "vif%u.%u", vbd->domid, vbd->devid);
	return strdup(name);
}

/* The kernel counts what a tap's queue has no room for; nobody else sees such a packet. */
static int64_t interface_dropped(const char *name)
{
	char path[128];
	long long count;
	FILE *file;

	if (strchr(name, '/'))
		return -1;
	snprintf(path, sizeof(path), "/sys/class/net/%.64s/statistics/tx_dropped", name);
	file = fopen(path, "re");
	if (!file)
		return -1;
	if (fscanf(file, "%lld", &count) != 1)
		count = -1;
	fclose(file);
	return count;
}

/* What the store says of it. */
static void vbd_describe(struct vbd *vbd, struct xs_handle *xs, uint32_t own)
{
	const char *dir = vbd->path;
	char *state, *error;

	snprintf(vbd->path, sizeof(vbd->path), "/local/domain/%u/backend/%s/%u/%u", own, vbd->kind,
		 vbd->domid, vbd->devid);
	vbd->guest = or_unknown(node_read(xs, "/local/domain/%u/name", vbd->domid));
	vbd->vdev = or_unknown(vbd->nic ? nic_name(vbd, node_read(xs, "%s/vifname", dir))
					: node_read(xs, "%s/dev", dir));
	vbd->dropped = vbd->nic ? interface_dropped(vbd->vdev) : -1;
	vbd->image = or_unknown(node_read(xs, "%s/%s", dir, vbd->nic ? "bridge" : "params"));
	state = node_read(xs, "%s/state", dir);
	vbd->state = state_words(state);
	free(state);
	error = node_read(xs, "/local/domain/%u/error/backend/%s/%u/%u/error", own, vbd->kind,
			  vbd->domid, vbd->devid);
	if (error) /* the kernel's backends put the errno before it, and so does blkback */
		vbd->error = strdup(error + strspn(error, "0123456789 "));
	free(error);
}

/* ---- all of them -------------------------------------------------------------------------- */

/* The devices that a daemon has a file of.  0, or -1 after a sentence. */
static int collect_counted(struct vbds *vbds, const char *daemon)
{
	struct stats_name *names;
	int count = stats_list(daemon, &names);

	if (count < 0) {
		say("can't look into %s: %s", instance_dir(), strerror(-count));
		return -1;
	}
	for (int i = 0; i < count; i++) {
		struct stats_snapshot stats = {0};
		int err = stats_read(&stats, daemon, &names[i]);
		struct vbd *vbd;

		if (err == -ENOENT)
			continue; /* closed meanwhile */
		if (err < 0 || strchr(stats.header.kind, '/')) {
			say("%s/%s-%u-%u.stats is no statistics file of this version: "
			    "the %s's numbers are not shown",
			    instance_dir(), daemon, names[i].domid, names[i].devid,
			    daemon == nics_daemon ? "NIC" : "disk");
			continue;
		}
		vbd = vbds_add(vbds, daemon, names[i].domid, names[i].devid, stats.header.kind);
		vbd->stats = stats;
		vbd->counted = true;
	}
	free(names);
	return 0;
}

/* Those of the store that were offered and nobody has connected to. */
static void collect_offered(struct vbds *vbds, struct xs_handle *xs, uint32_t own, const char *kind,
			    const char *daemon)
{
	char path[STORE_PATH_MAX];
	unsigned int guests = 0, devices;
	char **guest, **device;

	snprintf(path, sizeof(path), "/local/domain/%u/backend/%s", own, kind);
	guest = xs_directory(xs, XBT_NULL, path, &guests);
	for (unsigned int i = 0; guest && i < guests; i++) {
		snprintf(path, sizeof(path), "/local/domain/%u/backend/%s/%.16s", own, kind,
			 guest[i]);
		devices = 0;
		device = xs_directory(xs, XBT_NULL, path, &devices);
		for (unsigned int k = 0; device && k < devices; k++) {
			uint64_t domid, devid;
			char *by = node_read(xs, "%s/%s/served-by", path, device[k]);

			if (by && strcmp(by, "halfback") == 0 &&
			    number_parse(guest[i], UINT16_MAX, &domid) == 0 &&
			    number_parse(device[k], UINT32_MAX, &devid) == 0 &&
			    !vbds_find(vbds, daemon, domid, devid))
				vbds_add(vbds, daemon, (uint32_t)domid, (uint32_t)devid, kind);
			free(by);
		}
		free(device);
	}
	free(guest);
}

static int vbd_order(const void *a, const void *b)
{
	const struct vbd *x = a, *y = b;

	if (x->domid != y->domid)
		return x->domid < y->domid ? -1 : 1;
	if (x->nic != y->nic)
		return x->nic ? 1 : -1;
	return x->devid < y->devid ? -1 : x->devid > y->devid;
}

/* One clear sentence if nothing is to be had. */
static int daemon_check(void)
{
	const char *daemon_name = disks_daemon;
	int pid = instance_find(daemon_name);

	if (pid > 0 || instance_find(nics_daemon) > 0 || instance_find("pvfb") > 0)
		return 0;
	if (pid == 0)
		say("no %s is running; start it (see blkback(8))", daemon_name);
	else if (pid == -ENOENT)
		say("%s has no %s.pid, so %s has not run since this machine started; "
		    "start it (see blkback(8))",
		    instance_dir(), daemon_name, daemon_name);
	else
		say("can't read %s/%s.pid: %s; run this as root", instance_dir(), daemon_name,
		    strerror(-pid));
	return -1;
}

/* A number, or a name. */
static bool is_called(const char *text, uint32_t number, const char *name)
{
	uint64_t value;

	if (!text)
		return true;
	return number_parse(text, UINT32_MAX, &value) == 0 ? value == number
							   : strcmp(text, name) == 0;
}

static int vbds_select(struct vbds *vbds, const char *guest, const char *disk)
{
	size_t kept = 0;
	bool known = false;

	for (size_t i = 0; i < vbds->count; i++) {
		struct vbd *vbd = &vbds->vbd[i];
		bool of_guest = is_called(guest, vbd->domid, vbd->guest);

		known |= of_guest;
		if (of_guest && is_called(disk, vbd->devid, vbd->vdev))
			vbds->vbd[kept++] = *vbd;
		else
			vbd_free(vbd);
	}
	vbds->count = kept;
	if (kept > 0 || !guest)
		return 0;
	if (known)
		say("guest %s has no disk %s, nor such a NIC, that is served here; halfback list "
		    "shows them",
		    guest, disk);
	else
		say("there is no guest %s whose disks or NICs are served here; halfback list shows "
		    "them",
		    guest);
	return -1;
}

/* The numbers since the disk connected. */
static void vbd_sum(struct vbd *vbd)
{
	memset(&vbd->sum, 0, sizeof(vbd->sum));
	for (uint32_t i = 0; i < vbd->stats.header.queues; i++)
		stats_sum(&vbd->sum, &vbd->stats.queue[i]);
}

static void vbd_count(struct vbd *vbd)
{
	const struct stats_header *header = &vbd->stats.header;

	vbd->since_epoch = (double)header->since_epoch_ns / 1e9;
	if (vbd->stats.at_ns > header->since_ns)
		vbd->seconds = (double)(vbd->stats.at_ns - header->since_ns) / 1e9;
	vbd_sum(vbd);
}

int vbds_collect(struct vbds *vbds, const char *guest, const char *disk)
{
	struct xs_handle *xs;
	uint32_t own;

	memset(vbds, 0, sizeof(*vbds));
	if (daemon_check() < 0 || collect_counted(vbds, disks_daemon) < 0 ||
	    collect_counted(vbds, nics_daemon) < 0)
		return -1;
	xs = xs_open(0);
	if (!xs)
		say("can't reach xenstored: %s; names and images are not shown", strerror(errno));
	own = own_domid(xs);
	for (size_t i = 0; xs && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		collect_offered(vbds, xs, own, kinds[i].kind, kinds[i].daemon);
	if (vbds->count > 0)
		qsort(vbds->vbd, vbds->count, sizeof(vbds->vbd[0]), vbd_order);
	for (size_t i = 0; i < vbds->count; i++) {
		vbd_describe(&vbds->vbd[i], xs, own);
		if (vbds->vbd[i].counted)
			vbd_count(&vbds->vbd[i]);
	}
	if (xs)
		xs_close(xs);
	return vbds_select(vbds, guest, disk);
}

/* Takes another look, and keeps what happened since the last one. */
static void vbd_look_again(struct vbd *vbd)
{
	const struct stats_name name = {vbd->domid, vbd->devid};
	struct stats_snapshot now = {0};

	if (!vbd->counted || stats_read(&now, vbd->daemon, &name) < 0)
		return;
	if (now.header.generation == vbd->stats.header.generation &&
	    now.header.since_ns == vbd->stats.header.since_ns &&
	    now.header.queues == vbd->stats.header.queues) {
		for (uint32_t i = 0; i < now.header.queues; i++)
			stats_since(&now.queue[i], &vbd->stats.queue[i]);
		vbd->seconds = (double)(now.at_ns - vbd->stats.at_ns) / 1e9;
	} else if (now.at_ns > now.header.since_ns) { /* it has connected anew */
		vbd->seconds = (double)(now.at_ns - now.header.since_ns) / 1e9;
	}
	stats_release(&vbd->stats);
	vbd->stats = now;
	vbd_sum(vbd);
}

void vbds_wait(struct vbds *vbds, double seconds)
{
	struct timespec ts = {.tv_sec = (time_t)seconds};

	ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
	for (size_t i = 0; i < vbds->count; i++)
		vbd_look_again(&vbds->vbd[i]);
}

void vbds_free(struct vbds *vbds)
{
	for (size_t i = 0; i < vbds->count; i++)
		vbd_free(&vbds->vbd[i]);
	free(vbds->vbd);
}
