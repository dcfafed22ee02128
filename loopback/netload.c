// SPDX-License-Identifier: MIT
/*
 * netload: raw packets from or to a guest's NIC, by the reference frontend, or the other end on the
 * host; run inside the guest, as in `xloop exec GUEST -- netload --dev=0 --runtime=2`.
 *
 * It says "connected" on standard error when packets may come, since a sink is to be there first.
 * It exits 0 when all went well, 1 when a packet was corrupt or the backend closed, 2 when it was
 * called wrongly.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "loopback/netload.h"

int load_stop;
int load_stop_fd;

uint64_t load_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static void stop_signal(int sig)
{
	uint64_t one = 1;
	int saved = errno;
	ssize_t n;

	(void)sig;
	__atomic_store_n(&load_stop, 1, __ATOMIC_RELAXED);
	n = write(load_stop_fd, &one, sizeof(one));
	(void)n;
	errno = saved;
}

bool load_ended(const struct load_queue *lq)
{
	if (__atomic_load_n(&load_stop, __ATOMIC_RELAXED) || (lq->nf && netfront_error(lq->nf)))
		return true;
	if (lq->o->count && (lq->o->sink ? lq->result.packets : lq->seq) >= lq->o->count)
		return true;
	return lq->end_ns && load_clock() >= lq->end_ns;
}

static int signals_init(void)
{
	struct sigaction sa = {.sa_handler = stop_signal};

	load_stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (load_stop_fd < 0)
		return -errno;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	return 0;
}

static void *load_thread(void *arg)
{
	struct load_queue *lq = arg;

	if (lq->q)
		return lq->o->sink ? ring_sink(lq) : ring_send(lq);
	return lq->o->sink ? socket_sink(lq) : socket_send(lq);
}

/* Serve the device's own fd while the threads work: the backend may close. */
static void load_watch(struct netfront *nf, bool hold)
{
	struct pollfd pfd[] = {{.fd = netfront_fd(nf), .events = POLLIN},
			       {.fd = load_stop_fd, .events = POLLIN}};

	while (hold && !netfront_error(nf) && !__atomic_load_n(&load_stop, __ATOMIC_RELAXED)) {
		poll(pfd, 2, -1);
		if (pfd[0].revents)
			netfront_changed(nf);
	}
}

/* @threads of @queues; of a host's interface, one has them all. */
static int load_run(const struct load_opts *o, struct load_queue *lq, unsigned int queues,
		    unsigned int threads)
{
	uint64_t end = o->runtime > 0 ? load_clock() + (uint64_t)(o->runtime * 1e9) : 0;
	unsigned int started = 0;
	int err = 0;

	fprintf(stderr, "connected\n");
	for (; started < threads && !err; started++) {
		lq[started].end_ns = end;
		err = -pthread_create(&lq[started].thread, NULL, load_thread, &lq[started]);
	}
	for (unsigned int i = 0; i < started; i++)
		pthread_join(lq[i].thread, NULL);
	load_report(o, lq, queues);
	fflush(stdout); /* who waits for the end of a load that is held reads it there */
	for (unsigned int i = 0; i < queues; i++)
		if (lq[i].result.corrupt)
			err = -EIO;
	return err;
}

static int guest_run(struct load_opts *o, struct load_queue *lq)
{
	static const uint8_t none[NETFRONT_MAC];
	struct guest guest;
	struct netfront *nf;
	unsigned int queues;
	int err, closed;

	if (guest_open(&guest))
		return 1;
	nf = netfront_open(&guest, o->devid, &o->front);
	if (!nf) {
		guest_close(&guest);
		return 1;
	}
	queues = netfront_info(nf)->queues;
	memcpy(o->from, netfront_info(nf)->mac, NETFRONT_MAC);
	for (unsigned int i = 0; i < queues; i++)
		lq[i] = (struct load_queue){
			.o = o, .nf = nf, .q = netfront_queue(nf, i), .sock = -1, .stream = i};
	if (memcmp(o->pass, none, NETFRONT_MAC) && netfront_tx_multicast(lq[0].q, o->pass, true))
		fprintf(stderr, "netload: the backend has no multicast control\n");
	netfront_push(lq[0].q);
	err = load_run(o, lq, queues, queues);
	load_watch(nf, o->hold);
	closed = netfront_close(nf);
	if (closed)
		fprintf(stderr, "netload: the backend did not close: %s\n", strerror(-closed));
	guest_close(&guest);
	return err || closed;
}

static int host_run(struct load_opts *o, struct load_queue *lq)
{
	memcpy(o->from, "\x02\0\0\0\0\x02", NETFRONT_MAC);
	for (unsigned int i = 0; i < o->front.queues; i++)
		lq[i] = (struct load_queue){.o = o, .stream = i};
	if (socket_open(&lq[0]))
		return 1;
	return load_run(o, lq, o->front.queues, 1) != 0;
}

int main(int argc, char **argv)
{
	static struct load_queue lq[NETFRONT_MAX_QUEUES];
	struct load_opts o;
	int err = load_opts_parse(&o, argc, argv);

	if (err)
		return err > 0 ? 0 : 2;
	if (signals_init())
		return 1;
	return o.interface ? host_run(&o, lq) : guest_run(&o, lq);
}
