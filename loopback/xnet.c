// SPDX-License-Identifier: MIT
/*
 * xnet: a guest's driver of a PV NIC, as far as its programs see one: an interface in the guest's
 * network with a real ring behind it.  xloop starts it in the guest for each NIC, as a kernel would
 * its driver.
 *
 * It owns the NIC, its tap and a thread for each queue; the main thread has the store.  It ends
 * when the backend closes the device or SIGTERM comes, and closes the device in order.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "loopback/xnet.h"

struct xnet {
	struct xnet_opts opts;
	struct guest guest;
	struct netfront *nf;
	int sigfd, stop_fd;
	unsigned int started; /* threads */
	struct xnet_queue queue[NETFRONT_MAX_QUEUES];
};

static const char usage[] =
	"usage: xnet [--dev=DEVID] [OPTION...]     (in a guest: xloop exec GUEST -- xnet ...)\n"
	"  --name=NAME     of the interface (ethDEVID)\n"
	"  --queues=N      as many queues, if the backend has them (1)\n"
	"  --one-channel   one event channel for both rings of a queue\n"
	"  --no-sg --no-gso --no-csum   what is not to be taken from the backend\n"
	"  --headroom=N    bytes before each packet, as for XDP\n"
	"  --staging       have the backend map the pages that packets are in\n"
	"  --background    return when the interface is there\n";

enum {
	O_DEV = 256,
	O_NAME,
	O_QUEUES,
	O_ONE_CHANNEL,
	O_NO_SG,
	O_NO_GSO,
	O_NO_CSUM,
	O_HEADROOM,
	O_STAGING,
	O_BACKGROUND,
	O_HELP,
};

static const struct option options[] = {
	{"dev", required_argument, NULL, O_DEV},
	{"name", required_argument, NULL, O_NAME},
	{"queues", required_argument, NULL, O_QUEUES},
	{"one-channel", no_argument, NULL, O_ONE_CHANNEL},
	{"no-sg", no_argument, NULL, O_NO_SG},
	{"no-gso", no_argument, NULL, O_NO_GSO},
	{"no-csum", no_argument, NULL, O_NO_CSUM},
	{"headroom", required_argument, NULL, O_HEADROOM},
	{"staging", no_argument, NULL, O_STAGING},
	{"background", no_argument, NULL, O_BACKGROUND},
	{"help", no_argument, NULL, O_HELP},
	{NULL, 0, NULL, 0},
};

static bool count_parse(const char *s, unsigned int max, unsigned int *value)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	*value = (unsigned int)n;
	return *s >= '0' && *s <= '9' && !*end && n <= max;
}

static bool option_set(struct xnet_opts *o, int opt, const char *arg)
{
	switch (opt) {
	case O_DEV:
		return count_parse(arg, 65535, &o->devid);
	case O_NAME:
		return snprintf(o->name, sizeof(o->name), "%s", arg) < IFNAMSIZ && *arg;
	case O_QUEUES:
		return count_parse(arg, NETFRONT_MAX_QUEUES, &o->front.queues);
	case O_HEADROOM:
		return count_parse(arg, 0x7fff, &o->front.headroom);
	case O_ONE_CHANNEL:
		return o->front.one_channel = true;
	case O_NO_SG:
		return o->front.no_sg = true;
	case O_NO_GSO:
		return o->front.no_gso = true;
	case O_NO_CSUM:
		return o->front.no_csum = true;
	case O_STAGING:
		return o->front.staging = true;
	case O_BACKGROUND:
		return o->background = true;
	}
	return false;
}

/* 0; 1 after --help; -EINVAL, told. */
static int opts_parse(struct xnet_opts *o, int argc, char **argv)
{
	int opt, index;

	while ((opt = getopt_long(argc, argv, "", options, &index)) >= 0) {
		if (opt == O_HELP) {
			fputs(usage, stdout);
			return 1;
		}
		if (opt == '?')
			return -EINVAL;
		if (option_set(o, opt, optarg))
			continue;
		fprintf(stderr, "xnet: --%s can't be \"%s\"; see xnet --help\n",
			options[index].name, optarg);
		return -EINVAL;
	}
	if (optind != argc) {
		fprintf(stderr, "xnet: there is an argument too many; see xnet --help\n");
		return -EINVAL;
	}
	if (!o->name[0])
		snprintf(o->name, sizeof(o->name), "eth%u", o->devid);
	return 0;
}

/* ---- starting and ending ------------------------------------------------------------------------
 */

static int signals_init(struct xnet *x)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	x->sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	x->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return x->sigfd < 0 || x->stop_fd < 0 ? -errno : 0;
}

static void queues_stop(struct xnet *x)
{
	uint64_t one = 1;
	ssize_t n = write(x->stop_fd, &one, sizeof(one)); /* it stays readable for all */

	(void)n;
	while (x->started)
		pthread_join(x->queue[--x->started].thread, NULL);
}

static int queues_start(struct xnet *x)
{
	const struct netfront_info *info = netfront_info(x->nf);
	unsigned int longest = info->gso4 || info->gso6 ? XEN_NETIF_MAX_TX_SIZE : info->mtu + 64;
	int fd[NETFRONT_MAX_QUEUES], err = tap_open(&x->opts, info, fd);

	for (unsigned int i = 0; i < info->queues && !err; i++) {
		struct xnet_queue *xq = &x->queue[i];

		*xq = (struct xnet_queue){.nf = x->nf,
					  .q = netfront_queue(x->nf, i),
					  .tap = fd[i],
					  .stop_fd = x->stop_fd,
					  .pages = (longest + NETFRONT_PAGE - 1) / NETFRONT_PAGE};
		err = -pthread_create(&xq->thread, NULL, xnet_queue_run, xq);
		x->started += !err;
	}
	return err;
}

/* The backend's nodes tell of its end, and of the link. */
static void device_serve(struct xnet *x)
{
	struct pollfd pfd[] = {
		{.fd = netfront_fd(x->nf), .events = POLLIN},
		{.fd = netfront_error_fd(x->nf), .events = POLLIN},
		{.fd = x->sigfd, .events = POLLIN},
	};

	tap_carrier(x->queue[0].tap, netfront_carrier(x->nf));
	for (;;) {
		if (poll(pfd, 3, -1) < 0 && errno != EINTR)
			return;
		if (pfd[0].revents && netfront_changed(x->nf))
			return;
		if (pfd[1].revents || pfd[2].revents)
			return;
		tap_carrier(x->queue[0].tap, netfront_carrier(x->nf));
	}
}

/* The parent leaves when the interface is there; @pipe tells it. */
static void background_leave(int pipe_fd)
{
	char ok = 0;
	ssize_t n = read(pipe_fd, &ok, 1);

	_exit(n == 1 && ok ? 0 : 1);
}

static int background_start(void)
{
	int fd[2];
	pid_t pid;

	if (pipe(fd))
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0) {
		close(fd[1]);
		background_leave(fd[0]);
	}
	close(fd[0]);
	setsid();
	return fd[1];
}

static void background_tell(int fd)
{
	char ok = 1;
	ssize_t n = write(fd, &ok, 1);

	(void)n;
	close(fd);
}

static int xnet_run(struct xnet *x, int ready_fd)
{
	int err;

	x->nf = netfront_open(&x->guest, x->opts.devid, &x->opts.front);
	if (!x->nf)
		return -errno;
	err = queues_start(x);
	if (!err) {
		if (ready_fd >= 0)
			background_tell(ready_fd);
		device_serve(x);
	}
	queues_stop(x);
	return netfront_close(x->nf) || err;
}

int main(int argc, char **argv)
{
	static struct xnet x;
	int err = opts_parse(&x.opts, argc, argv), ready_fd = -1;

	if (err)
		return err > 0 ? 0 : 2;
	if (x.opts.background) {
		ready_fd = background_start();
		if (ready_fd < 0)
			return 1;
	}
	if (signals_init(&x) || guest_open(&x.guest))
		return 1;
	err = xnet_run(&x, ready_fd);
	guest_close(&x.guest);
	return err ? 1 : 0;
}
