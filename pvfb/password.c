// SPDX-License-Identifier: MIT
/*
 * A screen's passwords.  The admin's file DIR/GUEST.password is preferred: first line the password,
 * second line, if there is one, a password that only lets look.  Without a file there is the node
 * vncpasswd, which the toolstack writes where the guest can read it.
 *
 * They are handed to the worker in a file in memory, so that they stand in no file of
 * /run/halfback.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pvfb/backend.h"
#include "pvfb/vnc.h"

enum {
	TEXT_MAX = VNC_PASSWORDS_MAX * VNC_PASSWORD_MAX
};

static bool name_is_safe(const char *name)
{
	return name && *name && name[0] != '.' && !strchr(name, '/');
}

/* The file's text: how long it is, -ENOENT if there is none, or -errno and why. */
static ssize_t file_read(const char *path, char text[TEXT_MAX], char *why, size_t why_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = -EACCES;
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0)
		snprintf(why, why_size, "can't open %.200s: %s", path, strerror(errno));
	else if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != 0 || st.st_mode & 077)
		snprintf(why, why_size,
			 "%.200s can be read by others than root; chown root and chmod 600 it",
			 path);
	else
		n = read(fd, text, TEXT_MAX - 1);
	if (fd >= 0)
		close(fd);
	return n;
}

/* The node's, as the one line of a file. */
static ssize_t node_read(const struct device *device, char text[TEXT_MAX])
{
	char *node = store_read(&device->sup->store, "%s/vncpasswd", device->path);
	int n = node && *node ? snprintf(text, VNC_PASSWORD_MAX, "%s", node) : 0;

	free(node);
	return n < VNC_PASSWORD_MAX ? n : VNC_PASSWORD_MAX - 1;
}

static int memory_file(const char *text, size_t n)
{
	int fd = memfd_create("passwords", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (write(fd, text, n) == (ssize_t)n)
		return fd;
	close(fd);
	return -EIO;
}

int password_open(struct device *device, char *why, size_t why_size)
{
	char *name = store_read(&device->sup->store, "/local/domain/%u/name", device->guest->domid);
	char path[PATH_MAX], text[TEXT_MAX];
	ssize_t n = -ENOENT;
	int fd;

	if (name_is_safe(name)) {
		snprintf(path, sizeof(path), "%s/%s.password", pvfb_options.password_dir, name);
		n = file_read(path, text, why, why_size);
	}
	free(name);
	if (n == -ENOENT)
		n = node_read(device, text);
	if (n < 0)
		return (int)n;
	fd = memory_file(text, (size_t)n);
	explicit_bzero(text, sizeof(text));
	if (fd < 0)
		snprintf(why, why_size, "can't hand on its passwords: %s", strerror(-fd));
	return fd;
}
