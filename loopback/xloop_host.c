// SPDX-License-Identifier: MIT
/*
 * The private host that this process runs in: its directory and store, where the sibling programs
 * and hotplug scripts are, and how a guest is found by what the user typed.
 *
 * Owns one store connection and one hypervisor connection per process.  It never starts anything.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loopback/xloop.h"

/* The directory of this executable, or what XLOOP_BUILD says. */
static int build_dir(char dir[PATH_MAX])
{
	const char *env = getenv("XLOOP_BUILD");
	char *slash;
	ssize_t n;

	if (env && *env)
		return realpath(env, dir) ? 0 : -errno;
	n = readlink("/proc/self/exe", dir, PATH_MAX - 1);
	if (n < 0)
		return -errno;
	dir[n] = '\0';
	slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	return 0;
}

/* Appends /NAME; the result is cut never: too long is an error. */
static int path_append(char path[PATH_MAX], const char *name)
{
	size_t len = strlen(path);
	int n = snprintf(path + len, PATH_MAX - len, "%s%s", *name ? "/" : "", name);

	return n < 0 || (size_t)n >= PATH_MAX - len ? -ENAMETOOLONG : 0;
}

int host_file(char path[PATH_MAX], const char *name)
{
	int rc = build_dir(path);

	if (!rc)
		rc = path_append(path, name);
	if (!rc && access(path, F_OK))
		rc = -errno;
	if (rc)
		say("cannot find \"%s\" beside xloop (%s); build it with `make`, or point "
		    "XLOOP_BUILD at the build directory",
		    name, strerror(-rc));
	return rc;
}

/* Where scripts/ is: beside the program (installed), or up the tree (build/, build/asan/). */
static int script_dir(char dir[PATH_MAX])
{
	static const char *const places[] = {"scripts", "../scripts", "../../scripts"};
	const char *env = getenv("XLOOP_SCRIPTS");
	char path[PATH_MAX];

	if (env && *env)
		return realpath(env, dir) ? 0 : -errno;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (build_dir(path) || path_append(path, places[i]))
			continue;
		if (realpath(path, dir))
			return 0;
	}
	return -ENOENT;
}

/* One that we do not have and Xen's tools have installed is theirs. */
static int script_path(char path[PATH_MAX], const char *name)
{
	char theirs[PATH_MAX] = "/etc/xen/scripts";
	int rc = script_dir(path);

	if (!rc)
		rc = path_append(path, name);
	if (!rc && access(path, F_OK) && !path_append(theirs, name) && !access(theirs, F_OK))
		strcpy(path, theirs);
	return rc;
}

int host_script(char path[PATH_MAX], const char *name)
{

	if (name[0] == '/') {
		if (strlen(name) >= PATH_MAX)
			return -ENAMETOOLONG;
		strcpy(path, name);
		return 0;
	}
	return script_path(path, name);
}

int host_open(struct host *h)
{
	memset(h, 0, sizeof(*h));
	h->dir = getenv("XLOOP_DIR");
	if (!h->dir || !*h->dir) {
		say("this is not inside a private host; start one with: xloop run -- CMD");
		return -ENOENT;
	}
	if (getenv("XLOOP_DOMID")) {
		say("this is inside guest %s; the toolstack's verbs belong in dom0",
		    getenv("XLOOP_DOMID"));
		return -EPERM;
	}
	h->hv = hv_open();
	if (!h->hv) {
		say("cannot reach the hypervisor of the host %s: %s", h->dir, strerror(errno));
		return -EIO;
	}
	h->xs = xs_open(0);
	if (!h->xs) {
		say("cannot reach xenstored of the host %s: %s", h->dir, strerror(errno));
		host_close(h);
		return -EIO;
	}
	return 0;
}

void host_close(struct host *h)
{
	if (h->xs)
		xs_close(h->xs);
	if (h->hv)
		hv_close(h->hv);
	h->xs = NULL;
	h->hv = NULL;
}

static bool domain_is_live(struct host *h, uint32_t domid)
{
	char *path = store_read(h, XBT_NULL, "/local/domain/%u/domid", domid);

	free(path);
	return path != NULL;
}

static int guest_by_name(struct host *h, const char *name)
{
	unsigned int n = 0;
	char **ids = xs_directory(h->xs, XBT_NULL, "/local/domain", &n);
	int found = -ENOENT;

	for (unsigned int i = 0; ids && i < n && found < 0; i++) {
		char *is = store_read(h, XBT_NULL, "/local/domain/%s/name", ids[i]);

		if (is && !strcmp(is, name))
			found = atoi(ids[i]);
		free(is);
	}
	free(ids);
	return found;
}

int host_guest(struct host *h, const char *guest)
{
	char *end;
	unsigned long n = strtoul(guest, &end, 10);
	int domid = -ENOENT;

	if (*guest >= '0' && *guest <= '9' && !*end) {
		if (n < XLOOP_DOMID_MAX && domain_is_live(h, (uint32_t)n))
			domid = (int)n;
	} else {
		domid = guest_by_name(h, guest);
	}
	if (domid == 0) {
		say("\"%s\" is dom0, not a guest", guest);
		return -EINVAL;
	}
	if (domid < 0)
		say("there is no guest \"%s\"; `xloop list` shows which there are", guest);
	return domid;
}

int host_wait_ms(const char *name, int default_ms)
{
	const char *env = getenv(name);
	char *end;
	long ms;

	if (!env || !*env)
		return default_ms;
	ms = strtol(env, &end, 10);
	if (*end || ms < 0 || ms > INT_MAX) {
		say("%s=\"%s\" is not a number of milliseconds; using %d", name, env, default_ms);
		return default_ms;
	}
	return (int)ms;
}
