// SPDX-License-Identifier: MIT
/*
 * Opening an image is a chain of operations on the supervisor's io_uring: open, statx, open again
 * with O_DIRECT, then locks and sizes.  Each runs in the kernel's own threads if it blocks, so that
 * one dead NFS server does not stop the other guests' disks from coming and going.
 *
 * A read-only disk is opened read-only: what the guest may not write, we can't (XSA-142).
 *
 * Two locks guard an image, for whoever else looks: flock(2), and an OFD lock of the whole file,
 * which meets QEMU's.  A block device that is written is claimed (O_EXCL), which meets mounts and
 * the volume managers.  A disk of mode w! takes the locks as readers do: those that all say so
 * share it.  Locks belong to the open file description, so they last until the last process that
 * serves the image is gone.
 */
#include "blkback/image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "blkback/blockdev.h"
#include "blkback/remote.h"

struct image_options image_options = {.nbd_wait_ms = 30000};

enum {
	LOCK_TRIES = 60,
	LOCK_TRY_MS = 50,
};

static void image_statx_done(struct op *op, int res, uint32_t cqe_flags);
static void image_finish(struct image *image);

static void image_refuse(struct image *image, const char *reason)
{
	/* The reason must not be what a long path pushes off the end of the line. */
	snprintf(image->why, sizeof(image->why), "%.300s%s %s", image->path,
		 strlen(image->path) > 300 ? "..." : "", reason);
	image_close(image); /* the reason may go with it */
	image->opened(image, image->why);
}

int image_check_size(uint64_t bytes, uint64_t *sectors, const char **why)
{
	if (bytes == 0)
		*why = "is empty; make it as large as the disk shall be";
	else if (bytes % DISK_SECTOR != 0)
		*why = "has a size that is no multiple of 512 bytes; is it a raw image?";
	else if (bytes > INT64_MAX)
		*why = "is larger than a file can be";
	else
		*why = NULL;
	*sectors = bytes / DISK_SECTOR;
	return *why ? -EINVAL : 0;
}

uint64_t image_whole_sectors(const struct image *image, uint64_t bytes)
{
	return (bytes - bytes % image->spec.physical_sector) / DISK_SECTOR;
}

int image_parse_null(const char *target, uint64_t *bytes)
{
	uint64_t n = 0;
	const char *at = target + strlen("null:"), *unit;
	static const char units[] = "KMGT";

	if (strncmp(target, "null:", 5) != 0 || *at < '0' || *at > '9')
		return -EINVAL;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (n > INT64_MAX / 16)
			return -EINVAL;
		n = n * 10 + (uint64_t)(*at - '0');
	}
	unit = *at ? strchr(units, *at) : NULL;
	if (*at && (!unit || at[1]))
		return -EINVAL;
	for (; unit && unit >= units; unit--) {
		if (n > INT64_MAX / 1024)
			return -EINVAL;
		n *= 1024;
	}
	*bytes = n;
	return 0;
}

bool image_is_block(const struct image *image)
{
	return S_ISBLK(image->stx.stx_mode);
}

/* ---- the last step: locks, sizes -------------------------------------------------------- */

static int image_lock(const struct image *image)
{
	bool shared = image->want & (IMAGE_READ_ONLY | IMAGE_SHARED);
	struct flock whole = {
		.l_type = shared ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
	};

	if (flock(image->fds[0], (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0)
		return -errno;
	return fcntl(image->fds[0], F_OFD_SETLK, &whole) < 0 ? -errno : 0;
}

static int image_measure_block(struct image *image, uint64_t *bytes)
{
	int err = blockdev_measure(image->fds[0], image->stx.stx_rdev_major,
				   image->stx.stx_rdev_minor, &image->spec, bytes);

	if (image->nfds < 2)
		image->spec.direct_align = 0;
	return err;
}

static uint32_t file_align(const struct statx *stx)
{
	return stx->stx_dio_offset_align > stx->stx_dio_mem_align ? stx->stx_dio_offset_align
								  : stx->stx_dio_mem_align;
}

static int image_measure_file(struct image *image, uint64_t *bytes)
{
	const struct statx *stx = &image->stx;
	struct statfs fs;

	*bytes = stx->stx_size;
	if (fstatfs(image->fds[0], &fs) == 0)
		image->spec.in_memory = fs.f_type == TMPFS_MAGIC;
	image->spec.discard = 1;
	image->spec.discard_unit = DISK_SECTOR;
	image->spec.discard_granularity = stx->stx_blksize;
	if (image->nfds == 2)
		image->spec.direct_align = file_align(stx);
	image->spec.physical_sector = image->spec.direct_align;
	return 0;
}

static bool is_power_of_2(uint32_t n)
{
	return n && (n & (n - 1)) == 0;
}

static void image_remote_done(struct image *image, const char *why)
{
	if (why) {
		image_refuse(image, why);
		return;
	}
	image->open = true;
	image->opened(image, NULL);
}

static void image_lock_again(void *arg)
{
	image_finish(arg);
}

static void image_finish(struct image *image)
{
	struct disk_spec *spec = &image->spec;
	uint64_t bytes = 0;
	const char *why;
	int err;

	err = image_lock(image);
	/* The qemu-nbd of its last user may still be writing what it held. */
	if (err < 0 && image->target.kind == TARGET_FORMAT && image->lock_tries++ < LOCK_TRIES) {
		loop_timer_add(image->loop, LOCK_TRY_MS, image_lock_again, image);
		return;
	}
	if (err < 0) {
		image_refuse(image, "is locked by another program; end it, or use another image");
		return;
	}
	if (image->target.kind == TARGET_FORMAT) {
		/* QEMU's requests to it must be able to be as small as a guest's. */
		if (image->nfds == 2 && !image_is_block(image) &&
		    image->stx.stx_dio_offset_align > DISK_SECTOR) {
			close(image->fds[1]);
			image->nfds = 1;
		}
		remote_open_file(image, image_remote_done);
		return;
	}
	err = image_is_block(image) ? image_measure_block(image, &bytes)
				    : image_measure_file(image, &bytes);
	if (err < 0) {
		image_refuse(image, "gives no size");
		return;
	}
	if (image_check_size(bytes, &spec->sectors, &why) < 0) {
		image_refuse(image, why);
		return;
	}
	/* xen/io/blkif.h: the disk's size must be a multiple of physical-sector-size. */
	if (!is_power_of_2(spec->physical_sector) || spec->physical_sector < DISK_SECTOR ||
	    bytes % spec->physical_sector != 0)
		spec->physical_sector = DISK_SECTOR;
	if (!(image->want & IMAGE_DISCARD) || spec->read_only)
		spec->discard = spec->discard_secure = 0;
	image->open = true;
	image->opened(image, NULL);
}

/* ---- the chain of opens ----------------------------------------------------------------- */

static int image_flags(const struct image *image)
{
	return (image->spec.read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY;
}

/* The same file again, whatever its name means by now. */
static void image_open_again(struct image *image, int flags,
			     void (*done)(struct op *, int, uint32_t))
{
	struct io_uring_sqe *sqe = loop_sqe(image->loop, &image->op);

	image->op.done = done;
	snprintf(image->via, sizeof(image->via), "/proc/self/fd/%d", image->fds[0]);
	io_uring_prep_openat(sqe, AT_FDCWD, image->via, image_flags(image) | flags, 0);
	io_uring_sqe_set_data(sqe, &image->op);
}

static void image_direct_done(struct op *op, int res, uint32_t cqe_flags)
{
	struct image *image = (struct image *)op;

	(void)cqe_flags;
	if (res >= 0) {
		image->fds[1] = res;
		image->nfds = 2;
	} /* else the store has no O_DIRECT after all: the page cache serves */
	image_finish(image);
}

/* O_DIRECT can't reach the end of a file that ends within a block, so such a file goes without. */
static bool file_has_direct(const struct statx *stx)
{
	return stx->stx_mask & STATX_DIOALIGN && is_power_of_2(stx->stx_dio_offset_align) &&
	       is_power_of_2(stx->stx_dio_mem_align) && file_align(stx) <= DISK_ALIGN_MAX &&
	       stx->stx_size % file_align(stx) == 0;
}

static void image_try_direct(struct image *image)
{
	if (image_is_block(image) || file_has_direct(&image->stx))
		image_open_again(image, O_DIRECT, image_direct_done);
	else
		image_finish(image);
}

static void image_claim_done(struct op *op, int res, uint32_t cqe_flags)
{
	struct image *image = (struct image *)op;

	(void)cqe_flags;
	if (res < 0) {
		image_refuse(image,
			     "is in use by this host, mounted or part of a volume; unmount it");
		return;
	}
	close(image->fds[0]);
	image->fds[0] = res;
	image_try_direct(image);
}

static void image_statx_done(struct op *op, int res, uint32_t cqe_flags)
{
	struct image *image = (struct image *)op;
	const struct statx *stx = &image->stx;
	int flags;

	(void)cqe_flags;
	if (res < 0) {
		image_refuse(image, strerror(-res));
		return;
	}
	image->dev = image_is_block(image) ? makedev(stx->stx_rdev_major, stx->stx_rdev_minor)
					   : makedev(stx->stx_dev_major, stx->stx_dev_minor);
	image->ino = image_is_block(image) ? 0 : stx->stx_ino;
	if (S_ISDIR(stx->stx_mode)) {
		image_refuse(image, "is a directory; name an image file or a block device");
	} else if (!S_ISREG(stx->stx_mode) && !image_is_block(image)) {
		image_refuse(image, "is neither a file nor a block device; name one");
	} else {
		/* O_NONBLOCK was for FIFOs; io_uring would fail I/O with EAGAIN for it. */
		flags = fcntl(image->fds[0], F_GETFL);
		fcntl(image->fds[0], F_SETFL, flags & ~O_NONBLOCK);
		if (image_is_block(image) && !(image->want & (IMAGE_READ_ONLY | IMAGE_SHARED)))
			image_open_again(image, O_EXCL, image_claim_done);
		else
			image_try_direct(image);
	}
}

static void image_open_done(struct op *op, int res, uint32_t cqe_flags)
{
	struct image *image = (struct image *)op;
	struct io_uring_sqe *sqe;
	char why[128];

	(void)cqe_flags;
	if (res < 0) {
		snprintf(why, sizeof(why), "can't be opened for %s: %s",
			 image->spec.read_only ? "reading" : "writing", strerror(-res));
		image_refuse(image, why);
		return;
	}
	image->fds[0] = res;
	image->nfds = 1;
	image->op.done = image_statx_done;
	sqe = loop_sqe(image->loop, &image->op);
	io_uring_prep_statx(sqe, res, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_DIOALIGN,
			    &image->stx);
	io_uring_sqe_set_data(sqe, &image->op);
}

static void image_open_null(struct image *image)
{
	uint64_t bytes;
	const char *why = "is no null disk: write null:SIZE, such as null:1G";

	image->spec.engine = DISK_NULL;
	image->spec.physical_sector = DISK_SECTOR;
	image->spec.discard = image->want & IMAGE_DISCARD && !image->spec.read_only;
	image->spec.discard_granularity = image->spec.discard_unit = DISK_SECTOR;
	if (image_parse_null(image->path, &bytes) < 0 ||
	    image_check_size(bytes, &image->spec.sectors, &why) < 0) {
		image_refuse(image, why);
		return;
	}
	image->open = true;
	image->opened(image, NULL);
}

void image_open(struct image *image, struct loop *loop, const char *target, uint32_t want,
		uint32_t helper_uid, void (*opened)(struct image *, const char *))
{
	struct io_uring_sqe *sqe;
	const char *why;

	*image = (struct image){
		.loop = loop,
		.want = want,
		.helper_uid = helper_uid,
		.spec = {.engine = DISK_URING, .read_only = (want & IMAGE_READ_ONLY) != 0},
		.op.done = image_open_done,
		.opened = opened,
	};
	snprintf(image->path, sizeof(image->path), "%s", target);
	if (target_parse(image->path, &image->target, &why) < 0) {
		image_refuse(image, why);
	} else if (image->target.kind == TARGET_TCP || image->target.kind == TARGET_UNIX) {
		remote_open(image, image_remote_done);
	} else if (strncmp(target, "null:", 5) == 0) {
		image_open_null(image);
	} else if (image->target.path[0] != '/') {
		image_refuse(image, "is no path from the root; write /path/to/image");
	} else if (strlen(target) >= IMAGE_PATH_MAX) {
		image_refuse(image, "is longer than a path of 1023 bytes; use a shorter one");
	} else {
		sqe = loop_sqe(loop, &image->op);
		io_uring_prep_openat(sqe, AT_FDCWD, image->target.path,
				     image_flags(image) | O_NONBLOCK, 0);
		io_uring_sqe_set_data(sqe, &image->op);
	}
}

/* ---- another look at the size ----------------------------------------------------------- */

static void image_look_done(struct op *op, int res, uint32_t cqe_flags)
{
	struct image *image = (struct image *)op;
	bool again = image->look_more && image->open;

	(void)cqe_flags;
	image->looking = image->look_more = false;
	image->looked(image, res < 0 ? res : (int64_t)image->now.stx_size);
	if (again)
		image_look(image, image->looked);
}

void image_look(struct image *image, void (*looked)(struct image *, int64_t))
{
	struct io_uring_sqe *sqe;
	uint64_t bytes;

	image->looked = looked;
	if (image->nfds == 0 || image->remote) { /* a null disk; a server tells no new size */
		return;
	} else if (image_is_block(image)) {
		looked(image,
		       ioctl(image->fds[0], BLKGETSIZE64, &bytes) < 0 ? -errno : (int64_t)bytes);
	} else if (image->looking) {
		image->look_more = true;
	} else {
		image->looking = true;
		image->op.done = image_look_done;
		sqe = loop_sqe(image->loop, &image->op);
		io_uring_prep_statx(sqe, image->fds[0], "", AT_EMPTY_PATH, STATX_SIZE, &image->now);
		io_uring_sqe_set_data(sqe, &image->op);
	}
}

void image_close(struct image *image)
{
	remote_close(image->remote);
	image->remote = NULL;
	for (uint32_t i = 0; i < image->nfds; i++)
		close(image->fds[i]);
	image->nfds = 0;
	image->open = false;
}
