// SPDX-License-Identifier: MIT
/*
 * Two locks guard an image, for whoever else looks: flock(2), and an OFD lock of the whole file,
 * which meets QEMU's.  A block device that is written is claimed (O_EXCL), which meets mounts and
 * the volume managers.  A disk of mode w! takes the locks as readers do: those that all say so
 * share it.  Locks belong to the open file description, so they last until the last process that
 * serves the image is gone.
 *
 * A worker that was killed may have direct I/O under way, which the kernel finishes without it.
 * That I/O holds the description that it was started on, so each worker gets one of its own, with a
 * lock of its own on one byte far behind all data: when that can be locked anew, it is over.
 * Buffered I/O ends before its process is seen to be dead.
 */
#include "blkback/image_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

/* Locks of data are below, those of owners above. */
static const off_t image_owners = (off_t)1 << 62;

int image_lock(const struct image *image)
{
	bool shared = image->want & (IMAGE_READ_ONLY | IMAGE_SHARED);
	struct flock whole = {
		.l_type = shared ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
		.l_len = image_owners,
	};

	if (flock(image->fds[0], (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0)
		return -errno;
	return fcntl(image->fds[0], F_OFD_SETLK, &whole) < 0 ? -errno : 0;
}

int image_lock_direct(const struct image *image)
{
	struct flock one = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = image_owners + (off_t)image->owner,
		.l_len = 1,
	};

	if (image->nfds < 2 || image->spec.read_only)
		return 0;
	return fcntl(image->fds[1], F_OFD_SETLK, &one) < 0 ? -errno : 0;
}
