// SPDX-License-Identifier: MIT
/*
 * Two daemons that watch the same directories of the store would both answer each device.  So each
 * holds a lock on /run/halfback/NAME.pid, which also tells an admin its process.  The lock is a
 * POSIX record lock, which ends with its process, however that ends, and which no child inherits: a
 * worker that outlives its supervisor does not hold up the next one (fcntl(2)).
 */
#include "common/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"

const char *instance_dir(void)
{
	const char *dir = getenv("HALFBACK_RUN_DIR");

	return dir ? dir : "/run/halfback";
}

/* Process that holds the lock on `fd`'s file; 0 = none. */
static int instance_holder(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

/* -errno; the sentence says which file, and what to do. */
static int instance_refuse(const char *name, const char *path, int fd, int err)
{
	if (fd >= 0 && (err == EAGAIN || err == EACCES)) {
		log_error("process %d is %s already and serves all guests; stop it first",
			  instance_holder(fd), name);
		err = EBUSY;
	} else {
		log_error("can't lock %s: %s; is its file system writable?", path, strerror(err));
	}
	if (fd >= 0)
		close(fd);
	return -err;
}

int instance_claim(const char *name)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	const char *dir = instance_dir();
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s.pid", dir, name);
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return instance_refuse(name, path, -1, errno);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || fcntl(fd, F_SETLK, &lock) < 0)
		return instance_refuse(name, path, fd, errno);
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0)
		log_warn("can't write %s: %s", path, strerror(errno));
	/* Stays open: closing any descriptor of the file would end the lock. */
	return fd;
}

int instance_find(const char *name)
{
	char path[PATH_MAX];
	int fd, pid;

	snprintf(path, sizeof(path), "%s/%s.pid", instance_dir(), name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	pid = instance_holder(fd);
	close(fd);
	return pid;
}

void instance_release(int fd)
{
	if (ftruncate(fd, 0) < 0)
		log_warn("can't empty the daemon's .pid file: %s", strerror(errno));
	close(fd);
}
