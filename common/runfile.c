// SPDX-License-Identifier: MIT
/*
 * A mapped file has two ways to end the worker that writes to it, by SIGBUS: there is no memory for
 * a page when it is first touched, so the supervisor takes it all at once; and somebody makes the
 * file shorter.  A slip of an admin's hand must not cost a guest its disk: guard.c.
 */
#include "common/runfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/filter.h"
#include "common/guard.h"
#include "common/instance.h"
#include "common/store.h"

/* ---- the supervisor ---------------------------------------------------------------------- */

void runfile_path(char path[PATH_MAX], const struct runfile *name)
{
	snprintf(path, PATH_MAX, "%s/%s-%u-%u.%s", instance_dir(), name->daemon, name->domid,
		 name->devid, name->kind);
}

int runfile_create(const struct runfile *name, mode_t mode, size_t size)
{
	char path[PATH_MAX];
	int fd, err;

	runfile_path(path, name);
	unlink(path); /* a worker that still ends may have it mapped */
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	err = -posix_fallocate(fd, 0, (off_t)size);
	if (err == 0)
		return fd;
	unlink(path);
	close(fd);
	return err;
}

void runfile_remove(const struct runfile *name)
{
	char path[PATH_MAX];

	runfile_path(path, name);
	unlink(path);
}

/* "blkback-7-51712.stats" -> 7, 51712. */
static bool runfile_parse(const char *text, struct runfile *name)
{
	char copy[NAME_MAX + 1], *devid, *end;
	size_t len = strlen(name->daemon);
	uint64_t value[2];

	snprintf(copy, sizeof(copy), "%s", text);
	if (strncmp(copy, name->daemon, len) != 0 || copy[len] != '-')
		return false;
	devid = strchr(copy + len + 1, '-');
	end = devid ? strchr(devid, '.') : NULL;
	if (!end || strcmp(end + 1, name->kind) != 0)
		return false;
	*devid++ = *end = '\0';
	if (number_parse(copy + len + 1, UINT16_MAX, &value[0]) < 0 ||
	    number_parse(devid, UINT32_MAX, &value[1]) < 0)
		return false;
	name->domid = (uint32_t)value[0];
	name->devid = (uint32_t)value[1];
	return true;
}

void runfile_each(const char *daemon, const char *kind,
		  void (*found)(const struct runfile *name, void *arg), void *arg)
{
	DIR *dir = opendir(instance_dir());
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct runfile name = {.daemon = daemon, .kind = kind};

		if (runfile_parse(entry->d_name, &name))
			found(&name, arg);
	}
	if (dir)
		closedir(dir);
}

/* ---- the worker -------------------------------------------------------------------------- */

void *runfile_map(int fd, size_t size)
{
	void *memory = MAP_FAILED;
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && (size_t)st.st_size >= size)
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (memory == MAP_FAILED)
		return NULL;
	guard_add(memory, size);
	return memory;
}

void runfile_unmap(void *memory, size_t size)
{
	if (!memory)
		return;
	guard_del(memory);
	munmap(memory, size);
}

static const struct filter_rule runfile_rules[] = {
	FILTER_INT(newfstatat, 3, AT_EMPTY_PATH), /* fstat, as glibc calls it */
};

const struct filter runfile_filter = {FILTER_RULES(runfile_rules)};
