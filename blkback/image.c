// SPDX-License-Identifier: MIT
/*
 * An image is opened, locked and measured in a thread of its own (offload.c): any of these calls
 * may hang, and one dead NFS server must not stop the other guests' disks from coming and going.
 * What the thread found is looked at by the supervisor's loop when it has ended.
 *
 * A read-only disk is opened read-only: what the guest may not write, we can't (XSA-142).
 */
#include "blkback/image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "blkback/blockdev.h"
#include "blkback/image_lock.h"
#include "blkback/remote.h"
#include "common/store.h"

struct image_options image_options = {.nbd_wait_ms = 30000};

enum {
	WAIT_MS = 10000,
	WAIT_FRESH_MS = 3000,
	WAIT_SHORT_MS = 200,
	WAIT_STEP_MS = 2,
};

/* Says why it can't be served; gives -1. */
static int image_refuse(struct image *image, const char *reason)
{
	/* The reason must not be what a long path pushes off the end of the line. */
	snprintf(image->why, sizeof(image->why), "%.300s%s %s", image->path,
		 strlen(image->path) > 300 ? "..." : "", reason);
	return -1;
}

static void image_end(struct image *image, int err)
{
	image->open = err == 0;
	if (err < 0)
		image_close(image);
	image->opened(image, err < 0 ? image->why : NULL);
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
	static const char null[] = "null:";

	if (strncmp(target, null, strlen(null)) != 0)
		return -EINVAL;
	return size_parse(target + strlen(null), bytes);
}

bool image_is_block(const struct image *image)
{
	return S_ISBLK(image->stx.stx_mode);
}

/* ---- the last step: locks, sizes -------------------------------------------------------- */

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
	if (fstatfs(image->fds[0], &fs) == 0) {
		image->spec.in_memory = fs.f_type == TMPFS_MAGIC;
		image->spec.never_at_once = fs.f_type == FUSE_SUPER_MAGIC;
	}
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

/* False if that was long enough. */
static bool image_waits(uint32_t *waited_ms, uint32_t most_ms)
{
	const struct timespec pause = {.tv_nsec = WAIT_STEP_MS * 1000000};

	if (*waited_ms >= most_ms)
		return false;
	*waited_ms += WAIT_STEP_MS;
	nanosleep(&pause, NULL);
	return true;
}

/*
 * Who has it may be what we left: a worker that is ending, a qemu-nbd that still writes, a thread
 * that looks at its size, a child before it executes.
 */
static int image_lock_soon(struct image *image)
{
	bool ours = image->want & IMAGE_PATIENT, format = image->target.kind == TARGET_FORMAT;
	uint32_t most = ours ? WAIT_MS : WAIT_FRESH_MS, waited = 0;

	while (image_lock(image) < 0)
		if (!image_waits(&waited, ours || format ? most : WAIT_SHORT_MS))
			return image_refuse(
				image,
				"is locked by another program; end it, or use another image");
	while (image_lock_direct(image) < 0)
		if (!image_waits(&waited, most))
			return image_refuse(image,
					    "still has writes of a dead worker under way; is "
					    "its store alive?");
	return 0;
}

static int image_measure(struct image *image)
{
	struct disk_spec *spec = &image->spec;
	uint64_t bytes = 0;
	const char *why;
	int err;

	err = image_is_block(image) ? image_measure_block(image, &bytes)
				    : image_measure_file(image, &bytes);
	if (err < 0)
		return image_refuse(image, "gives no size");
	if (image_check_size(bytes, &spec->sectors, &why) < 0)
		return image_refuse(image, why);
	/* xen/io/blkif.h: the disk's size must be a multiple of physical-sector-size. */
	if (!is_power_of_2(spec->physical_sector) || spec->physical_sector < DISK_SECTOR ||
	    bytes % spec->physical_sector != 0)
		spec->physical_sector = DISK_SECTOR;
	if (!(image->want & IMAGE_DISCARD) || spec->read_only)
		spec->discard = spec->discard_secure = 0;
	return 0;
}

/* ---- the opens, in a thread ------------------------------------------------------------- */

static int image_flags(const struct image *image)
{
	return (image->spec.read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY;
}

/* The same file again, whatever its name means by now.  A descriptor, or -1. */
static int image_open_again(const struct image *image, int flags)
{
	char via[32];

	snprintf(via, sizeof(via), "/proc/self/fd/%d", image->fds[0]);
	return open(via, image_flags(image) | flags);
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
	int fd;

	if (!image_is_block(image) && !file_has_direct(&image->stx))
		return;
	fd = image_open_again(image, O_DIRECT);
	if (fd >= 0)
		image->fds[image->nfds++] = fd;
	/* else the store has no O_DIRECT after all: the page cache serves */
}

static int image_claim(struct image *image)
{
	uint32_t waited = 0;
	int fd;

	if (!image_is_block(image) || image->want & (IMAGE_READ_ONLY | IMAGE_SHARED))
		return 0;
	do {
		fd = image_open_again(image, O_EXCL);
	} while (fd < 0 && errno == EBUSY &&
		 image_waits(&waited, image->want & IMAGE_PATIENT ? WAIT_MS : WAIT_SHORT_MS));
	if (fd < 0)
		return image_refuse(
			image, "is in use by this host, mounted or part of a volume; unmount it");
	close(image->fds[0]);
	image->fds[0] = fd;
	return 0;
}

static int image_identify(struct image *image)
{
	struct statx *stx = &image->stx;

	if (statx(image->fds[0], "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_DIOALIGN, stx) < 0)
		return image_refuse(image, strerror(errno));
	image->dev = image_is_block(image) ? makedev(stx->stx_rdev_major, stx->stx_rdev_minor)
					   : makedev(stx->stx_dev_major, stx->stx_dev_minor);
	image->ino = image_is_block(image) ? 0 : stx->stx_ino;
	if (S_ISDIR(stx->stx_mode))
		return image_refuse(image, "is a directory; name an image file or a block device");
	if (!S_ISREG(stx->stx_mode) && !image_is_block(image))
		return image_refuse(image, "is neither a file nor a block device; name one");
	return 0;
}

static int image_open_first(struct image *image)
{
	char why[128];
	/* O_NONBLOCK is for FIFOs; io_uring would fail I/O with EAGAIN for it. */
	int flags = image_flags(image), fd = open(image->target.path, flags | O_NONBLOCK);

	if (fd < 0) {
		snprintf(why, sizeof(why), "can't be opened for %s: %s",
			 image->spec.read_only ? "reading" : "writing", strerror(errno));
		return image_refuse(image, why);
	}
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	image->fds[0] = fd;
	image->nfds = 1;
	return 0;
}

/* QEMU's requests to it must be able to be as small as a guest's. */
static void image_prepare_format(struct image *image)
{
	if (image->nfds == 2 && !image_is_block(image) &&
	    image->stx.stx_dio_offset_align > DISK_SECTOR)
		close(image->fds[--image->nfds]);
}

static int image_run(struct offload_job *job)
{
	struct image *image = (struct image *)job;
	int err = image_open_first(image);

	if (err == 0)
		err = image_identify(image);
	if (err == 0)
		err = image_claim(image);
	if (err < 0)
		return err;
	image_try_direct(image);
	err = image_lock_soon(image);
	if (err < 0)
		return err;
	if (image->target.kind != TARGET_FORMAT)
		return image_measure(image);
	image_prepare_format(image);
	return 0;
}

/* ---- in the loop ------------------------------------------------------------------------ */

static void image_remote_done(struct image *image, const char *why)
{
	image_end(image, why ? image_refuse(image, why) : 0);
}

static void image_ran(struct offload_job *job, int res)
{
	struct image *image = (struct image *)job;

	if (res == 0 && image->target.kind == TARGET_FORMAT)
		remote_open_file(image, image_remote_done);
	else
		image_end(image, res);
}

static int image_open_null(struct image *image)
{
	uint64_t bytes;
	const char *why = "is no null disk: write null:SIZE, such as null:1G";

	image->spec.engine = DISK_NULL;
	image->spec.physical_sector = DISK_SECTOR;
	image->spec.discard = image->want & IMAGE_DISCARD && !image->spec.read_only;
	image->spec.discard_granularity = image->spec.discard_unit = DISK_SECTOR;
	if (image_parse_null(image->path, &bytes) < 0 ||
	    image_check_size(bytes, &image->spec.sectors, &why) < 0)
		return image_refuse(image, why);
	return 0;
}

void image_open(struct image *image, struct offload *offload, const char *target, uint32_t want,
		uint32_t helper_uid, void (*opened)(struct image *, const char *))
{
	const char *why;

	*image = (struct image){
		.job = {.run = image_run, .done = image_ran},
		.offload = offload,
		.want = want,
		.helper_uid = helper_uid,
		.owner = image->owner,
		.spec = {.engine = offload->loop->way == LOOP_URING ? DISK_URING : DISK_AIO,
			 .read_only = (want & IMAGE_READ_ONLY) != 0},
		.opened = opened,
	};
	snprintf(image->path, sizeof(image->path), "%s", target);
	if (target_parse(image->path, &image->target, &why) < 0)
		image_end(image, image_refuse(image, why));
	else if (image->target.kind == TARGET_TCP || image->target.kind == TARGET_UNIX)
		remote_open(image, image_remote_done);
	else if (strncmp(target, "null:", 5) == 0)
		image_end(image, image_open_null(image));
	else if (image->target.path[0] != '/')
		image_end(image,
			  image_refuse(image, "is no path from the root; write /path/to/image"));
	else if (strlen(target) >= IMAGE_PATH_MAX)
		image_end(image,
			  image_refuse(image,
				       "is longer than a path of 1023 bytes; use a shorter one"));
	else
		offload_run(offload, &image->job);
}

/* ---- the next worker's ------------------------------------------------------------------- */

static int image_renew_run(struct offload_job *job)
{
	struct image *image = (struct image *)job;
	int fd = image_open_again(image, O_DIRECT);

	if (fd < 0)
		return image_refuse(image, strerror(errno));
	image->fds[image->nfds++] = fd;
	return image_lock_soon(image);
}

static void image_renewed(struct offload_job *job, int res)
{
	image_end((struct image *)job, res);
}

void image_renew(struct image *image, void (*opened)(struct image *, const char *))
{
	image->opened = opened;
	image->want |= IMAGE_PATIENT;
	if (image->remote && remote_renew(image->remote) < 0) {
		image_end(image, image_refuse(image, "can't be connected to its next worker"));
	} else if (image->nfds < 2) {
		opened(image, NULL);
	} else {
		close(image->fds[--image->nfds]);
		image->open = false; /* the thread's */
		image->job.run = image_renew_run;
		image->job.done = image_renewed;
		offload_run(image->offload, &image->job);
	}
}

/* ---- another look at the size ----------------------------------------------------------- */

static struct image *image_of_look(struct offload_job *job)
{
	return (struct image *)((char *)job - offsetof(struct image, look_job));
}

static int image_look_run(struct offload_job *job)
{
	struct image *image = image_of_look(job);
	uint64_t bytes = 0;
	struct stat st;
	int err = image_is_block(image) ? ioctl(image->look_fd, BLKGETSIZE64, &bytes)
					: fstat(image->look_fd, &st);

	if (err < 0)
		image->look_bytes = -errno;
	else
		image->look_bytes = image_is_block(image) ? (int64_t)bytes : st.st_size;
	close(image->look_fd);
	return 0;
}

static void image_look_done(struct offload_job *job, int res)
{
	struct image *image = image_of_look(job);
	bool again = image->look_more && image->open;

	(void)res;
	image->looking = image->look_more = false;
	image->looked(image, image->look_bytes);
	if (again)
		image_look(image, image->looked);
}

void image_look(struct image *image, void (*looked)(struct image *, int64_t))
{
	image->looked = looked;
	if (image->nfds == 0 || image->remote) /* a null disk; a server tells no new size */
		return;
	if (image->looking) {
		image->look_more = true;
		return;
	}
	/* The image may be closed meanwhile, and its number be another file's. */
	image->look_fd = fcntl(image->fds[0], F_DUPFD_CLOEXEC, 0);
	if (image->look_fd < 0) {
		looked(image, -errno);
		return;
	}
	image->looking = true;
	image->look_job.run = image_look_run;
	image->look_job.done = image_look_done;
	offload_run(image->offload, &image->look_job);
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
