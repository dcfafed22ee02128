// SPDX-License-Identifier: MIT
/*
 * Gives each block device secure discards, as a kernel does to eMMC and some virtio disks, none of
 * which a test can have: BLKSECDISCARD overwrites its range with 0xee.  It answers as
 * block/ioctl.c does: a range that is not of whole sectors is EINVAL.  What a worker may not call,
 * but this does, goes into its filter.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/fs.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int erase(int fd, uint64_t at, uint64_t bytes)
{
	char gone[512];

	if (at % sizeof(gone) || bytes % sizeof(gone)) {
		errno = EINVAL;
		return -1;
	}
	memset(gone, 0xee, sizeof(gone));
	for (; bytes > 0; at += sizeof(gone), bytes -= sizeof(gone))
		if (pwrite(fd, gone, sizeof(gone), (off_t)at) != (ssize_t)sizeof(gone))
			return -1;
	return fsync(fd);
}

#pragma weak seccomp_rule_add

__attribute__((visibility("default"))) int seccomp_load(const scmp_filter_ctx context)
{
	scmp_filter_ctx ours = (scmp_filter_ctx)(uintptr_t)context;
	int (*load)(const scmp_filter_ctx);

	if (seccomp_rule_add(ours, SCMP_ACT_ALLOW, SCMP_SYS(pwrite64), 0) < 0 ||
	    seccomp_rule_add(ours, SCMP_ACT_ALLOW, SCMP_SYS(fsync), 0) < 0)
		return -EINVAL;
	*(void **)&load = dlsym(RTLD_NEXT, "seccomp_load");
	return load(context);
}

__attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int, unsigned long, void *);
	uint64_t *range;
	va_list ap;

	va_start(ap, request);
	range = va_arg(ap, void *);
	va_end(ap);
	if (request == BLKSECDISCARD)
		return erase(fd, range[0], range[1]);
	*(void **)&real = dlsym(RTLD_NEXT, "ioctl");
	return real(fd, request, range);
}
