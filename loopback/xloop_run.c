// SPDX-License-Identifier: MIT
/*
 * The verb run: a private host in a directory of its own.  It starts the hypervisor broker (hv) and
 * Debian's xenstored with the loopback's libraries in front, waits until both answer, writes what
 * xen-init-dom0 writes, runs CMD with the host's environment, and when CMD ends or a signal comes
 * it ends all that was started below it: first whatever CMD left, then the store, then the
 * hypervisor; then it removes the directory.
 *
 * All of it is in a network of its own (xloop_net.c).
 *
 * CMD stays in the terminal's foreground group, so Ctrl-C reaches it directly; the host's daemons
 * have sessions of their own and live until CMD is gone.  Nothing outside the directory is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loopback/xloop.h"

#define XENSTORED     "/usr/lib/xen-4.17/bin/xenstored"
#define START_MS      10000
#define CMD_POLITE_MS 5000

enum {
	HV,
	STORED,
	CMD,
	CHILDREN
};

struct run {
	char dir[PATH_MAX];
	bool keep;
	char **argv; /* CMD */
	int sigfd;
	sigset_t old_mask;
	struct child child[CHILDREN];
	int signal;	    /* that ended the run, or 0 */
	int64_t kill_after; /* when CMD, having been signalled, is killed; ms */
};

/* ---- the directory ---- */

static int dir_make(struct run *r, const char *wanted)
{
	const char *tmp = getenv("TMPDIR");

	if (wanted) {
		if (mkdir(wanted, 0700) && errno != EEXIST)
			goto fail;
		if (!realpath(wanted, r->dir))
			goto fail;
		/* rmdir() tells an empty directory from one with somebody's files. */
		if (rmdir(r->dir) || mkdir(r->dir, 0700))
			goto fail;
	} else {
		int n = snprintf(r->dir, sizeof(r->dir), "%s/xloop.XXXXXX",
				 tmp && *tmp ? tmp : "/tmp");

		wanted = r->dir;
		if (n >= (int)sizeof(r->dir) || !mkdtemp(r->dir))
			goto fail;
	}
	if (strlen(r->dir) <= XLOOP_DIR_MAX)
		return 0;
	say("the directory's name \"%s\" is longer than %d bytes, too long for unix sockets; give "
	    "a "
	    "shorter one with --dir or TMPDIR",
	    r->dir, XLOOP_DIR_MAX);
	rmdir(r->dir);
	return -ENAMETOOLONG;
fail:
	say("cannot make the host's directory \"%s\": %s", wanted, strerror(errno));
	return -errno;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path) && errno != ENOENT ? -1 : 0;
}

/* A command that was killed may have left a mount; walking into it would remove the guest's files.
 */
static void unmount_below(const char *dir)
{
	char line[PATH_MAX * 2], point[PATH_MAX];
	FILE *f = fopen("/proc/self/mountinfo", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*s %*s %*s %4095s", point) == 1 &&
		    !strncmp(point, dir, strlen(dir)) && point[strlen(dir)] == '/')
			umount2(point, MNT_DETACH);
	if (f)
		fclose(f);
}

static void dir_remove(const struct run *r)
{
	if (r->keep) {
		say("kept the host's directory %s", r->dir);
		return;
	}
	unmount_below(r->dir);
	if (nftw(r->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT))
		say("cannot remove all of %s: %s", r->dir, strerror(errno));
}

/* ---- the environment ---- */

static void env_prepend(const char *name, const char *dir)
{
	const char *old = getenv(name);
	char *value;

	if (asprintf(&value, "%s%s%s", dir, old && *old ? ":" : "", old ? old : "") < 0)
		return;
	setenv(name, value, 1);
	free(value);
}

static int env_make(const struct run *r)
{
	char path[PATH_MAX], run_dir[PATH_MAX], *slash;
	int rc = host_file(path, "lib");

	if (rc)
		return rc;
	env_prepend("LD_LIBRARY_PATH", path);
	slash = strrchr(path, '/');
	*slash = '\0';
	env_prepend("PATH", path);
	unsetenv("XLOOP_DOMID");
	setenv("XLOOP_DIR", r->dir, 1);
	snprintf(path, sizeof(path), "%.*s/xenstored", XLOOP_DIR_MAX, r->dir);
	if (mkdir(path, 0700))
		return -errno;
	setenv("XENSTORED_RUNDIR", path, 1);
	snprintf(run_dir, sizeof(run_dir), "%.*s/halfback", XLOOP_DIR_MAX, r->dir);
	setenv("HALFBACK_RUN_DIR", run_dir, 1);
	strcat(path, "/socket");
	setenv("XENSTORED_PATH", path, 1);
	return 0;
}

/* ---- starting ---- */

/* A bare connect: hv_open() would complain about a hypervisor that is only just starting. */
static bool hv_answers(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return false;
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%.*s/" HV_SOCKET_NAME, XLOOP_DIR_MAX,
		 getenv("XLOOP_DIR"));
	rc = connect(fd, (struct sockaddr *)&sa, sizeof(sa));
	close(fd);
	return rc == 0;
}

static bool store_answers(void)
{
	struct xs_handle *xs = xs_open(XS_OPEN_SOCKETONLY);
	char *value = xs ? xs_read(xs, XBT_NULL, "/", NULL) : NULL;
	bool ok = value || (xs && errno == ENOENT);

	free(value);
	if (xs)
		xs_close(xs);
	return ok;
}

static int note_pid(const struct run *r, const struct child *c)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%.*s/%s.pid", XLOOP_DIR_MAX, r->dir, c->name);
	f = fopen(path, "we");
	if (!f)
		return -errno;
	fprintf(f, "%d\n", (int)c->pid);
	return fclose(f) ? -errno : 0;
}

static void show_log(const char *log)
{
	char line[512];
	FILE *f = fopen(log, "re");

	while (f && fgets(line, sizeof(line), f))
		fprintf(stderr, "  %s", line);
	if (f)
		fclose(f);
}

/* Starts one of the host's daemons and waits until it ANSWERS. */
static int start_daemon(struct run *r, int which, char *const argv[], const char *preload,
			bool (*answers)(void))
{
	struct child *c = &r->child[which];
	char log[PATH_MAX];
	int rc;

	snprintf(log, sizeof(log), "%.*s/%s.log", XLOOP_DIR_MAX, r->dir, c->name);
	rc = child_daemon(c, argv, log, preload);
	if (rc)
		return rc;
	for (int ms = 0; ms < START_MS && c->pid; ms += 5) {
		if (answers())
			return note_pid(r, c);
		poll(NULL, 0, 5);
		children_reap(r->child, CHILDREN);
	}
	say("%s %s; its log:", argv[0], c->pid ? "does not answer" : "ended at once");
	show_log(log);
	return -EIO;
}

static int start_host(struct run *r)
{
	char hv[PATH_MAX], preload[PATH_MAX], stored[] = XENSTORED, nofork[] = "-N";
	char *hv_argv[] = {hv, r->dir, NULL}, *stored_argv[] = {stored, nofork, NULL};
	int rc = host_file(hv, "hv");

	if (!rc)
		rc = host_file(preload, "lib/libxenctrl-preload.so");
	if (!rc && access(stored, X_OK)) {
		say("%s is not there; install the package xen-utils-4.17 (or run `make deps`)",
		    stored);
		rc = -ENOENT;
	}
	if (!rc)
		rc = start_daemon(r, HV, hv_argv, NULL, hv_answers);
	if (!rc)
		rc = start_daemon(r, STORED, stored_argv, preload, store_answers);
	return rc;
}

/* What xen-init-dom0 writes. */
static int init_dom0(void)
{
	struct xs_handle *xs = xs_open(XS_OPEN_SOCKETONLY);
	bool ok = xs && xs_write(xs, XBT_NULL, "/local/domain/0/domid", "0", 1) &&
		  xs_write(xs, XBT_NULL, "/local/domain/0/name", "Domain-0", 8);

	if (!ok)
		say("cannot write dom0's nodes: %s", strerror(errno));
	if (xs)
		xs_close(xs);
	return ok ? 0 : -EIO;
}

static int start_cmd(struct run *r)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		sigprocmask(SIG_SETMASK, &r->old_mask, NULL);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		execvp(r->argv[0], r->argv);
		say("cannot run \"%s\": %s", r->argv[0], strerror(errno));
		_exit(errno == ENOENT ? XLOOP_NOCMD : XLOOP_NOEXEC);
	}
	r->child[CMD].pid = pid;
	return 0;
}

/* ---- running ---- */

static void signals_take(struct run *r)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, &r->old_mask);
	r->sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static void pass_signal(struct run *r, int sig)
{
	bool again = r->signal != 0;

	r->signal = sig;
	if (!r->child[CMD].pid)
		return;
	kill(r->child[CMD].pid, again ? SIGKILL : sig);
	if (!again)
		r->kill_after = clock_ms() + CMD_POLITE_MS;
}

static void supervise(struct run *r)
{
	struct pollfd pfd = {.fd = r->sigfd, .events = POLLIN};
	bool had_store = true;
	struct signalfd_siginfo si;

	while (r->child[CMD].pid && r->child[HV].pid) {
		poll(&pfd, 1, r->signal ? 100 : -1);
		if (r->signal && clock_ms() > r->kill_after)
			kill(r->child[CMD].pid, SIGKILL);
		while (read(r->sigfd, &si, sizeof(si)) == sizeof(si))
			if (si.ssi_signo != SIGCHLD)
				pass_signal(r, (int)si.ssi_signo);
		children_reap(r->child, CHILDREN);
		if (had_store && !r->child[STORED].pid)
			say("xenstored ended; the host goes on without a store");
		had_store = r->child[STORED].pid != 0;
	}
	if (!r->child[HV].pid)
		say("hv ended; without a hypervisor the host is over (its log is %s/hv.log)",
		    r->dir);
}

static int exit_status(const struct run *r)
{
	int status = r->child[CMD].status;

	if (r->signal)
		return 128 + r->signal;
	if (r->child[CMD].pid)
		return XLOOP_WRAPPER;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int host_run(struct run *r)
{
	int rc = env_make(r);

	if (!rc)
		rc = net_host(r->dir);
	if (!rc)
		rc = start_host(r);
	if (!rc)
		rc = init_dom0();
	if (!rc)
		rc = start_cmd(r);
	if (!rc)
		supervise(r);
	rc = rc ? XLOOP_WRAPPER : exit_status(r);
	children_end(r->child, CMD, r->sigfd);
	child_end(&r->child[STORED]);
	child_end(&r->child[HV]);
	return rc;
}

int verb_run(int argc, char **argv)
{
	struct run r = {.child = {{.name = "hv"}, {.name = "xenstored"}, {.name = "command"}}};
	const char *dir = NULL;
	int i, rc;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "--keep"))
			r.keep = true;
		else if (!strcmp(argv[i], "--dir") && i + 1 < argc)
			dir = argv[++i];
		else
			return XLOOP_USAGE;
	}
	if (i + 1 >= argc)
		return XLOOP_USAGE;
	r.argv = argv + i + 1;
	if (dir_make(&r, dir))
		return XLOOP_WRAPPER;
	signals_take(&r);
	rc = host_run(&r);
	dir_remove(&r);
	return rc;
}
