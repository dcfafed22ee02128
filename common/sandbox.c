// SPDX-License-Identifier: MIT
/*
 * What a worker gives up before it looks at anything a guest wrote.  The order matters: each step
 * needs what a later one takes away.
 *
 *   namespaces   needs CAP_SYS_ADMIN
 *   empty root   needs CAP_SYS_ADMIN; afterwards there is no path to open
 *   user id      needs CAP_SETUID; a uid of its own, so that no worker can signal or trace another
 *   capabilities none left, in no set
 *   no_new_privs nothing that it could execute would give any back
 *   system calls but those that the rest of its life needs (filter.c)
 *
 * There is no user namespace: it would only give capabilities back.  Nor a pid namespace, in which
 * the first process takes no SIGABRT: no call that names another process is left.
 */
#include "common/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	FILES_MAX = 4096,     /* a disk takes 3, and 1 for each queue */
	THREADS_LIMIT = 4096, /* of a user, and so of a worker; io_uring's count, too */
	THREAD_DATA_GIB = 5,  /* as many rings as it has ports for, with the largest buffers */
};

/* A tmpfs with room for nothing becomes the root; the old one is let go. */
static int sandbox_root(void)
{
	if (mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) < 0)
		return -errno;
	if (mount("none", "/tmp", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "nr_inodes=2,size=4k,mode=555") < 0)
		return -errno;
	if (chdir("/tmp") < 0)
		return -errno;
	/* pivot_root(2), NOTES: with "." for both, the old root is stacked on top of the new. */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return -errno;
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	return 0;
}

/* Lowers a limit; one that is lower stays. */
static int limit_set(int resource, rlim_t value)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0)
		return -errno;
	if (limit.rlim_max > value)
		limit.rlim_max = value;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(resource, &limit) < 0 ? -errno : 0;
}

int sandbox_limits(uint32_t threads)
{
	int err = limit_set(RLIMIT_NOFILE, FILES_MAX);

	if (err == 0)
		err = limit_set(RLIMIT_NPROC, THREADS_LIMIT);
	/* Private memory: a sanitizer's shadow is terabytes of it, though it uses few. */
	if (err == 0 && !SANITIZED)
		err = limit_set(RLIMIT_DATA, (rlim_t)threads * THREAD_DATA_GIB << 30);
	return err;
}

int sandbox_user(uid_t uid)
{
	/* No core image of guest data. */
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	/* While CAP_SETPCAP is there, which goes with the user. */
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(CAPNG_SELECT_BOUNDS) < 0)
		return -EPERM;
	if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return -EPERM;
	/* No other process of this user, which there should be none of, looks into this one. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

int sandbox_enter(uid_t uid)
{
	int err;

	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
		return -errno;
	err = sandbox_root();
	return err < 0 ? err : sandbox_user(uid);
}
