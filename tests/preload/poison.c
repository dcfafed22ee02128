// SPDX-License-Identifier: MIT
/*
 * A bug that a guest can trigger: reading what starts at 1 MiB of a file in memory ends the worker.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/uio.h>

__attribute__((visibility("default"))) ssize_t preadv(int fd, const struct iovec *iov, int count,
						      off_t offset)
{
	ssize_t (*real)(int, const struct iovec *, int, off_t);

	if (offset == 1 << 20)
		abort();
	*(void **)&real = dlsym(RTLD_NEXT, "preadv");
	return real(fd, iov, count, offset);
}

__attribute__((visibility("default"))) ssize_t preadv64(int fd, const struct iovec *iov, int count,
							off64_t offset)
{
	return preadv(fd, iov, count, offset);
}
