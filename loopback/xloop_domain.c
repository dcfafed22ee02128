// SPDX-License-Identifier: MIT
/*
 * A guest's birth and death in the hypervisor and the store: the nodes libxl__domain_make() and
 * libxl__build_post() of 4.17 write for it with the same owners, the introduction to xenstored, and
 * the guest's kernel stand-in (xguest).
 *
 * Left out, as nothing here has them: the console's nodes, the image/ nodes of a kernel, and the
 * JSON file below /var/lib/xen (a private host must not write to the machine's).
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "loopback/xloop.h"

#define STORE_GFN 1 /* hv puts each guest's store ring there */
#define BOOT_MS	  5000
#define DOM	  "/local/domain/%u"

struct birth {
	const struct guest_config *c;
	uint32_t domid, store_port;
};

/* Directories below the guest's home, by who may write: the toolstack only, or the guest itself. */
static int make_subdirs(struct host *h, xs_transaction_t t, uint32_t domid)
{
	static const char *const toolstack[] = {"cpu", "memory", "device", "control"};
	static const char *const guest[] = {
		"device/suspend/event-channel",
		"control/shutdown",
		"control/feature-poweroff",
		"control/feature-reboot",
		"control/feature-suspend",
		"control/sysrq",
		"data",
		"drivers",
		"feature",
		"attr",
		"error",
	};
	const struct xs_permissions ro[2] = {{0, XS_PERM_NONE}, {domid, XS_PERM_READ}};
	const struct xs_permissions rw[1] = {{domid, XS_PERM_NONE}};
	int rc = 0;

	for (size_t i = 0; i < sizeof(toolstack) / sizeof(*toolstack) && !rc; i++)
		rc = store_mknod(h, t, ro, 2, DOM "/%s", domid, toolstack[i]);
	for (size_t i = 0; i < sizeof(guest) / sizeof(*guest) && !rc; i++)
		rc = store_mknod(h, t, rw, 1, DOM "/%s", domid, guest[i]);
	return rc;
}

static int make_home(struct host *h, xs_transaction_t t, uint32_t domid, const char *uuid)
{
	const struct xs_permissions no[1] = {{0, XS_PERM_NONE}};
	const struct xs_permissions ro[2] = {{0, XS_PERM_NONE}, {domid, XS_PERM_READ}};
	int rc = store_rm(h, t, DOM, domid);

	if (!rc)
		rc = store_mknod(h, t, ro, 2, DOM, domid);
	if (!rc)
		rc = store_rm(h, t, "/vm/%s", uuid);
	if (!rc)
		rc = store_mknod(h, t, ro, 2, "/vm/%s", uuid);
	if (!rc)
		rc = store_rm(h, t, "/libxl/%u", domid);
	if (!rc)
		rc = store_mknod(h, t, no, 1, "/libxl/%u", domid);
	return rc ? rc : store_mknod(h, t, no, 1, "/libxl/%u/device", domid);
}

struct value {
	const char *key, *value;
};

static int write_values(struct host *h, xs_transaction_t t, uint32_t domid, const struct value *v)
{
	int rc = 0;

	for (; v->key && !rc; v++)
		rc = store_write(h, t, v->value, DOM "/%s", domid, v->key);
	return rc;
}

static int write_home(struct host *h, xs_transaction_t t, const struct birth *b)
{
	char vm[64], kib[32], domid[16], port[16], gfn[16];
	const struct value values[] = {
		{"vm", vm},
		{"name", b->c->name},
		{"control/platform-feature-multiprocessor-suspend", "1"},
		{"control/platform-feature-xs_reset_watches", "1"},
		{"memory/static-max", kib},
		{"memory/target", kib},
		{"memory/videoram", "0"},
		{"domid", domid},
		{"store/port", port},
		{"store/ring-ref", gfn},
		{"cpu/0/availability", "online"},
		{NULL, NULL},
	};

	snprintf(vm, sizeof(vm), "/vm/%s", b->c->uuid);
	snprintf(kib, sizeof(kib), "%ld", b->c->memory_mib * 1024);
	snprintf(domid, sizeof(domid), "%u", b->domid);
	snprintf(port, sizeof(port), "%u", b->store_port);
	snprintf(gfn, sizeof(gfn), "%d", STORE_GFN);
	return write_values(h, t, b->domid, values);
}

static int write_all(struct host *h, xs_transaction_t t, void *arg)
{
	const struct birth *b = arg;
	char start[32];
	struct timespec now;
	int rc = make_home(h, t, b->domid, b->c->uuid);

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(start, sizeof(start), "%lld.%02ld", (long long)now.tv_sec, now.tv_nsec / 10000000);
	if (!rc)
		rc = make_subdirs(h, t, b->domid);
	if (!rc)
		rc = write_home(h, t, b);
	if (!rc)
		rc = store_write(h, t, b->c->uuid, "/vm/%s/uuid", b->c->uuid);
	if (!rc)
		rc = store_write(h, t, b->c->name, "/vm/%s/name", b->c->uuid);
	if (!rc)
		rc = store_write(h, t, start, "/vm/%s/start_time", b->c->uuid);
	return rc ? rc : store_write(h, t, b->c->type, "/libxl/%u/type", b->domid);
}

int domain_create(struct host *h, const struct guest_config *c, uint32_t *domid)
{
	struct birth b = {.c = c};
	int rc = hv_domain_create(h->hv, (uint32_t)c->memory_mib, &b.domid, &b.store_port);

	if (rc) {
		say("the hypervisor would not make guest \"%s\" of %ld MiB: %s", c->name,
		    c->memory_mib, strerror(-rc));
		return rc;
	}
	*domid = b.domid;
	rc = store_transact(h, write_all, &b);
	if (rc) {
		say("cannot write the nodes of guest \"%s\": %s", c->name, strerror(-rc));
	} else if (!xs_introduce_domain(h->xs, b.domid, STORE_GFN, b.store_port)) {
		rc = -errno;
		say("xenstored would not take guest \"%s\" in: %s", c->name, strerror(-rc));
	}
	if (rc)
		domain_destroy(h, b.domid);
	return rc;
}

/* The child's part: a daemon of the host, in the guest. */
static void xguest_exec(const struct host *h, uint32_t domid, const char *program)
{
	char id[16], log[PATH_MAX];

	snprintf(id, sizeof(id), "%u", domid);
	snprintf(log, sizeof(log), "%s/dom%u.log", h->dir, domid);
	setsid();
	setenv("XLOOP_DOMID", id, 1);
	daemon_stdio(log);
	if (net_new())
		fprintf(stderr, "the guest's network: %s\n", strerror(errno));
	execl(program, program, id, (char *)NULL);
	_exit(XLOOP_NOCMD);
}

static int note_pid(const struct host *h, uint32_t domid, pid_t pid)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/dom%u.pid", h->dir, domid);
	f = fopen(path, "we");
	if (!f)
		return -errno;
	fprintf(f, "%d\n", (int)pid);
	return fclose(f) ? -errno : 0;
}

pid_t domain_pid(const struct host *h, uint32_t domid)
{
	char path[PATH_MAX];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/dom%u.pid", h->dir, domid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%d", &pid) != 1)
		pid = 0;
	if (f)
		fclose(f);
	return pid > 0 ? pid : -ENOENT;
}

static bool socket_answers(const struct host *h, uint32_t domid)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return false;
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%.*s/dom%u.xs", XLOOP_DIR_MAX, h->dir, domid);
	rc = connect(fd, (struct sockaddr *)&sa, sizeof(sa));
	close(fd);
	return rc == 0;
}

int domain_start(struct host *h, uint32_t domid)
{
	char program[PATH_MAX];
	pid_t pid;
	int rc = host_file(program, "xguest");

	if (rc)
		return rc;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		xguest_exec(h, domid, program);
	note_pid(h, domid, pid);
	for (int ms = 0; ms < BOOT_MS; ms += 5) {
		if (socket_answers(h, domid))
			return 0;
		if (waitpid(pid, NULL, WNOHANG) == pid)
			break;
		poll(NULL, 0, 5);
	}
	say("guest %u did not start; see %s/dom%u.log", domid, h->dir, domid);
	return -EIO;
}

static void unlink_files(const struct host *h, uint32_t domid)
{
	static const char *const ends[] = {"xs", "pid"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		snprintf(path, sizeof(path), "%s/dom%u.%s", h->dir, domid, ends[i]);
		unlink(path);
	}
}

static int remove_devices(struct host *h, uint32_t domid, const char *type,
			  int (*remove)(struct host *h, int domid, int devid, bool force))
{
	int *devids, rc = 0, n = device_list(h, (int)domid, type, &devids);

	for (int i = 0; i < n; i++) {
		int rc2 = remove(h, (int)domid, devids[i], true);

		if (!rc)
			rc = rc2;
	}
	free(devids);
	return n < 0 ? n : rc;
}

int domain_destroy(struct host *h, uint32_t domid)
{
	char *vm = store_read(h, XBT_NULL, DOM "/vm", domid);
	int rc = remove_devices(h, domid, "vif", vif_remove);
	int rc2 = remove_devices(h, domid, "vbd", vbd_remove);

	if (!rc)
		rc = rc2;
	vfb_remove_all(h, (int)domid);
	qemu_stop(h, domid);
	if (vm && !strncmp(vm, "/vm/", 4))
		store_cleanup(h, XBT_NULL, "%s", vm);
	free(vm);
	rc2 = store_cleanup(h, XBT_NULL, DOM, domid);
	if (!rc)
		rc = rc2;
	rc2 = store_cleanup(h, XBT_NULL, "/libxl/%u", domid);
	if (!rc)
		rc = rc2;
	rc2 = hv_domain_destroy(h->hv, domid);
	if (rc2)
		say("the hypervisor would not end guest %u: %s", domid, strerror(-rc2));
	/* xenstored lets go by itself once the hypervisor's event has reached it. */
	xs_release_domain(h->xs, domid);
	unlink_files(h, domid);
	return rc ? rc : rc2;
}
