// SPDX-License-Identifier: MIT
/*
 * A private hv for a test program.  It is found beside the program's directory, runs in a
 * temporary one and is ended, by its pid, with the group of tests.
 *
 * Handles of several domains live in this one process, so no test may destroy a domain that
 * this process has a handle of: hv would kill the test.
 */
#include <errno.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "tests/unit/hvhost.h"

struct hv *host;
const char *host_dir;
uint32_t child_word;
static char dir[] = "/tmp/hvtest.XXXXXX";
static pid_t hv_pid;
static int ready_pipe[2];

static void hv_exec(void)
{
	char path[512], exe[400];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	exe[len < 0 ? 0 : len] = '\0';
	snprintf(path, sizeof(path), "%s/../hv", dirname(exe));
	execl(path, "hv", dir, (char *)NULL);
	_exit(127);
}

int host_start(void **state)
{
	struct stat st;
	char path[64];
	int tries;

	(void)state;
	alarm(100); /* a lost event shows as a hang */
	if (!mkdtemp(dir))
		return -1;
	host_dir = dir;
	hv_pid = fork();
	if (!hv_pid)
		hv_exec();
	snprintf(path, sizeof(path), "%s/" HV_SOCKET_NAME, dir);
	for (tries = 0; tries < 500 && stat(path, &st) < 0; tries++)
		usleep(10000);
	setenv("XLOOP_DIR", dir, 1);
	unsetenv("XLOOP_DOMID");
	host = hv_open();
	return host ? 0 : -1;
}

int host_stop(void **state)
{
	int status;

	(void)state;
	hv_close(host);
	kill(hv_pid, SIGTERM);
	waitpid(hv_pid, &status, 0);
	if (rmdir(dir) < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
		return -1;
	return 0;
}

uint32_t guest_new(void)
{
	uint32_t domid, port;

	assert_int_equal(hv_domain_create(host, 4, &domid, &port), 0);
	return domid;
}

struct hv_stats stats_of(uint32_t domid)
{
	struct hv_stats s;

	assert_int_equal(hv_domain_stats(host, domid, &s), 0);
	return s;
}

static void domain_set(uint32_t domid)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", domid);
	setenv("XLOOP_DOMID", text, 1);
}

xenevtchn_handle *evtchn_as(uint32_t domid)
{
	xenevtchn_handle *h;

	domain_set(domid);
	h = xenevtchn_open(NULL, 0);
	assert_non_null(h);
	return h;
}

xengnttab_handle *gnttab_as(uint32_t domid)
{
	xengnttab_handle *h;

	domain_set(domid);
	h = xengnttab_open(NULL, 0);
	assert_non_null(h);
	return h;
}

xengntshr_handle *gntshr_as(uint32_t domid)
{
	xengntshr_handle *h;

	domain_set(domid);
	h = xengntshr_open(NULL, 0);
	assert_non_null(h);
	return h;
}

xenforeignmemory_handle *fmem_as(uint32_t domid)
{
	xenforeignmemory_handle *h;

	domain_set(domid);
	h = xenforeignmemory_open(NULL, 0);
	assert_non_null(h);
	return h;
}

int fd_ready(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

void event_drain(xenevtchn_handle *xce)
{
	int port;

	while (fd_ready(xenevtchn_fd(xce))) {
		port = xenevtchn_pending(xce);
		assert_true(port > 0);
		assert_int_equal(xenevtchn_unmask(xce, (evtchn_port_t)port), 0);
	}
}

pid_t child_start(int (*fn)(void *arg), void *arg)
{
	pid_t pid;

	assert_int_equal(pipe(ready_pipe), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready_pipe[0]);
		_exit(fn(arg));
	}
	close(ready_pipe[1]);
	assert_int_equal(read(ready_pipe[0], &child_word, sizeof(child_word)), sizeof(child_word));
	close(ready_pipe[0]);
	return pid;
}

void child_ready(uint32_t word)
{
	if (write(ready_pipe[1], &word, sizeof(word)) < 0)
		_exit(126);
	close(ready_pipe[1]);
}

int child_wait(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

/*
 * The kernel has closed the child's sockets before it can be reaped, so hv sees their end
 * before it sees this request of a list.
 */
void child_kill(pid_t pid)
{
	uint32_t domid;
	int i;

	kill(pid, SIGKILL);
	child_wait(pid);
	for (i = 0; i < 16; i++)
		assert_true(hv_domain_list(host, &domid, 1) > 0);
}
