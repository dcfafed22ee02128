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

int sandbox_user(uid_t uid)
{
	/* A worker makes no file, no core image of guest data, and no process. */
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
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
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
