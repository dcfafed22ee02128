// SPDX-License-Identifier: MIT
/*
 * netload on a host's interface, by a packet socket: the other end of a guest's, many packets for
 * each system call, and past the queueing discipline.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "loopback/netload.h"

#define ETH_P_EVERY 0x0003 /* ETH_P_ALL; its header does not go with the C library's */

/* All frames, for those of a protocol are the bridge's once an interface is in one. */
int socket_open(struct load_queue *lq)
{
	struct sockaddr_ll sa = {.sll_family = AF_PACKET,
				 .sll_protocol = lq->o->sink ? htons(ETH_P_EVERY) : 0,
				 .sll_ifindex = (int)if_nametoindex(lq->o->interface)};
	int one = 1, room = 8 << 20, err;

	lq->sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (sa.sll_ifindex && lq->sock >= 0) {
		setsockopt(lq->sock, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
		setsockopt(lq->sock, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
		setsockopt(lq->sock, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
		if (!bind(lq->sock, (struct sockaddr *)&sa, sizeof(sa)))
			return 0;
	}
	err = -errno;
	fprintf(stderr, "netload: cannot open a packet socket on %s: %s\n", lq->o->interface,
		strerror(-err));
	return err;
}

/* ---- sending ------------------------------------------------------------------------------------
 */

struct burst {
	struct mmsghdr msg[LOAD_BURST];
	struct iovec iov[LOAD_BURST];
	uint8_t *frames;
};

static int burst_init(struct burst *b, size_t room)
{
	b->frames = calloc(LOAD_BURST, room);
	if (!b->frames)
		return -ENOMEM;
	for (unsigned int i = 0; i < LOAD_BURST; i++) {
		b->iov[i] = (struct iovec){.iov_base = b->frames + i * room, .iov_len = room};
		b->msg[i].msg_hdr.msg_iov = &b->iov[i];
		b->msg[i].msg_hdr.msg_iovlen = 1;
	}
	return 0;
}

/*
 * An interface whose queue is full loses the packet, which is no reason to stop.  It is the one
 * after those that sendmmsg() says were sent, be there any or none.
 */
static void burst_send(struct load_queue *lq, struct burst *b, unsigned int n)
{
	unsigned int done = 0;

	while (done < n) {
		int sent = sendmmsg(lq->sock, b->msg + done, n - done, MSG_DONTWAIT);

		if (sent < 0)
			sent = 0;
		lq->result.packets += (unsigned int)sent;
		lq->result.bytes += (uint64_t)(unsigned int)sent * lq->o->size;
		done += (unsigned int)sent;
		if (done == n)
			break;
		lq->result.errors++;
		done++;
	}
}

static bool stream_goes_on(const struct load_queue *lq)
{
	return !lq->o->count || lq->seq < lq->o->count;
}

/* All streams in turn, for the load that a guest gets must not depend on how many there are. */
void *socket_send(void *arg)
{
	struct load_queue *lq = arg;
	unsigned int streams = lq->o->front.queues;
	uint64_t due = load_clock();
	struct timespec ts;
	struct burst b = {0};

	if (burst_init(&b, lq->o->size))
		return NULL;
	for (unsigned int i = 0; i < LOAD_BURST; i++)
		frame_make(&lq[i % streams], b.iov[i].iov_base);
	lq->result.first_ns = due;
	while (!load_ended(lq)) {
		unsigned int n = 0;

		for (; n < LOAD_BURST && stream_goes_on(&lq[n % streams]); n++)
			frame_next(&lq[n % streams], b.iov[n].iov_base);
		burst_send(lq, &b, n);
		if (!lq->o->rate)
			continue;
		due += n * 1000000000ULL / (lq->o->rate * streams);
		ts = (struct timespec){.tv_sec = (time_t)(due / 1000000000U),
				       .tv_nsec = (long)(due % 1000000000U)};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
	}
	lq->result.last_ns = load_clock();
	free(b.frames);
	return NULL;
}

/* ---- receiving ----------------------------------------------------------------------------------
 */

void *socket_sink(void *arg)
{
	struct load_queue *lq = arg;
	struct burst b = {0};

	if (burst_init(&b, XEN_NETIF_MAX_TX_SIZE))
		return NULL;
	while (!load_ended(lq)) {
		struct pollfd pfd[] = {{.fd = lq->sock, .events = POLLIN},
				       {.fd = load_stop_fd, .events = POLLIN}};
		int n = recvmmsg(lq->sock, b.msg, LOAD_BURST, MSG_DONTWAIT, NULL);
		uint64_t now = load_clock();

		for (int i = 0; i < n; i++)
			frame_take(lq, b.iov[i].iov_base, b.msg[i].msg_len, now);
		if (n <= 0)
			poll(pfd, 2, 100);
	}
	free(b.frames);
	return NULL;
}
