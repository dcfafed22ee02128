// SPDX-License-Identifier: MIT
/*
 * A tap as it is before Linux 6.4: a read can't say that it does not wait.
 */
#include <errno.h>
#include <sys/types.h>
#include <sys/uio.h>

__attribute__((visibility("default"))) ssize_t preadv2(int fd, const struct iovec *iov, int count,
						       off_t offset, int flags)
{
	(void)fd;
	(void)iov;
	(void)count;
	(void)offset;
	(void)flags;
	errno = EOPNOTSUPP;
	return -1;
}
