// SPDX-License-Identifier: MIT
/*
 * A virtual disk's name as a number, by xen-vbd-interface(7) and as libxl decides where that page
 * leaves a choice: xvd* up to disk 15 and partition 15 in the classic form, beyond that in the
 * extended one; hd* and sd* in their Linux numbers; any number as itself.
 *
 * Pure: no state, no store.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "loopback/xloop.h"

#define VDEV_EXTENDED (1 << 28)

struct vdev {
	int disk, partition;
};

/* Letters count a..z, aa..: returns what follows them, or NULL. */
static const char *disk_letters(const char *p, int max, int *disk)
{
	int n = -1;

	for (; *p >= 'a' && *p <= 'z'; p++) {
		n = (n + 1) * 26 + (*p - 'a');
		if (n > max)
			return NULL;
	}
	*disk = n;
	return n < 0 ? NULL : p;
}

/* Decimal without leading zeros, or nothing, which means the whole disk. */
static int partition_number(const char *p, int max, int *partition)
{
	char *end;
	unsigned long n;

	*partition = 0;
	if (!*p)
		return 0;
	if (*p < '1' || *p > '9')
		return -EINVAL;
	n = strtoul(p, &end, 10);
	if (*end || n > (unsigned long)max)
		return -EINVAL;
	*partition = (int)n;
	return 0;
}

static int vdev_match(const char *name, const char *prefix, int maxdisk, int maxpart,
		      struct vdev *v)
{
	size_t len = strlen(prefix);
	const char *rest;

	if (strncmp(name, prefix, len))
		return -EINVAL;
	rest = disk_letters(name + len, maxdisk, &v->disk);
	return rest ? partition_number(rest, maxpart, &v->partition) : -EINVAL;
}

static int vdev_numeric(const char *name)
{
	char *end;
	unsigned long n;

	if (*name < '0' || *name > '9')
		return -EINVAL;
	errno = 0;
	n = strtoul(name, &end, 0);
	return errno || *end || n > INT_MAX ? -EINVAL : (int)n;
}

int vdev_number(const char *name)
{
	struct vdev v;

	if (!vdev_match(name, "xvd", (1 << 20) - 1, 255, &v)) {
		if (v.disk <= 15 && v.partition <= 15)
			return (202 << 8) | (v.disk << 4) | v.partition;
		return VDEV_EXTENDED | (v.disk << 8) | v.partition;
	}
	if (!vdev_match(name, "hd", 3, 63, &v))
		return ((v.disk < 2 ? 3 : 22) << 8) | ((v.disk & 1) << 6) | v.partition;
	if (!vdev_match(name, "sd", 15, 15, &v))
		return (8 << 8) | (v.disk << 4) | v.partition;
	return vdev_numeric(name);
}
