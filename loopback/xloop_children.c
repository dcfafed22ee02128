// SPDX-License-Identifier: MIT
/*
 * The processes `xloop run` answers for.  It is the subreaper of all it started, so whatever a
 * command left running becomes its child and is found by its parent's number in /proc; ending goes
 * by rounds until none is left: a polite signal first, SIGKILL to what is still there after a
 * while.
 *
 * Signals go only to children that this process has not reaped, so a number cannot belong to a
 * stranger.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loopback/xloop.h"

#define POLITE_MS    2000
#define CHILDREN_MAX 4096

void daemon_stdio(const char *log)
{
	int fd;

	fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0) {
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
	}
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		dup2(fd, STDIN_FILENO);
}

static void daemon_exec(char *const argv[], const char *log, const char *preload, pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The parent may have died before the line above. */
	if (getppid() != parent)
		_exit(XLOOP_WRAPPER);
	daemon_stdio(log);
	if (preload)
		setenv("LD_PRELOAD", preload, 1);
	execv(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(XLOOP_NOCMD);
}

int child_daemon(struct child *c, char *const argv[], const char *log, const char *preload)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		daemon_exec(argv, log, preload, parent);
	c->pid = pid;
	return 0;
}

void children_reap(struct child *c, int nc)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < nc; i++) {
			if (c[i].pid != pid)
				continue;
			c[i].pid = 0;
			c[i].status = status;
		}
	}
}

/* The parent's number in /proc/PID/stat, which comes after the name in parentheses and the state.
 */
static pid_t parent_of(const char *pid)
{
	char path[64], line[512], *p;
	int ppid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	p = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	if (p && sscanf(p + 1, " %*c %d", &ppid) != 1)
		ppid = 0;
	fclose(f);
	return ppid;
}

static bool is_kept(const struct child *keep, int nkeep, pid_t pid)
{
	for (int i = 0; i < nkeep; i++)
		if (keep[i].pid == pid)
			return true;
	return false;
}

/* Children that have had the polite signal; a full table only means that some get it again. */
static struct {
	pid_t pid[CHILDREN_MAX];
	int n;
} asked;

static bool ask_once(pid_t pid)
{
	for (int i = 0; i < asked.n; i++)
		if (asked.pid[i] == pid)
			return false;
	if (asked.n < CHILDREN_MAX)
		asked.pid[asked.n++] = pid;
	return true;
}

/* Asks every child that is not kept to end, or kills it; the count of those children. */
static int children_signal(const struct child *keep, int nkeep, bool kill_now)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	int n = 0;

	if (!proc)
		return 0;
	while ((e = readdir(proc))) {
		pid_t pid = atoi(e->d_name);

		if (pid <= 0 || parent_of(e->d_name) != getpid() || is_kept(keep, nkeep, pid))
			continue;
		if (kill_now)
			kill(pid, SIGKILL);
		else if (ask_once(pid))
			kill(pid, SIGTERM);
		n++;
	}
	closedir(proc);
	return n;
}

/* Waits for any signal, SIGCHLD above all; true when it was one that asks for haste. */
static bool signal_wait(int sigfd, int ms)
{
	struct pollfd pfd = {.fd = sigfd, .events = POLLIN};
	struct signalfd_siginfo si;
	bool haste = false;

	if (poll(&pfd, 1, ms) <= 0)
		return false;
	while (read(sigfd, &si, sizeof(si)) == sizeof(si))
		haste |= si.ssi_signo != SIGCHLD;
	return haste;
}

void children_end(struct child *keep, int nkeep, int sigfd)
{
	int64_t polite_until = clock_ms() + POLITE_MS;

	for (;;) {
		children_reap(keep, nkeep);
		if (children_signal(keep, nkeep, clock_ms() >= polite_until) == 0)
			return;
		if (signal_wait(sigfd, 50))
			polite_until = 0;
	}
}

void child_end(struct child *c)
{
	int64_t polite_until = clock_ms() + POLITE_MS;

	if (c->pid <= 0)
		return;
	kill(c->pid, SIGTERM);
	while (waitpid(c->pid, &c->status, WNOHANG) == 0) {
		if (clock_ms() >= polite_until)
			kill(c->pid, SIGKILL);
		poll(NULL, 0, 5);
	}
	c->pid = 0;
}
