// SPDX-License-Identifier: MIT
/*
 * A libFuzzer target: any packets, of any size and with any descriptors, as what a captured worker
 * sends to its supervisor.  Only a packet of the right size is a message; its descriptors are all
 * told, or all closed; what sup_guest.c passes on is of this guest, its text has an end, and it is
 * no more than was asked for: then nothing is heard any more.  And whatever chan_send() is given,
 * chan_recv() gives.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "common/log.h"
#include "tests/fuzz/fuzz.h"

/* A guest that talks nonsense is killed; this one is we. */
static int kills;

static int guest_kill(int pid, int sig)
{
	(void)pid;
	(void)sig;
	return kills++;
}

static void not_said(const char *fmt, ...)
{
	(void)fmt;
}

#define kill	  guest_kill
#define log_error not_said
#include "common/sup_guest.c"
#undef log_error
#undef kill

enum {
	DEVID = 51712,
	FDS_SENT = 6,
	PACKETS = 8, /* fit a socket */
};

struct packet {
	uint32_t fields[sizeof(struct chan_msg) / sizeof(uint32_t) + 8];
	size_t size;
	int nfds;
};

static struct sup sup;
static struct guest guest = {.sup = &sup, .pid = 1, .devices = 1};
static struct device device = {.sup = &sup, .guest = &guest, .number = DEVID};

static uint32_t heard;

void device_message(struct device *to, const struct chan_msg *msg)
{
	heard++;
	check(to == &device && msg->devid == DEVID);
	check(memchr(msg->text, '\0', sizeof(msg->text)) != NULL);
}

bool upgrade_ended(struct sup *of, const struct guest *ended)
{
	(void)of, (void)ended;
	return false;
}

void device_worker_died(struct device *dead)
{
	(void)dead;
}

/* A few bytes of an input make a packet: what it has of descriptors, what size, and its start. */
static void packet_take(struct packet *packet, struct bytes *in)
{
	uint8_t fds, odd, start;

	bytes_take(in, &fds, 1);
	bytes_take(in, &odd, 1);
	bytes_take(in, &start, 1);
	memset(packet, 0x55, sizeof(*packet));
	packet->nfds = fds % (FDS_SENT + 1);
	packet->size = odd & 1 ? (size_t)(odd >> 1) * 18 % sizeof(packet->fields)
			       : sizeof(struct chan_msg);
	bytes_take(in, packet->fields, start % 64);
	if (start & 64)
		packet->fields[1] = DEVID;
}

static void packet_send(int sock, const struct packet *packet)
{
	char control[CMSG_SPACE(sizeof(int) * FDS_SENT)] __attribute__((aligned(8))) = {0};
	struct iovec iov = {.iov_base = (void *)packet->fields, .iov_len = packet->size};
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};
	struct cmsghdr *c = (struct cmsghdr *)control;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)packet->nfds);
	for (int i = 0; i < packet->nfds; i++)
		((int *)CMSG_DATA(c))[i] = STDERR_FILENO;
	hdr.msg_controllen = packet->nfds ? CMSG_SPACE(sizeof(int) * (size_t)packet->nfds) : 0;
	check(sendmsg(sock, &hdr, MSG_DONTWAIT) == (ssize_t)packet->size);
}

static void fds_close(const struct chan_msg *msg)
{
	check(msg->nfds <= CHAN_FDS_MAX);
	for (uint32_t i = 0; i < msg->nfds; i++) {
		check(fcntl(msg->fds[i], F_GETFD) == FD_CLOEXEC);
		check(close(msg->fds[i]) == 0);
	}
}

/* chan_recv() by itself. */
static void try_message(const int pair[2], const struct packet *packet)
{
	const struct chan_msg *sent = (const struct chan_msg *)packet->fields;
	int before = fd_next(), fds = packet->nfds > CHAN_FDS_MAX ? CHAN_FDS_MAX : packet->nfds;
	int body = -1, err;
	struct chan_msg msg;

	packet_send(pair[1], packet);
	err = chan_recv(pair[0], &msg);
	if (packet->size != sizeof(msg)) {
		check(err == (packet->size == 0 ? -EPIPE : -EPROTO));
		check(fd_next() == before);
		return;
	}
	check(err == 1 && msg.nfds == (uint32_t)fds && msg.type == sent->type);
	check(memcmp(msg.body, sent->body, sizeof(msg.body)) == 0);
	/* And on, to whoever takes from it what a CONNECT has. */
	check(chan_send(pair[1], &msg) == 0);
	fds_close(&msg);
	check(chan_recv(pair[0], &msg) == 1 && msg.nfds == (uint32_t)fds);
	check(memcmp(msg.body, sent->body, sizeof(msg.body)) == 0);
	for (int i = 0; i < 2; i++) {
		body = i ? chan_take_journal(&msg) : chan_take_stats(&msg);
		check((body >= 0) == (fds > 0 && (i ? msg.journal : msg.stats)));
		if (body >= 0)
			check(close(body) == 0 && fds-- > 0);
	}
	fds_close(&msg);
	check(fd_next() == before);
}

/* All of them, to a supervisor. */
static void try_guest(const int pair[2], const struct packet *packets, int n, uint32_t due)
{
	int before = fd_next(), good = 0;

	sup.devices = &device;
	guest.chan = pair[0];
	guest.due = due;
	guest.deaf = false;
	kills = 0;
	heard = 0;
	for (int i = 0; i < n; i++) {
		packet_send(pair[1], &packets[i]);
		good += good == i && packets[i].size == sizeof(struct chan_msg);
	}
	guest_chan_ready(&guest, 0);
	check(kills == (good < n || good > (int)due));
	check(guest.due == due - (good < (int)due ? (uint32_t)good : due) && heard <= due);
	/* Once more, as when it is reaped. */
	guest_chan_ready(&guest, 0);
	check(kills <= 1 && heard <= due);
	check(fd_next() == before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = {data, size};
	struct packet packets[PACKETS];
	int pair[2], n = 0;
	uint8_t due = size > 0 ? data[size - 1] : 0;

	check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	for (; n < PACKETS && in.left > 0; n++) {
		packet_take(&packets[n], &in);
		try_message(pair, &packets[n]);
	}
	try_guest(pair, packets, n, due % (PACKETS + 2));
	close(pair[0]);
	close(pair[1]);
	return 0;
}
