// SPDX-License-Identifier: MIT
/*
 * A libFuzzer target: any messages to the loopback's hv, on connections of dom0 and of two guests.
 * Each is answered in the form that clients expect, or its connection ends.  At any end the ports,
 * grants and maps that hv shows are those that it has, both ends of a port know each other, and
 * when the connections are gone nothing is held any more.
 */
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

/* The connection that is to be accepted. */
static int next_sock;

static int sock_accept(int fd, void *addr, void *len, int flags)
{
	(void)fd;
	(void)addr;
	(void)len;
	(void)flags;
	return next_sock;
}

/* hv kills the processes of a guest that is destroyed: here they are hv itself. */
static long no_pidfd(void)
{
	return -1;
}

#define main	     hv_main
#define accept4	     sock_accept
#define syscall(...) no_pidfd()
#include "loopback/hv.c"
#include "loopback/hv_domain.c"
#undef syscall
#undef accept4
#undef main

enum {
	GUESTS = 2,
	CLIENTS = 6,
	MESSAGES = 64
};

static struct client {
	struct handle *h; /* NULL: not connected */
	int sock;
} clients[CLIENTS];

static void client_open(struct client *client)
{
	int pair[2];

	check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	next_sock = pair[0];
	client->sock = pair[1];
	handle_accept();
	client->h = LIST_FIRST(&handles);
	check(client->h && client->h->sock == pair[0]);
}

static void client_end(struct client *client)
{
	if (!client->h)
		return;
	handle_free(client->h);
	close(client->sock);
	client->h = NULL;
}

/* One reply at most, in the form that hvclient.c takes. */
static void client_reply(const struct client *client, struct hv_msg *reply)
{
	static struct hv_ref got[HV_MAX_REFS];
	char control[CMSG_SPACE(sizeof(int) * HV_MAX_FDS)] __attribute__((aligned(8)));
	struct iovec iov[2] = {
		{.iov_base = reply, .iov_len = sizeof(*reply)},
		{.iov_base = got, .iov_len = sizeof(got)},
	};
	struct msghdr hdr = {.msg_iov = iov,
			     .msg_iovlen = 2,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	ssize_t len = recvmsg(client->sock, &hdr, MSG_DONTWAIT);
	struct cmsghdr *c = CMSG_FIRSTHDR(&hdr);
	size_t fds = c ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;

	check(len >= (ssize_t)sizeof(*reply) && !(hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)));
	check(reply->n <= HV_MAX_REFS && (size_t)len == sizeof(*reply) + reply->n * sizeof(got[0]));
	check(reply->err <= 0 && (reply->err == 0 || (reply->n == 0 && fds == 0)));
	for (size_t i = 0; i < fds; i++)
		close(((int *)CMSG_DATA(c))[i]);
}

static void client_send(struct client *client, struct hv_msg *m, const void *packet, size_t size)
{
	if (!client->h)
		client_open(client);
	send(client->sock, packet, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (handle_ready(client->h) < 0)
		client_end(client);
	else
		client_reply(client, m);
}

static int client_call(struct client *client, struct hv_msg *m)
{
	client_send(client, m, m, sizeof(*m));
	check(client->h != NULL);
	return m->err;
}

static void client_hello(struct client *client, uint32_t domid)
{
	struct hv_msg m = {.op = HV_HELLO, .domid = domid, .value = HV_VERSION};

	check(client_call(client, &m) == 0);
}

/* ---- messages ------------------------------------------------------------------------------- */

/* Mostly small, as numbers of domains, ports and grants are; sometimes one of the large ones. */
static uint32_t number_take(struct bytes *in)
{
	static const uint32_t large[] = {
		DOMID_SELF,	   HV_DOMIDS,	 HV_MAX_PORTS - 1, HV_MAX_PORTS, HV_MAX_GRANTS,
		HV_MAX_GRANTS - 1, HV_PAGE_SIZE, HV_PAGE_SIZE - 1, INT32_MAX,	 UINT32_MAX};
	uint8_t byte;

	bytes_take(in, &byte, 1);
	return byte < 0xf0 ? byte : large[(byte - 0xf0u) % 10];
}

static void message_take(struct bytes *in)
{
	static struct {
		struct hv_msg msg;
		struct hv_ref refs[HV_MAX_REFS + 1]; /* one too many */
	} packet;
	uint8_t op, who, odd;
	uint32_t n;
	size_t size;

	bytes_take(in, &op, 1);
	bytes_take(in, &who, 1);
	bytes_take(in, &odd, 1);
	packet.msg = (struct hv_msg){.op = op % (HV_OPS + 2u), .flags = odd % 8u};
	packet.msg.domid = number_take(in);
	packet.msg.port = number_take(in);
	packet.msg.id = number_take(in);
	packet.msg.offset = number_take(in);
	packet.msg.value = number_take(in);
	packet.msg.n = n = odd & 0x10 ? number_take(in) : 0;
	/* A terabyte of memory costs hv seconds, in which nothing is learnt. */
	if (packet.msg.op == HV_DOM_CREATE && packet.msg.value < HV_MAX_PORTS)
		packet.msg.value %= 3;
	else if (packet.msg.op == HV_DOM_CREATE)
		packet.msg.value = UINT64_MAX;
	n = n < HV_MAX_REFS ? n : HV_MAX_REFS;
	for (uint32_t i = 0; i < n; i++)
		packet.refs[i] = (struct hv_ref){number_take(in), number_take(in)};
	size = sizeof(packet.msg) + n * sizeof(packet.refs[0]);
	if (odd & 0x20)
		size = size * (odd >> 6) / 3 + 1;
	client_send(&clients[who % CLIENTS], &packet.msg, &packet, size);
}

/* ---- what must hold ------------------------------------------------------------------------- */

/* Long walks, of which libFuzzer has nothing to learn. */
#define UNCOUNTED __attribute__((noinline, no_sanitize("coverage")))

static void check_port(const struct domain *d, uint32_t port)
{
	const struct port *p = &d->port[port], *peer;
	const struct domain *rd = domain_find(p->remote);

	check(port < d->port_top);
	check(p->owner || p->reserved || p->refs);
	check(!p->owner || handle_find(p->owner->id) == p->owner);
	if (p->kind == PORT_VIRQ)
		check(p->rport < HV_VIRQS && d->virq[p->rport] == port);
	if (p->kind != PORT_INTERDOMAIN)
		return;
	check(rd && p->rport < HV_MAX_PORTS);
	peer = &rd->port[p->rport];
	check(peer->kind == PORT_INTERDOMAIN && peer->rport == port && peer->remote == d->domid);
}

UNCOUNTED static void check_ports(const struct domain *d)
{
	uint64_t ports = 0;

	for (uint32_t port = 0; port < HV_MAX_PORTS; port++) {
		if (d->port[port].kind == PORT_FREE)
			continue;
		ports++;
		check_port(d, port);
	}
	check(ports == d->ctl->now.ports);
}

UNCOUNTED static void check_grants(const struct domain *d)
{
	uint64_t grants = 0, limbo = 0, maps = 0;

	for (uint32_t ref = 0; ref < HV_MAX_GRANTS; ref++) {
		const struct grant *g = &d->grant[ref];

		check(g->used == (d->ctl->grant[ref] != 0));
		if (!g->used)
			continue;
		check(g->frame < d->pages && g->writers <= g->maps);
		check(!g->limbo || g->maps > 0);
		check(g->frame < FRAMES_RESERVED || frame_used(d, g->frame));
		*(g->limbo ? &limbo : &grants) += 1;
		maps += g->maps;
	}
	check(maps == d->mapped && (!d->dead || d->mapped));
	check(grants == d->ctl->now.grants && limbo == d->ctl->now.limbo);
}

static void check_handles(void)
{
	struct handle *h;

	LIST_FOREACH (h, &handles, link) {
		uint64_t mapped = 0;
		struct map *m;

		check(!h->dom || domain_find(h->dom->domid) == h->dom);
		LIST_FOREACH (m, &h->maps, link)
			mapped += m->n;
		check(mapped == h->mapped && (h->dom || !mapped));
	}
}

static void check_all(void)
{
	struct domain *d;

	TAILQ_FOREACH (d, &domains, link) {
		check_grants(d);
		if (!d->dead)
			check_ports(d);
	}
	check_handles();
}

/* Nobody is there: only what hv made for the domains' kernels is. */
static void check_quiet(void)
{
	struct domain *d;

	check(LIST_EMPTY(&handles));
	TAILQ_FOREACH (d, &domains, link) {
		check(!d->dead && d->mapped == 0 && d->ctl->now.maps == 0);
		check(d->ctl->now.ports == 1 && d->ctl->now.grants == 1 && d->ctl->now.limbo == 0);
	}
	check_handles();
}

/* Dom0 and two guests, as if new: making them for each input would take most of the time. */
static void domains_reset(void)
{
	struct hv_msg m;
	struct domain *d, *next;
	int err;

	client_open(&clients[0]);
	client_hello(&clients[0], 0);
	for (d = TAILQ_FIRST(&domains); d; d = next) {
		next = TAILQ_NEXT(d, link);
		m = (struct hv_msg){.op = HV_DOM_DESTROY, .domid = d->domid};
		if (d->domid > GUESTS)
			check(client_call(&clients[0], &m) == 0);
	}
	client_end(&clients[0]);
	for (uint32_t domid = 0; domid <= GUESTS; domid++) {
		d = domain_find(domid);
		d = d ? d : domain_new(domid, 1, &err);
		d->ref_next = GNTTAB_NR_RESERVED_ENTRIES;
		d->frame_next = FRAMES_RESERVED;
	}
	last_domid = GUESTS;
	next_handle = 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = {data, size};
	int fds;

	if (epoll_fd == 0) {
		epoll_fd = epoll_create1(EPOLL_CLOEXEC);
		check(epoll_fd > 0 && domains_init() == 0);
		domains_reset();
	}
	fds = fd_next();
	for (uint32_t domid = 0; domid <= GUESTS; domid++) {
		client_open(&clients[domid]);
		client_hello(&clients[domid], domid);
	}
	for (int i = 0; i < MESSAGES && in.left > 0; i++)
		message_take(&in);
	check_all();
	for (int i = 0; i < CLIENTS; i++)
		client_end(&clients[i]);
	check_quiet();
	domains_reset();
	check(fd_next() == fds);
	return 0;
}
