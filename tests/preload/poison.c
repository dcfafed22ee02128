// SPDX-License-Identifier: MIT
/*
 * A bug that a guest can trigger: reading what starts at 1 MiB of a file in memory ends the worker.
 */
#include <dlfcn.h>
#include <libaio.h>
#include <stdlib.h>
#include <sys/uio.h>

#define EXPORT __attribute__((visibility("default")))
#define POISON (1 << 20)

EXPORT ssize_t preadv(int fd, const struct iovec *iov, int count, off_t offset)
{
	ssize_t (*real)(int, const struct iovec *, int, off_t);

	if (offset == POISON)
		abort();
	*(void **)&real = dlsym(RTLD_NEXT, "preadv");
	return real(fd, iov, count, offset);
}

EXPORT ssize_t preadv64(int fd, const struct iovec *iov, int count, off64_t offset)
{
	return preadv(fd, iov, count, offset);
}

EXPORT int io_submit(io_context_t context, long count, struct iocb **iocbs)
{
	int (*real)(io_context_t, long, struct iocb **);

	for (long i = 0; i < count; i++)
		if (iocbs[i]->aio_lio_opcode == IO_CMD_PREADV && iocbs[i]->u.c.offset == POISON)
			abort();
	*(void **)&real = dlsym(RTLD_NEXT, "io_submit");
	return real(context, count, iocbs);
}
