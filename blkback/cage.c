// SPDX-License-Identifier: MIT
/*
 * blkback --cage: where QEMU's tools read images that a guest may have written.  As in a worker's
 * sandbox there is no network, no other process, no privilege to gain; but the programs need their
 * libraries, so /usr is there, read-only.  And the image, at its own path; and, if the admin said
 * so, the directory of backing files, read-only.  What else a hostile image names is not there.
 *
 * One capability is left, CAP_DAC_OVERRIDE: the tools open the image by its name, and it belongs to
 * somebody else.  It reaches no further than the files above.
 */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "blkback/qemu.h"
#include "common/child.h"

enum {
	CAGE_IMAGE = CHILD_FD + 1, /* the image, open; and its lock, which lasts as long as we do */
	MEMORY_MAX_GIB = 4,
};

/* What is to be seen within, as mounts of their own. */
struct cage_trees {
	int image, backing;
};

static const char cage[] = "/tmp"; /* the root to be */

/* Where `name` is in the cage, as long as that is no root yet. */
static int cage_path(char *path, size_t size, const char *name)
{
	int n = snprintf(path, size, "%s%s", cage, name);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* All directories above the last name of `path`, which is absolute, below the cage. */
static int make_parents(char *path)
{
	for (char *at = path + strlen(cage) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST) {
			*at = '/';
			return -errno;
		}
		*at = '/';
	}
	return 0;
}

static int mount_limit(const char *at, bool read_only)
{
	unsigned long flags = MS_REMOUNT | MS_BIND | MS_NOSUID | (read_only ? MS_RDONLY : 0);

	return mount(NULL, at, NULL, flags, NULL) < 0 ? -errno : 0;
}

/* The directory that `tree` is a mount of, read-only. */
static int attach_directory(int tree, const char *dir)
{
	char to[PATH_MAX];
	int err = cage_path(to, sizeof(to), dir);

	if (err == 0)
		err = make_parents(to);
	if (err == 0 && mkdir(to, 0755) < 0 && errno != EEXIST)
		err = -errno;
	if (err == 0 && move_mount(tree, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		err = -errno;
	return err == 0 ? mount_limit(to, true) : err;
}

static int clone_tree(int at, const char *path)
{
	int tree = open_tree(at, path, AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	return tree < 0 ? -errno : tree;
}

static int bind_directory(const char *dir)
{
	int tree = clone_tree(AT_FDCWD, dir);
	int err = tree < 0 ? tree : attach_directory(tree, dir);

	if (tree >= 0)
		close(tree);
	return err;
}

/* `tree` is the image as a mount of its own; it is a file that is meant, whatever its name means.
 */
static int bind_image(int tree, const char *image, bool read_only)
{
	char to[PATH_MAX];
	int err = cage_path(to, sizeof(to), image), fd;

	if (err == 0 && access(to, F_OK) < 0) { /* else it is in the directory of backing files */
		err = make_parents(to);
		fd = err == 0 ? open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
		if (err == 0 && fd < 0)
			err = -errno;
		if (fd >= 0)
			close(fd);
	}
	if (err == 0 && move_mount(tree, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		err = -errno;
	return err == 0 ? mount_limit(to, read_only) : err;
}

/* /lib64 and its like: links into /usr, or directories where /usr is not merged. */
static int bind_libraries(void)
{
	static const char *const names[] = {"/lib", "/lib64"};
	char to[64], link[64];
	int err = bind_directory("/usr");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && err == 0; i++) {
		ssize_t n = readlink(names[i], link, sizeof(link) - 1);

		if (n < 0) {
			err = access(names[i], F_OK) < 0 ? 0 : bind_directory(names[i]);
			continue;
		}
		link[n] = '\0';
		snprintf(to, sizeof(to), "%s%s", cage, names[i]);
		err = symlink(link, to) < 0 ? -errno : 0;
	}
	return err;
}

/* QEMU tries on it whether there are OFD locks; without, it would not lock the image. */
static int bind_null(void)
{
	static const char dev[] = "/tmp/dev", null[] = "/tmp/dev/null";
	int fd;

	if (mkdir(dev, 0755) < 0)
		return -errno;
	fd = open(null, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	close(fd);
	return mount("/dev/null", null, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

static int cage_root(const struct cage_trees *trees, const char *image, bool read_only,
		     const char *backing)
{
	int err;

	if (mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) < 0 ||
	    mount("none", cage, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "nr_inodes=256,size=64k,mode=755") < 0)
		return -errno;
	err = bind_libraries();
	if (err == 0)
		err = bind_null();
	if (err == 0 && *backing)
		err = attach_directory(trees->backing, backing);
	if (err == 0)
		err = bind_image(trees->image, image, read_only);
	if (err < 0)
		return err;
	if (mount(NULL, cage, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) <
	    0)
		return -errno;
	/* pivot_root(2), NOTES: with "." for both, the old root is stacked on top of the new. */
	if (chdir(cage) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	return 0;
}

static int cage_limits(void)
{
	const struct rlimit none = {0, 0}, files = {128, 128},
			    memory = {(rlim_t)MEMORY_MAX_GIB << 30, (rlim_t)MEMORY_MAX_GIB << 30};

	if (setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_NOFILE, &files) < 0 ||
	    setrlimit(RLIMIT_AS, &memory) < 0)
		return -errno;
	return 0;
}

static int cage_user(uid_t uid)
{
	capng_clear(CAPNG_SELECT_ALL);
	if (capng_updatev(CAPNG_ADD,
			  CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE |
				  CAPNG_BOUNDING_SET | CAPNG_AMBIENT,
			  CAP_DAC_OVERRIDE, -1) < 0 ||
	    capng_apply(CAPNG_SELECT_BOUNDS) < 0 || setgroups(0, NULL) < 0 ||
	    setresgid(uid, uid, uid) < 0 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 ||
	    setresuid(uid, uid, uid) < 0 || capng_apply(CAPNG_SELECT_CAPS) < 0 ||
	    capng_apply(CAPNG_SELECT_AMBIENT) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -EPERM;
	return 0;
}

int cage_main(int argc, char **argv)
{
	/* systemd's socket activation: the first descriptor after stderr is the listening one. */
	char pid[32];
	const char *const env[] = {pid, "LISTEN_FDS=1", "LC_ALL=C", "PATH=/usr/bin", NULL};
	struct cage_trees trees;
	int err;

	if (argc < 8 || strcmp(argv[6], "--") != 0)
		return 2;
	/* While we are in the namespace in which it was opened, and nothing hides them. */
	trees.image = clone_tree(CAGE_IMAGE, "");
	trees.backing = *argv[5] ? clone_tree(AT_FDCWD, argv[5]) : 0;
	err = trees.image < 0 ? trees.image : trees.backing < 0 ? trees.backing : 0;
	if (err == 0 && unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
		err = -errno;
	if (err == 0)
		err = cage_root(&trees, argv[4], strcmp(argv[3], "ro") == 0, argv[5]);
	if (err == 0)
		err = cage_user((uid_t)strtoul(argv[2], NULL, 10));
	if (err == 0)
		err = cage_limits(); /* last: they are QEMU's, not ours */
	if (err < 0) {
		fprintf(stderr, "can't make its cage: %s\n", strerror(-err));
		return 1;
	}
	snprintf(pid, sizeof(pid), "LISTEN_PID=%d", (int)getpid());
	execve(argv[7], argv + 7, (char *const *)(uintptr_t)env);
	fprintf(stderr, "%s can't be run: %s; install qemu-utils\n", argv[7], strerror(errno));
	return 1;
}
