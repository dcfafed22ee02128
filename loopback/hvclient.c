// SPDX-License-Identifier: MIT
/*
 * Connections to hv and the calls a toolstack makes on them.
 *
 * A call is one message and one reply under the handle's lock.  Statistics and faults live in
 * the domain's control area, so they are read and written there without asking hv.
 *
 * This file is part of each drop-in library: it must keep no state outside its handles, and
 * after hv_open() must not look up a path.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "loopback/hvclient.h"

static void fds_take(struct msghdr *mh, int *fds, unsigned max)
{
	struct cmsghdr *cm;
	unsigned i, n, used = 0;
	int fd;

	for (i = 0; i < max; i++)
		fds[i] = -1;
	for (cm = CMSG_FIRSTHDR(mh); cm; cm = CMSG_NXTHDR(mh, cm)) {
		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (unsigned)((cm->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int), sizeof(fd));
			if (used < max)
				fds[used++] = fd;
			else
				close(fd);
		}
	}
}

static int call_send(int sock, struct iovec *iov)
{
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t len;

	do
		len = sendmsg(sock, &mh, MSG_NOSIGNAL);
	while (len < 0 && errno == EINTR);
	return len < 0 ? -EIO : 0;
}

static int call_receive(int sock, struct iovec *iov, int *fds, unsigned max)
{
	union {
		char buf[CMSG_SPACE(HV_MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr mh = {.msg_iov = iov,
			    .msg_iovlen = 2,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control)};
	ssize_t len;

	do
		len = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	if (len < (ssize_t)iov[0].iov_len)
		return -EIO;
	fds_take(&mh, fds, max);
	return 0;
}

int hv_call(struct hv *hv, struct hv_msg *msg, struct hv_ref *refs, uint32_t cap, int *fds,
	    unsigned max)
{
	struct iovec iov[2] = {
		{.iov_base = msg, .iov_len = sizeof(*msg)},
		{.iov_base = refs, .iov_len = msg->n * sizeof(*refs)},
	};
	int rc;

	msg->err = 0;
	pthread_mutex_lock(&hv->lock);
	rc = call_send(hv->sock, iov);
	if (!rc) {
		iov[1].iov_len = cap * sizeof(*refs);
		rc = call_receive(hv->sock, iov, fds, max);
	}
	pthread_mutex_unlock(&hv->lock);
	return rc ? rc : msg->err;
}

int hv_call0(struct hv *hv, struct hv_msg *msg)
{
	return hv_call(hv, msg, NULL, 0, NULL, 0);
}

/* A directory whose name is too long for a socket's address is reached through a descriptor. */
static int sock_connect(const char *dir)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int sock, dirfd = -1, rc, err;

	if (strlen(dir) + sizeof("/" HV_SOCKET_NAME) > sizeof(addr.sun_path)) {
		dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (dirfd < 0)
			return -errno;
		snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/" HV_SOCKET_NAME,
			 dirfd);
	} else {
		snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/" HV_SOCKET_NAME, dir);
	}
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	rc = sock < 0 ? -1 : connect(sock, (struct sockaddr *)&addr, sizeof(addr));
	err = errno;
	if (dirfd >= 0)
		close(dirfd);
	if (rc < 0 && sock >= 0)
		close(sock);
	return rc < 0 ? -err : sock;
}

static struct hv *hv_new(int sock)
{
	struct hv *hv = calloc(1, sizeof(*hv));

	if (!hv)
		return NULL;
	hv->sock = sock;
	hv->pid = getpid();
	pthread_mutex_init(&hv->lock, NULL);
	return hv;
}

static int hv_hello(struct hv *hv, uint32_t domid)
{
	struct hv_msg msg = {.op = HV_HELLO, .domid = domid, .value = HV_VERSION};
	int rc = hv_call0(hv, &msg);

	hv->id = msg.id;
	hv->domid = domid;
	hv->store_port = msg.port;
	return rc;
}

struct hv *hv_open(void)
{
	const char *dir = getenv("XLOOP_DIR"), *domid = getenv("XLOOP_DOMID");
	struct hv *hv = NULL;
	int rc, sock = dir ? sock_connect(dir) : -ENODEV;

	if (sock < 0) {
		fprintf(stderr, "no embedded Xen at %s (XLOOP_DIR): %s; is hv running there?\n",
			dir ? dir : "(unset)", strerror(-sock));
		errno = -sock;
		return NULL;
	}
	hv = hv_new(sock);
	rc = hv ? hv_hello(hv, domid ? (uint32_t)strtoul(domid, NULL, 10) : 0) : -ENOMEM;
	if (!rc)
		return hv;
	close(sock);
	free(hv);
	errno = -rc;
	return NULL;
}

struct hv *hv_adopt(int sock)
{
	return hv_new(sock);
}

void hv_close(struct hv *hv)
{
	struct hv_msg msg = {.op = HV_CLOSE};

	if (!hv)
		return;
	if (hv->pid == getpid())
		hv_call0(hv, &msg);
	close(hv->sock);
	pthread_mutex_destroy(&hv->lock);
	free(hv);
}

struct hv_area *hv_area_map(struct hv *hv, uint32_t domid, bool ram)
{
	struct hv_msg msg = {.op = HV_AREA, .domid = domid};
	struct hv_area *area = calloc(1, sizeof(*area));
	int fd, rc = area ? hv_call(hv, &msg, NULL, 0, &fd, 1) : -ENOMEM;
	void *mem;

	if (!rc) {
		area->domid = msg.domid;
		area->frames = ram ? (uint32_t)msg.value : 0;
		mem = mmap(NULL, HV_RAM_OFF + ((size_t)area->frames << HV_PAGE_SHIFT),
			   PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
		rc = mem == MAP_FAILED ? -errno : 0;
		close(fd);
		area->ctl = mem;
		area->ram = (uint8_t *)mem + HV_RAM_OFF;
	}
	if (!rc)
		return area;
	free(area);
	errno = -rc;
	return NULL;
}

void hv_area_unmap(struct hv_area *area)
{
	if (!area)
		return;
	munmap(area->ctl, HV_RAM_OFF + ((size_t)area->frames << HV_PAGE_SHIFT));
	free(area);
}

int hv_domain_create(struct hv *hv, uint32_t ram_mib, uint32_t *domid, uint32_t *store_port)
{
	struct hv_msg msg = {.op = HV_DOM_CREATE, .value = ram_mib};
	int rc = hv_call0(hv, &msg);

	*domid = msg.domid;
	*store_port = msg.port;
	return rc;
}

int hv_domain_destroy(struct hv *hv, uint32_t domid)
{
	struct hv_msg msg = {.op = HV_DOM_DESTROY, .domid = domid};

	return hv_call0(hv, &msg);
}

int hv_domain_list(struct hv *hv, uint32_t *domids, int max)
{
	struct hv_msg msg = {.op = HV_DOM_LIST};
	struct hv_ref *refs = calloc(HV_MAX_REFS, sizeof(*refs));
	int i, rc = refs ? hv_call(hv, &msg, refs, HV_MAX_REFS, NULL, 0) : -ENOMEM;

	if (!rc) {
		rc = (int)msg.n;
		for (i = 0; i < rc && i < max; i++)
			domids[i] = refs[i].domid;
	}
	free(refs);
	return rc;
}

static void stats_add(struct hv_op_stats *sum, const struct hv_op_stats *part)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)part;
	size_t i;

	for (i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

int hv_domain_stats(struct hv *hv, uint32_t domid, struct hv_stats *stats)
{
	struct hv_area *area = hv_area_map(hv, domid, false);
	unsigned i;

	if (!area)
		return -errno;
	memset(stats, 0, sizeof(*stats));
	for (i = 0; i < HV_STAT_SLOTS; i++) {
		stats_add(&stats->caller, &area->ctl->slot[i].caller);
		stats_add(&stats->granter, &area->ctl->slot[i].granter);
	}
	stats->maps = __atomic_load_n(&area->ctl->now.maps, __ATOMIC_RELAXED);
	stats->ports = __atomic_load_n(&area->ctl->now.ports, __ATOMIC_RELAXED);
	stats->grants = __atomic_load_n(&area->ctl->now.grants, __ATOMIC_RELAXED);
	stats->limbo = __atomic_load_n(&area->ctl->now.limbo, __ATOMIC_RELAXED);
	hv_area_unmap(area);
	return 0;
}

int hv_fault(struct hv *hv, uint32_t domid, const char *what, uint64_t count)
{
	static const struct {
		const char *name;
		size_t offset;
	} faults[] = {
		{"map", offsetof(struct hv_faults, map)},
		{"copy", offsetof(struct hv_faults, copy)},
		{"copy-eagain", offsetof(struct hv_faults, copy_eagain)},
		{"copy-call", offsetof(struct hv_faults, copy_call)},
		{"copy-slow-us", offsetof(struct hv_faults, copy_slow_us)},
		{"notify", offsetof(struct hv_faults, notify)},
		{"notify-in", offsetof(struct hv_faults, notify_in)},
	};
	struct hv_area *area;
	size_t i;

	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (!strcmp(what, faults[i].name))
			break;
	if (i == sizeof(faults) / sizeof(faults[0]))
		return -EINVAL;
	area = hv_area_map(hv, domid, false);
	if (!area)
		return -errno;
	__atomic_store_n((uint64_t *)((char *)&area->ctl->fault + faults[i].offset), count,
			 __ATOMIC_RELEASE);
	hv_area_unmap(area);
	return 0;
}
