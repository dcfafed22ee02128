// SPDX-License-Identifier: MIT
/*
 * Helpers of the supervisor do what it must not do itself: wait for a network, or read bytes that
 * somebody hostile wrote.  Each is this program, executed again, so it holds nothing of the
 * supervisor's but the descriptors in its plan.  What it prints is kept, up to a limit: it may be
 * the only reason there is.
 *
 * A helper may be captured.  Nothing here believes what it says; it is text.
 */
#include "common/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child.  Only async-signal-safe calls: libxenstore has a thread. */
static void child_exec(const struct child_plan *plan, int output)
{
	int fds[CHILD_FDS_MAX];
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
		_exit(127);
	/* First out of the way of each other's numbers. */
	for (int i = 0; i < plan->nfds; i++) {
		fds[i] = fcntl(plan->fds[i], F_DUPFD, CHILD_FD + CHILD_FDS_MAX);
		if (fds[i] < 0)
			_exit(127);
	}
	for (int i = 0; i < plan->nfds; i++)
		if (dup2(fds[i], CHILD_FD + i) < 0)
			_exit(127);
	close_range((unsigned int)(CHILD_FD + plan->nfds), ~0u, 0);
	execv(plan->program ? plan->program : "/proc/self/exe",
	      (char *const *)(uintptr_t)plan->argv);
	_exit(127);
}

/* All that is there; what does not fit is dropped. */
static void child_listen(struct child *child)
{
	char buf[1024];
	ssize_t n;

	while ((n = read(child->output, buf, sizeof(buf))) > 0) {
		size_t room = sizeof(child->said) - 1 - child->said_len;
		size_t take = (size_t)n < room ? (size_t)n : room;

		memcpy(child->said + child->said_len, buf, take);
		child->said_len += take;
	}
	child->said[child->said_len] = '\0';
}

static void child_output(void *arg, int events)
{
	struct child *child = arg;

	child_listen(child);
	if (events & POLLHUP) {
		loop_poll_del(child->loop, child->output_poll);
		child->output_poll = NULL;
	}
}

static void child_forget(struct child *child)
{
	loop_poll_del(child->loop, child->pid_poll);
	loop_poll_del(child->loop, child->output_poll);
	child->pid_poll = child->output_poll = NULL;
	close(child->pidfd);
	close(child->output);
	child->pid = 0;
}

static void child_reap(void *arg, int events)
{
	struct child *child = arg;
	int status = 0;

	(void)events;
	if (waitpid(child->pid, &status, WNOHANG) != child->pid)
		return;
	child_listen(child);
	child_forget(child);
	child->ended(child, status);
}

int child_start(struct child *child, struct loop *loop, const struct child_plan *plan)
{
	int pipefd[2], pidfd = -1;
	long pid;

	if (pipe2(pipefd, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	pid = syscall(SYS_clone, SIGCHLD | CLONE_PIDFD | (plan->own_pids ? CLONE_NEWPID : 0), NULL,
		      &pidfd, NULL, NULL);
	if (pid == 0)
		child_exec(plan, pipefd[1]);
	close(pipefd[1]);
	if (pid < 0) {
		close(pipefd[0]);
		return -errno;
	}
	child->loop = loop;
	child->pid = (int)pid;
	child->pidfd = pidfd;
	child->output = pipefd[0];
	child->said_len = 0;
	child->said[0] = '\0';
	child->pid_poll = loop_poll_add(loop, pidfd, child_reap, child);
	child->output_poll = loop_poll_add(loop, child->output, child_output, child);
	return 0;
}

void child_signal(const struct child *child, int sig)
{
	if (child->pid > 0)
		kill(child->pid, sig);
}

void child_drop(struct child *child)
{
	if (child->pid == 0)
		return;
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
	child_forget(child);
}

const char *child_last_line(struct child *child)
{
	char *end = child->said + child->said_len, *line;

	while (end > child->said && (end[-1] == '\n' || end[-1] == '\r'))
		*--end = '\0';
	line = strrchr(child->said, '\n');
	return line ? line + 1 : child->said;
}
