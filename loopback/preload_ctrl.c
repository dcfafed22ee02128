// SPDX-License-Identifier: MIT
/*
 * libxenctrl-preload.so: answers what Debian's xenstored asks of libxenctrl and of the kernel,
 * so that the unmodified daemon runs on the embedded Xen.
 *
 * It answers xc_interface_open/close, xc_domain_getinfo (from hv) and the open of two files:
 * /proc/xen/xsd_port (the port of dom0's store ring, as text) and /proc/xen/xsd_kva (dom0's
 * ring page: nobody is at its other end, dom0's programs use the socket).  All other opens go to
 * libc.  It takes itself out of LD_PRELOAD, so that children run without it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <xenctrl.h>
#include "loopback/hvclient.h"

#define PRELOAD_NAME "libxenctrl-preload.so"
#define EXPORT	     __attribute__((visibility("default")))

EXPORT int open(const char *path, int flags, ...);
EXPORT int open64(const char *path, int flags, ...);

/* Takes this library's entry out of a list separated by colons or spaces. */
static void list_remove(char *list)
{
	char *name = strstr(list, PRELOAD_NAME), *end;

	if (!name)
		return;
	end = name + strcspn(name, ": ");
	while (name > list && name[-1] != ':' && name[-1] != ' ')
		name--;
	if (*end)
		end++;
	memmove(name, end, strlen(end) + 1);
}

__attribute__((constructor)) static void preload_hide(void)
{
	const char *value = getenv("LD_PRELOAD");
	char *copy = value ? strdup(value) : NULL;

	if (!copy)
		return;
	list_remove(copy);
	if (*copy)
		setenv("LD_PRELOAD", copy, 1);
	else
		unsetenv("LD_PRELOAD");
	free(copy);
}

static int xsd_port_open(void)
{
	int fd = memfd_create("xsd_port", MFD_CLOEXEC);
	struct hv *hv = hv_open();

	if (fd >= 0 && hv && dprintf(fd, "%u", hv->store_port) > 0)
		lseek(fd, 0, SEEK_SET);
	hv_close(hv);
	return fd;
}

static int xsd_kva_open(void)
{
	int fd = memfd_create("xsd_kva", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, HV_PAGE_SIZE) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int open_next(const char *symbol, const char *path, int flags, mode_t mode)
{
	int (*next)(const char *, int, ...);

	if (!strcmp(path, "/proc/xen/xsd_port"))
		return xsd_port_open();
	if (!strcmp(path, "/proc/xen/xsd_kva"))
		return xsd_kva_open();
	*(void **)&next = dlsym(RTLD_NEXT, symbol);
	return next(path, flags, mode);
}

static mode_t mode_get(int flags, va_list ap)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(ap, mode_t) : 0;
}

EXPORT int open(const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = mode_get(flags, ap);
	va_end(ap);
	return open_next("open", path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = mode_get(flags, ap);
	va_end(ap);
	return open_next("open64", path, flags, mode);
}

EXPORT xc_interface *xc_interface_open(xentoollog_logger *logger,
				       xentoollog_logger *dombuild_logger, unsigned open_flags)
{
	(void)logger, (void)dombuild_logger, (void)open_flags;
	return (xc_interface *)hv_open();
}

EXPORT int xc_interface_close(xc_interface *xch)
{
	hv_close((struct hv *)xch);
	return 0;
}

/* The domains from first_domid on, at most max.  Returns how many, or -1 and errno. */
EXPORT int xc_domain_getinfo(xc_interface *xch, uint32_t first_domid, unsigned int max_doms,
			     xc_dominfo_t *info)
{
	static uint32_t domids[HV_MAX_REFS];
	int i, all = hv_domain_list((struct hv *)xch, domids, HV_MAX_REFS);
	unsigned n = 0;

	if (all < 0) {
		errno = -all;
		return -1;
	}
	for (i = 0; i < all && n < max_doms; i++) {
		if (domids[i] < first_domid)
			continue;
		memset(&info[n], 0, sizeof(*info));
		info[n].domid = domids[i];
		info[n].running = 1;
		n++;
	}
	if (!n)
		errno = ESRCH;
	return n ? (int)n : -1;
}
