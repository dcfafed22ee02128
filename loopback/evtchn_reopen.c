// SPDX-License-Identifier: MIT
/*
 * xenevtchn_fdopen for the embedded Xen: finds what a handle was before exec.
 *
 * A handle opened with XENEVTCHN_NO_CLOEXEC leaves two descriptors to the next program: the
 * eventfd, which that program knows, and the connection to hv, which it does not.  The
 * connection is found among the process's sockets: it is the one to a hv.sock whose handle has
 * this very eventfd, by its eventfd-id.  This is the one place that needs /proc.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "loopback/hvclient.h"
#include "loopback/libxenevtchn.h"

/* The kernel's number of an eventfd, or -1. */
static long eventfd_id(int fd)
{
	char name[64], line[128];
	long id = -1;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	f = fopen(name, "re");
	if (!f)
		return -1;
	while (id < 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "eventfd-id: %ld", &id) != 1)
			id = -1;
	fclose(f);
	return id;
}

static bool is_hv_socket(int fd)
{
	struct sockaddr_un addr = {0};
	socklen_t len = sizeof(addr) - 1;
	const char *slash;

	if (getpeername(fd, (struct sockaddr *)&addr, &len) < 0 || addr.sun_family != AF_UNIX)
		return false;
	slash = strrchr(addr.sun_path, '/');
	return !strncmp(slash ? slash + 1 : addr.sun_path, HV_SOCKET_NAME, strlen(HV_SOCKET_NAME));
}

/* Asks hv over sock what the handle is.  NULL if it is not the one of eventfd id. */
static struct hv *socket_try(int sock, long id, struct hv_ref *refs, uint32_t *n)
{
	struct hv_msg msg = {.op = HV_REOPEN};
	struct hv *hv = hv_adopt(sock);
	int fd = -1;
	bool same;

	if (!hv)
		return NULL;
	same = !hv_call(hv, &msg, refs, HV_MAX_REFS, &fd, 1) && fd >= 0 && eventfd_id(fd) == id;
	if (fd >= 0)
		close(fd);
	if (!same) {
		free(hv);
		return NULL;
	}
	hv->id = msg.id;
	hv->domid = msg.domid;
	*n = msg.n;
	return hv;
}

struct hv *evtchn_reopen(int fd, struct hv_ref *refs, uint32_t *n)
{
	long id = eventfd_id(fd);
	DIR *dir = id < 0 ? NULL : opendir("/proc/self/fd");
	struct hv *hv = NULL;
	struct dirent *e;
	int sock;

	while (dir && !hv && (e = readdir(dir))) {
		sock = atoi(e->d_name);
		if (e->d_name[0] != '.' && is_hv_socket(sock))
			hv = socket_try(sock, id, refs, n);
	}
	if (dir)
		closedir(dir);
	if (!hv)
		errno = EBADF;
	return hv;
}
