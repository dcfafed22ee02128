// SPDX-License-Identifier: MIT
/*
 * The supervisor's guests: one worker for each, started when a device connects, listened to, reaped
 * and replaced.
 *
 * A worker is this same program, executed again: grant handles don't survive a fork (xengnttab.h),
 * and a fresh image holds nothing of other guests.
 */
#include "common/sup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/filter.h"
#include "common/worker.h"

struct guest *guest_get(struct sup *sup, uint16_t domid)
{
	struct guest *guest;

	for (guest = sup->guests; guest; guest = guest->next)
		if (guest->domid == domid && !guest->quitting)
			return guest;
	guest = calloc(1, sizeof(*guest));
	if (!guest)
		log_panic("out of memory");
	guest->sup = sup;
	guest->domid = domid;
	guest->pidfd = guest->chan = guest->program_fd = -1;
	guest->next = sup->guests;
	sup->guests = guest;
	return guest;
}

static void guest_free(struct guest *guest)
{
	loop_timer_del(&guest->sup->loop, guest->rest);
	if (guest->program_fd >= 0)
		close(guest->program_fd);
	for (struct guest **p = &guest->sup->guests; *p; p = &(*p)->next)
		if (*p == guest) {
			*p = guest->next;
			break;
		}
	if (guest->sup->stopping && !guest->sup->guests)
		guest->sup->loop.stop = true;
	free(guest);
}

void guest_put(struct guest *guest)
{
	struct chan_msg quit = {.type = CHAN_QUIT};

	if (--guest->devices > 0)
		return;
	if (guest->pid == 0) {
		guest_free(guest);
		return;
	}
	guest->quitting = true;
	if (guest_send(guest, &quit) < 0)
		kill(guest->pid, SIGKILL);
}

static void guest_each_device(struct guest *guest, void (*call)(struct device *))
{
	for (struct device *device = guest->sup->devices, *next; device; device = next) {
		next = device->next;
		if (device->guest == guest)
			call(device);
	}
}

static void guest_lost_worker(struct guest *guest)
{
	loop_poll_del(&guest->sup->loop, guest->pid_poll);
	loop_poll_del(&guest->sup->loop, guest->chan_poll);
	close(guest->pidfd);
	close(guest->chan);
	guest->pid_poll = guest->chan_poll = NULL;
	guest->pidfd = guest->chan = -1;
	guest->pid = 0;
	guest->due = 0;
	guest->deaf = false;
}

static void guest_look_again(struct device *device)
{
	device->dirty = true;
}

static void guest_rested(void *arg)
{
	struct guest *guest = arg;

	guest->rest = NULL;
	guest_each_device(guest, guest_look_again);
}

bool guest_rests(const struct guest *guest)
{
	return guest->rest != NULL;
}

/* Some device was served by the worker that died, and is to be by the next one. */
static bool guest_goes_on(const struct guest *guest)
{
	for (const struct device *device = guest->sup->devices; device; device = device->next)
		if (device->guest == guest && device->phase != DEVICE_CLOSING &&
		    (device->connected || device->phase == DEVICE_CONNECTING))
			return true;
	return false;
}

/* Its devices go on with another worker: at once, later, or not any more. */
static void guest_respawn(struct guest *guest, int status)
{
	struct sup *sup = guest->sup;
	bool asked = upgrade_ended(sup, guest);
	int ms = asked ? 0 : respawn_died(&guest->respawn, loop_now_ns(), sup->restarts);
	guest->crashed = !asked && (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL);
	guest->given_up = ms < 0;
	if (ms > 0 && !guest->rest)
		guest->rest = loop_timer_add(&sup->loop, (uint32_t)ms, guest_rested, guest);
	/* It enters its cage while we ask the store about its devices. */
	if (!sup->stopping && !guest->given_up && !guest_rests(guest) && guest_goes_on(guest))
		guest_worker(guest);
	guest_each_device(guest, device_worker_died);
}

static void guest_chan_ready(void *arg, int events);

/* The worker ended: as it was told, or not. */
static void guest_reap(void *arg, int events)
{
	struct guest *guest = arg;
	int status = 0;

	guest_chan_ready(guest, events); /* what it said before counts */
	if (waitpid(guest->pid, &status, WNOHANG) != guest->pid)
		return;
	if (WIFSIGNALED(status))
		log_error("the worker of guest %u was ended by signal %d (%s)%s", guest->domid,
			  WTERMSIG(status), strsignal(WTERMSIG(status)),
			  WTERMSIG(status) == SIGSYS ? ": " FILTER_DEATH : "");
	else if (WEXITSTATUS(status) != 0)
		log_error("the worker of guest %u ended with status %d", guest->domid,
			  WEXITSTATUS(status));
	guest_lost_worker(guest);
	if (guest->devices == 0)
		guest_free(guest);
	else
		guest_respawn(guest, status);
}

static struct device *guest_device(struct guest *guest, uint32_t number)
{
	for (struct device *device = guest->sup->devices; device; device = device->next)
		if (device->guest == guest && device->number == number)
			return device;
	return NULL;
}

/* How many messages of a worker's answer one of ours, at most. */
static uint32_t guest_answers(const struct guest *guest, const struct chan_msg *msg)
{
	switch (msg->type) {
	case CHAN_CONNECT:
		return 2; /* that it is connected, and later that its ring broke */
	case CHAN_QUIT:
		return guest->devices; /* each is closed */
	default:
		return 1;
	}
}

int guest_send(struct guest *guest, const struct chan_msg *msg)
{
	int err = chan_send(guest->chan, msg);

	if (err == 0)
		guest->due += guest_answers(guest, msg);
	return err;
}

/* NULL: its channel only broke.  Its end is told by its pidfd. */
static void guest_hear_no_more(struct guest *guest, const char *why)
{
	if (why)
		log_error("the worker of guest %u %s: its guest has captured it, or halfback has a "
			  "bug; it is killed, and another one goes on",
			  guest->domid, why);
	guest->deaf = true;
	loop_poll_del(&guest->sup->loop, guest->chan_poll);
	guest->chan_poll = NULL;
	kill(guest->pid, SIGKILL);
}

static void guest_hear(struct guest *guest, struct chan_msg *msg)
{
	struct device *device = guest_device(guest, msg->devid);

	msg->text[CHAN_TEXT_MAX - 1] = '\0';
	if (device)
		device_message(device, msg);
}

/*
 * A worker only answers, so what it can say is bounded by what it was told, and so is this loop:
 * one that says more, to keep us from other guests, has said enough.
 */
static void guest_chan_ready(void *arg, int events)
{
	struct guest *guest = arg;
	struct chan_msg msg;
	int n = 0;

	(void)events;
	while (guest->chan >= 0 && !guest->deaf && (n = chan_recv(guest->chan, &msg)) > 0) {
		/* A worker has no business sending us descriptors. */
		for (uint32_t i = 0; i < msg.nfds; i++)
			close(msg.fds[i]);
		if (guest->due == 0) {
			guest_hear_no_more(guest, "says more than it was asked");
			return;
		}
		guest->due--;
		guest_hear(guest, &msg);
	}
	if (n < 0 && guest->pid > 0)
		guest_hear_no_more(guest, n == -EPIPE ? NULL : "sends what is no message");
}

/* How this program is started as a worker; read by main(). */
struct worker_argv {
	char name[32], flag[16], domid[16], uid[16], spin[16], threads[16], way[8], verbose[4];
	char *argv[9];
	char program[GUEST_PROGRAM_MAX];
};

static void worker_argv_fill(struct worker_argv *w, const struct guest *guest)
{
	const struct sup *sup = guest->sup;

	snprintf(w->name, sizeof(w->name), "%s: dom %u", sup->backend->name, guest->domid);
	snprintf(w->flag, sizeof(w->flag), "--worker");
	snprintf(w->domid, sizeof(w->domid), "%u", guest->domid);
	snprintf(w->uid, sizeof(w->uid), "%u", sup->uid_base + guest->domid);
	snprintf(w->spin, sizeof(w->spin), "%u", sup->spin_us);
	snprintf(w->threads, sizeof(w->threads), "%u", sup->threads);
	snprintf(w->way, sizeof(w->way), "%s", sup->loop.way == LOOP_URING ? "uring" : "epoll");
	snprintf(w->verbose, sizeof(w->verbose), "%s", sup->verbose ? "-v" : "");
	w->argv[0] = w->name;
	w->argv[1] = w->flag;
	w->argv[2] = w->domid;
	w->argv[3] = w->uid;
	w->argv[4] = w->spin;
	w->argv[5] = w->threads;
	w->argv[6] = w->way;
	w->argv[7] = sup->verbose ? w->verbose : NULL;
	w->argv[8] = NULL;
	if (guest->program_fd >= 0)
		snprintf(w->program, sizeof(w->program), "/proc/%d/fd/%d", (int)getpid(),
			 guest->program_fd);
	else
		snprintf(w->program, sizeof(w->program), "/proc/self/exe");
}

/* In the child: becomes the worker.  Only async-signal-safe calls: libxenstore has a thread. */
static void worker_exec(struct worker_argv *w, int chan)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (chan == WORKER_CHAN)
		fcntl(chan, F_SETFD, 0);
	else if (dup2(chan, WORKER_CHAN) < 0)
		_exit(127);
	close_range(WORKER_CHAN + 1, ~0u, 0);
	execv(w->program, w->argv);
	_exit(127);
}

int guest_worker(struct guest *guest)
{
	struct sup *sup = guest->sup;
	struct worker_argv w;
	int pair[2], pid;

	if (guest->pid > 0)
		return 0;
	worker_argv_fill(&w, guest);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		worker_exec(&w, pair[1]);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return -errno;
	}
	guest->pid = pid;
	guest->chan = pair[0];
	guest->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (guest->pidfd < 0)
		log_panic("pidfd_open: %s", strerror(errno));
	guest->pid_poll = loop_poll_add(&sup->loop, guest->pidfd, guest_reap, guest);
	guest->chan_poll = loop_poll_add(&sup->loop, guest->chan, guest_chan_ready, guest);
	return 0;
}
