// SPDX-License-Identifier: MIT
/*
 * Block devices: what they are, and their discards.
 *
 * A discard of a block device is an ioctl, which may take seconds.  (The fallocate of a hole, which
 * io_uring has, is another operation, zeroing, that not each device with discards has.)  So a layer
 * over the engine gives discards to a thread (offload.c), one at a time.
 *
 * Owns the disk below.
 */
#include "blkback/blockdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "blkback/disk_filters.h"

/* ---- measuring -------------------------------------------------------------------------- */

/* A number that sysfs has for the device, below `dir`; UINT64_MAX if there is none. */
static uint64_t sysfs_number(uint32_t major, uint32_t minor, const char *dir, const char *name)
{
	char path[128], text[32];
	ssize_t n = -1;
	uint64_t value = 0;
	int fd;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s%s", major, minor, dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	for (ssize_t i = 0; i < n && text[i] >= '0' && text[i] <= '9'; i++)
		value = value * 10 + (uint64_t)(text[i] - '0');
	return n > 0 ? value : UINT64_MAX;
}

/* A partition's limits are those of the whole device, one directory up. */
static uint64_t queue_number(uint32_t major, uint32_t minor, const char *name)
{
	uint64_t value = sysfs_number(major, minor, "queue/", name);

	if (value == UINT64_MAX)
		value = sysfs_number(major, minor, "../queue/", name);
	return value == UINT64_MAX ? 0 : value;
}

/*
 * Nothing but the ioctl itself tells.  It looks whether the device can before it looks at the
 * range, and a range that starts within a sector is always refused.
 */
static bool can_discard_securely(int fd)
{
	const uint64_t range[2] = {1, 1};

	return ioctl(fd, BLKSECDISCARD, range) < 0 && errno == EINVAL;
}

static void measure_discard(int fd, uint32_t major, uint32_t minor, struct disk_spec *spec)
{
	uint64_t granularity = queue_number(major, minor, "discard_granularity");
	uint64_t alignment = sysfs_number(major, minor, "", "discard_alignment");

	spec->discard =
		queue_number(major, minor, "discard_max_bytes") > 0 && granularity <= UINT32_MAX;
	spec->discard_granularity = granularity ? (uint32_t)granularity : spec->discard_unit;
	/* The kernel says UINT32_MAX where the layers below disagree. */
	spec->discard_alignment = alignment < granularity ? (uint32_t)alignment : 0;
	spec->discard_secure = spec->discard && can_discard_securely(fd);
}

int blockdev_measure(int fd, uint32_t major, uint32_t minor, struct disk_spec *spec,
		     uint64_t *bytes)
{
	unsigned int physical = 0;
	int logical = 0;

	if (ioctl(fd, BLKGETSIZE64, bytes) < 0 || ioctl(fd, BLKSSZGET, &logical) < 0 ||
	    ioctl(fd, BLKPBSZGET, &physical) < 0)
		return -errno;
	spec->block_device = 1;
	spec->physical_sector = physical;
	spec->direct_align = spec->discard_unit = (uint32_t)logical;
	spec->removable = sysfs_number(major, minor, "", "removable") == 1;
	measure_discard(fd, major, minor, spec);
	return 0;
}

/* ---- discards --------------------------------------------------------------------------- */

struct blockdev_disk {
	struct disk disk; /* first */
	struct disk *below;
	struct offload offload;
	int fd;
};

static int discard_run(struct offload_job *job)
{
	const struct disk_io *io = (const struct disk_io *)job;
	const struct blockdev_disk *b = (const struct blockdev_disk *)io->disk;
	uint64_t range[2] = {io->offset, io->bytes};

	return ioctl(b->fd, io->secure ? BLKSECDISCARD : BLKDISCARD, range) < 0 ? -errno : 0;
}

static void discard_done(struct offload_job *job, int res)
{
	struct disk_io *io = (struct disk_io *)job;

	io->done(io, res);
}

static void blockdev_submit(struct disk *disk, struct disk_io *io)
{
	struct blockdev_disk *b = (struct blockdev_disk *)disk;

	if (io->verb != DISK_DISCARD) {
		b->below->ops->submit(b->below, io);
		return;
	}
	io->disk = disk;
	io->job.run = discard_run;
	io->job.done = discard_done;
	offload_run(&b->offload, &io->job);
}

static void blockdev_close(struct disk *disk)
{
	struct blockdev_disk *b = (struct blockdev_disk *)disk;

	offload_free(&b->offload);
	b->below->ops->close(b->below);
	free(b);
}

static const struct disk_ops disk_blockdev = {
	.name = "blockdev",
	.submit = blockdev_submit,
	.close = blockdev_close,
};

int blockdev_disk_open(struct disk **disk, struct disk *below, int fd)
{
	struct blockdev_disk *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	b->disk = (struct disk){.ops = &disk_blockdev, .loop = below->loop, .spec = below->spec};
	b->below = below;
	b->fd = fd;
	err = offload_init(&b->offload, below->loop, 1, 1);
	if (err < 0) {
		free(b);
		return err;
	}
	*disk = &b->disk;
	return 0;
}

static const struct filter_rule blockdev_rules[] = {
	FILTER_INT(ioctl, 1, BLKDISCARD),
	FILTER_INT(ioctl, 1, BLKSECDISCARD),
};

const struct filter blockdev_filter = {FILTER_RULES(blockdev_rules)};
