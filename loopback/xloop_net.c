// SPDX-License-Identifier: MIT
/*
 * The networks: one of the host's own, in which backends' taps and bridges live, and one of each
 * guest's, which its programs share.  They are network namespaces that nothing holds but the
 * processes in them, so they end with those, and nothing of the machine's own network is touched.
 *
 * The host has a mount namespace, too: /sys shows its own network, and what hotplug scripts write
 * (their log and locks) goes to the host's directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loopback/xloop.h"

/* A new namespace's lo is down. */
static int lo_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, SIOCGIFFLAGS, &ifr))
		rc = -errno;
	ifr.ifr_flags |= IFF_UP;
	if (!rc && ioctl(fd, SIOCSIFFLAGS, &ifr))
		rc = -errno;
	close(fd);
	return rc;
}

int net_new(void)
{
	return unshare(CLONE_NEWNET) ? -errno : lo_up();
}

/* What is written to PLACE goes to DIR/NAME; a place that the machine has not needs no other. */
static int divert(const char *dir, const char *name, const char *place)
{
	char path[PATH_MAX];

	if (access(place, F_OK))
		return 0;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	return mount(path, place, NULL, MS_BIND, NULL) ? -errno : 0;
}

/* /sys anew, for it shows the network that it was mounted in; with the control groups below it. */
static int sys_mount(void)
{
	static const char groups[] = "/sys/fs/cgroup";
	int fd = open(groups, O_PATH | O_DIRECTORY | O_CLOEXEC), rc = 0;
	char from[64];

	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	if (mount("sysfs", "/sys", "sysfs", 0, NULL))
		rc = -errno;
	if (!rc && fd >= 0 && mount(from, groups, NULL, MS_BIND | MS_REC, NULL))
		rc = -errno;
	if (fd >= 0)
		close(fd);
	return rc;
}

int net_host(const char *dir)
{
	int rc = net_new();

	if (!rc && (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)))
		rc = -errno;
	if (!rc)
		rc = sys_mount();
	if (!rc)
		rc = divert(dir, "xen-log", "/var/log/xen");
	if (!rc)
		rc = divert(dir, "xen-hotplug", "/run/xen-hotplug");
	if (rc)
		say("cannot give the host a network of its own: %s; this needs root and a kernel "
		    "with network namespaces",
		    strerror(-rc));
	return rc;
}

int net_enter(pid_t pid)
{
	char path[64];
	int fd, rc;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = setns(fd, CLONE_NEWNET) ? -errno : 0;
	close(fd);
	return rc;
}
