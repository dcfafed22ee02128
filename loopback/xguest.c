// SPDX-License-Identifier: MIT
/*
 * xguest DOMID: the part of a guest's kernel that its programs cannot do without, the xenbus
 * driver.
 *
 * It owns the guest's end of the store ring (guest frame 1 and the port that the domain was created
 * with) and serves $XLOOP_DIR/domDOMID.xs as Linux serves /dev/xen/xenbus, so that stock
 * libxenstore speaks to the store as this domain, with this domain's permissions and quotas.
 * storemux.c knows what belongs to whom; this file moves bytes: one thread, one poll loop, nothing
 * blocks.
 *
 * It must be started after the domain was introduced to the store, because that resets the ring.
 * It ends with the domain: the broker kills it, or hangs up, and then it has no more to do.
 * It must never trust the ring's indices: a broken ring ends it with one sentence.
 */
#include <errno.h>
#include <stdarg.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>

#include "loopback/barrier.h"
#include "loopback/hvclient.h"
#include "loopback/libxenevtchn.h"
#include "loopback/storemux.h"

enum {
	FD_SIGNAL,
	FD_HV,
	FD_EVTCHN,
	FD_LISTEN,
	FD_CLIENT
};

struct xguest {
	uint32_t domid;
	struct hv *hv;
	xenforeignmemory_handle *fmem;
	xenevtchn_handle *evtchn;
	evtchn_port_t port;
	struct xenstore_domain_interface *ring;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	unsigned int refused;		 /* clients since the last one that was served */
	int fd[FD_CLIENT + MUX_CLIENTS]; /* a client's fd stands at FD_CLIENT + its index in mux */
	struct storemux mux;
};

static void __attribute__((format(printf, 2, 3), noreturn))
xguest_die(const struct xguest *xg, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "xguest: domain %u: ", xg->domid);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	if (xg->path[0])
		unlink(xg->path);
	exit(1);
}

/* ---- the ring ----------------------------------------------------------------------------- */

/* Returns whether anything was written. */
static bool ring_write(struct xguest *xg)
{
	struct xenstore_domain_interface *ring = xg->ring;
	struct bytes *out = &xg->mux.ring_out;
	bool wrote = false;

	while (out->len) {
		XENSTORE_RING_IDX prod = ring->req_prod;
		uint32_t used = prod - __atomic_load_n(&ring->req_cons, __ATOMIC_RELAXED);
		uint32_t at = MASK_XENSTORE_IDX(prod), n;

		if (used > XENSTORE_RING_SIZE)
			xguest_die(xg, "the store broke the ring: %u bytes in it", used);
		if (used == XENSTORE_RING_SIZE)
			break;
		n = XENSTORE_RING_SIZE - (used > at ? used : at);
		if (n > out->len)
			n = (uint32_t)out->len;
		xen_mb(); /* the store has read what we overwrite: pairs with its mb before req_cons
			   */
		memcpy(ring->req + at, bytes_peek(out), n);
		xen_wmb(); /* the bytes before the index: pairs with the store's rmb after req_prod
			    */
		ring->req_prod = prod + n;
		bytes_drop(out, n);
		wrote = true;
	}
	return wrote;
}

/* Returns whether the store must be told that there is room again. */
static bool ring_read(struct xguest *xg)
{
	struct xenstore_domain_interface *ring = xg->ring;
	bool was_full = false;

	for (;;) {
		XENSTORE_RING_IDX cons = ring->rsp_cons;
		uint32_t n = __atomic_load_n(&ring->rsp_prod, __ATOMIC_RELAXED) - cons;
		uint32_t at = MASK_XENSTORE_IDX(cons);
		char buf[XENSTORE_RING_SIZE];

		if (!n)
			return was_full;
		if (n > XENSTORE_RING_SIZE)
			xguest_die(xg, "the store broke the ring: %u bytes in it", n);
		was_full |= n == XENSTORE_RING_SIZE;
		if (n > XENSTORE_RING_SIZE - at)
			n = XENSTORE_RING_SIZE - at;
		xen_rmb(); /* the index before the bytes: pairs with the store's wmb before rsp_prod
			    */
		memcpy(buf, ring->rsp + at, n);
		xen_mb(); /* the bytes before the index: pairs with the store's mb after rsp_cons */
		ring->rsp_cons = cons + n;
		if (storemux_from_ring(&xg->mux, buf, n))
			xguest_die(xg, "the store sent what is no answer");
	}
}

static void ring_work(struct xguest *xg)
{
	bool tell = ring_read(xg);

	for (;;) {
		if (!ring_write(xg))
			break;
		tell = true;
		storemux_pump(&xg->mux); /* some waited for room on ring_out */
	}
	if (tell && xenevtchn_notify(xg->evtchn, xg->port))
		xguest_die(xg, "cannot notify the store: %s", strerror(errno));
}

static void ring_event(struct xguest *xg)
{
	int port = xenevtchn_pending(xg->evtchn);

	if (port >= 0)
		xenevtchn_unmask(xg->evtchn, (evtchn_port_t)port);
}

/* ---- clients ------------------------------------------------------------------------------ */

static void client_drop(struct xguest *xg, int client)
{
	close(xg->fd[FD_CLIENT + client]);
	xg->fd[FD_CLIENT + client] = -1;
	storemux_detach(&xg->mux, client);
}

static void client_accept(struct xguest *xg)
{
	int fd = accept4(xg->fd[FD_LISTEN], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int client;

	if (fd < 0)
		return;
	client = storemux_attach(&xg->mux);
	if (client < 0) {
		if (!xg->refused++)
			fprintf(stderr,
				"xguest: domain %u: refused a store client: %d are connected\n",
				xg->domid, MUX_CLIENTS);
		close(fd);
		return;
	}
	xg->refused = 0;
	xg->fd[FD_CLIENT + client] = fd;
}

/* Returns false when the client is gone. */
static bool client_read(struct xguest *xg, int client)
{
	char buf[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
	ssize_t n = recv(xg->fd[FD_CLIENT + client], buf, sizeof(buf), 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	return n && !storemux_from_client(&xg->mux, client, buf, (size_t)n);
}

static bool client_write(struct xguest *xg, int client)
{
	struct bytes *out = &xg->mux.client[client].out;

	while (out->len) {
		ssize_t n =
			send(xg->fd[FD_CLIENT + client], bytes_peek(out), out->len, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		bytes_drop(out, (size_t)n);
	}
	return true;
}

static void client_work(struct xguest *xg, int client, short revents)
{
	bool alive = true;

	if (revents & POLLIN)
		alive = client_read(xg, client);
	else if (revents & (POLLHUP | POLLERR))
		alive = false;
	if (!alive)
		client_drop(xg, client);
}

/* What the ring work of this turn left to do for the clients. */
static void clients_flush(struct xguest *xg)
{
	for (int i = 0; i < MUX_CLIENTS; i++) {
		if (xg->fd[FD_CLIENT + i] < 0)
			continue;
		if (xg->mux.client[i].broken) {
			fprintf(stderr, "xguest: domain %u: dropped a store client that %s\n",
				xg->domid, "sent nonsense or does not read its events");
			client_drop(xg, i);
		} else if (!client_write(xg, i)) {
			client_drop(xg, i);
		}
	}
}

/* ---- the loop ----------------------------------------------------------------------------- */

static short client_events(const struct xguest *xg, int client)
{
	bool reads = storemux_wants(&xg->mux, client), writes = xg->mux.client[client].out.len;

	if (reads)
		return writes ? POLLIN | POLLOUT : POLLIN;
	return writes ? POLLOUT : 0;
}

static int xguest_poll(const struct xguest *xg, struct pollfd *pfd)
{
	for (int i = 0; i < FD_CLIENT + MUX_CLIENTS; i++)
		pfd[i] = (struct pollfd){.fd = xg->fd[i], .events = POLLIN};
	pfd[FD_HV].events = 0; /* only its hanging up is of interest, and always told */
	for (int i = 0; i < MUX_CLIENTS; i++)
		pfd[FD_CLIENT + i].events = client_events(xg, i);
	return poll(pfd, FD_CLIENT + MUX_CLIENTS, -1);
}

static void xguest_loop(struct xguest *xg)
{
	struct pollfd pfd[FD_CLIENT + MUX_CLIENTS];

	for (;;) {
		ring_work(xg);
		clients_flush(xg);
		ring_work(xg);
		if (xguest_poll(xg, pfd) < 0)
			continue;
		if (pfd[FD_SIGNAL].revents || pfd[FD_HV].revents)
			return;
		if (pfd[FD_EVTCHN].revents)
			ring_event(xg);
		for (int i = 0; i < MUX_CLIENTS; i++)
			if (pfd[FD_CLIENT + i].revents)
				client_work(xg, i, pfd[FD_CLIENT + i].revents);
		if (pfd[FD_LISTEN].revents)
			client_accept(xg);
	}
}

/* ---- setting up --------------------------------------------------------------------------- */

/* The socket appears under its name when it can be connected to, not before. */
static void xguest_listen(struct xguest *xg)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const char *dir = getenv("XLOOP_DIR");
	int n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/dom%u.xs.new", dir ? dir : ".",
			 xg->domid);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (n >= (int)sizeof(addr.sun_path))
		xguest_die(xg, "XLOOP_DIR is too long for a socket's path: %s", dir);
	unlink(addr.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 64))
		xguest_die(xg, "cannot listen on %s: %s", addr.sun_path, strerror(errno));
	memcpy(xg->path, addr.sun_path, (size_t)n - strlen(".new"));
	if (rename(addr.sun_path, xg->path))
		xguest_die(xg, "cannot name the socket %s: %s", xg->path, strerror(errno));
	xg->fd[FD_LISTEN] = fd;
}

static void xguest_attach(struct xguest *xg)
{
	xen_pfn_t gfn = HV_STORE_GFN;

	xg->hv = hv_open();
	if (!xg->hv)
		xguest_die(xg, "cannot reach hv in XLOOP_DIR: %s", strerror(errno));
	if (xg->hv->domid != xg->domid)
		xguest_die(xg, "XLOOP_DOMID is %u: set it to the same domain", xg->hv->domid);
	xg->fd[FD_HV] = xg->hv->sock;
	xg->port = xg->hv->store_port;
	xg->fmem = xenforeignmemory_open(NULL, 0);
	xg->evtchn = xenevtchn_open(NULL, 0);
	if (!xg->fmem || !xg->evtchn)
		xguest_die(xg, "cannot open the foreign memory and event channel libraries: %s",
			   strerror(errno));
	xg->ring = xenforeignmemory_map(xg->fmem, xg->domid, PROT_READ | PROT_WRITE, 1, &gfn, NULL);
	if (!xg->ring)
		xguest_die(xg, "cannot map the store page: %s", strerror(errno));
	if (xloop_evtchn_adopt(xg->evtchn, xg->port))
		xguest_die(xg, "cannot take over store port %u: %s", xg->port, strerror(errno));
	xg->fd[FD_EVTCHN] = xenevtchn_fd(xg->evtchn);
}

static void xguest_signals(struct xguest *xg)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	xg->fd[FD_SIGNAL] = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (xg->fd[FD_SIGNAL] < 0)
		xguest_die(xg, "cannot make a signalfd: %s", strerror(errno));
}

static bool domid_parse(const char *s, uint32_t *domid)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	*domid = (uint32_t)v;
	return *s && !*end && v && v < 0x7ff0;
}

int main(int argc, char **argv)
{
	static struct xguest xg;

	if (argc != 2 || !domid_parse(argv[1], &xg.domid)) {
		fprintf(stderr,
			"usage: xguest DOMID   (with XLOOP_DIR and XLOOP_DOMID=DOMID set)\n");
		return 2;
	}
	for (int i = 0; i < FD_CLIENT + MUX_CLIENTS; i++)
		xg.fd[i] = -1;
	xguest_signals(&xg);
	xguest_attach(&xg);
	if (xg.ring->req_prod && storemux_reset(&xg.mux))
		xguest_die(&xg, "out of memory");
	xguest_listen(&xg);
	xguest_loop(&xg);
	unlink(xg.path);
	storemux_free(&xg.mux);
	return 0;
}
