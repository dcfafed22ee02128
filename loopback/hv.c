// SPDX-License-Identifier: MIT
/*
 * hv: the broker of the embedded Xen.  "hv DIR" serves one private host on DIR/hv.sock.
 *
 * One thread, one epoll loop.  Each connection is a handle, as an open /dev/xen file would be:
 * it belongs to one domain, and when it ends, by close or by the death of its process, hv
 * releases the ports, maps and grants that it held.  A request is answered before the next is
 * read; no request waits for anything.
 *
 * hv must never be on a data path: clients copy through their own mapping of a domain's memory
 * and wake each other through eventfds.  It must never trust a message: lengths, counts, ids
 * and domids are checked here or in the function that serves the request.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include "loopback/hv.h"

static LIST_HEAD(, handle) handles;
static uint32_t next_handle = 1;
static int epoll_fd, listen_fd, signal_fd;
static struct hv_msg msg;
static struct hv_ref refs[HV_MAX_REFS];

struct handle *handle_find(uint32_t id)
{
	struct handle *h;

	LIST_FOREACH (h, &handles, link)
		if (h->id == id)
			return h;
	return NULL;
}

/* Gives up what the handle holds; the connection itself stays.  Orderly: its process asked. */
static void handle_release(struct handle *h, bool orderly)
{
	if (!h->dom)
		return;
	gnttab_handle_end(h);
	evtchn_handle_end(h, orderly);
}

static void handle_free(struct handle *h)
{
	handle_release(h, false);
	LIST_REMOVE(h, link);
	close(h->sock);
	if (h->pidfd >= 0)
		close(h->pidfd);
	if (h->eventfd >= 0)
		close(h->eventfd);
	free(h);
}

void handles_end(struct domain *d)
{
	struct handle *h;

	LIST_FOREACH (h, &handles, link) {
		if (h->dom != d)
			continue;
		if (h->pidfd >= 0)
			syscall(SYS_pidfd_send_signal, h->pidfd, SIGKILL, NULL, 0);
		handle_release(h, false);
		shutdown(h->sock, SHUT_RDWR);
		h->dom = NULL;
	}
}

static int handle_pidfd(int sock)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -1;
	return (int)syscall(SYS_pidfd_open, cred.pid, 0);
}

static int op_hello(struct call *c)
{
	struct handle *h = c->h;
	struct domain *d = domain_find(c->msg->domid);

	if (c->msg->value != HV_VERSION)
		return -EPROTO;
	if (!d)
		return -ESRCH;
	if (h->dom)
		return -EBUSY;
	h->dom = d;
	if (d->domid)
		h->pidfd = handle_pidfd(h->sock);
	c->msg->id = h->id;
	c->msg->port = d->ctl->store_port;
	return 0;
}

static int call_serve(struct call *c)
{
	if (c->msg->op == HV_HELLO)
		return op_hello(c);
	if (!c->h->dom)
		return -ESRCH;
	switch (c->msg->op) {
	case HV_CLOSE:
		handle_release(c->h, true);
		return 0;
	case HV_AREA:
	case HV_FOREIGN:
	case HV_FOREIGN_RESTRICT:
	case HV_DOM_CREATE:
	case HV_DOM_DESTROY:
	case HV_DOM_LIST:
		return domain_op(c);
	case HV_MAP:
	case HV_UNMAP:
	case HV_SET_MAX_GRANTS:
	case HV_SHARE:
	case HV_UNSHARE:
		return gnttab_op(c);
	default:
		return evtchn_op(c);
	}
}

/* The client waits for its one reply, so the socket has room; one that does not is broken. */
static int call_reply(struct call *c)
{
	union {
		char buf[CMSG_SPACE(sizeof(c->fds))];
		struct cmsghdr align;
	} control;
	struct iovec iov[2] = {
		{.iov_base = c->msg, .iov_len = sizeof(*c->msg)},
		{.iov_base = c->refs, .iov_len = c->msg->n * sizeof(*c->refs)},
	};
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = 2};
	struct cmsghdr *cm;

	if (c->nfds) {
		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE(c->nfds * sizeof(int));
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(c->nfds * sizeof(int));
		memcpy(CMSG_DATA(cm), c->fds, c->nfds * sizeof(int));
	}
	return sendmsg(c->h->sock, &mh, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* Serves one request.  Returns 0, or -errno when the connection has to end. */
static int handle_ready(struct handle *h)
{
	struct call c = {.h = h, .msg = &msg, .refs = refs};
	struct iovec iov[2] = {
		{.iov_base = &msg, .iov_len = sizeof(msg)},
		{.iov_base = refs, .iov_len = sizeof(refs)},
	};
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t len = recvmsg(h->sock, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int rc;

	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if ((size_t)len < sizeof(msg) || mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ||
	    msg.n > HV_MAX_REFS || (size_t)len != sizeof(msg) + msg.n * sizeof(*refs))
		return -EPROTO;
	rc = call_serve(&c);
	msg.err = rc < 0 ? rc : 0;
	if (rc < 0) {
		c.nfds = 0;
		msg.n = 0;
	}
	return call_reply(&c);
}

static void handle_accept(void)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int sock = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	struct handle *h;

	if (sock < 0) {
		fprintf(stderr, "hv: cannot accept a connection: %s\n", strerror(errno));
		/* Out of descriptors: the connection stays in the backlog until one is free. */
		usleep(10000);
		return;
	}
	h = calloc(1, sizeof(*h));
	if (!h) {
		close(sock);
		return;
	}
	h->id = next_handle++;
	h->sock = sock;
	h->pidfd = h->eventfd = h->evtchn_only = h->foreign_only = -1;
	h->max_grants = HV_MAX_GRANTS;
	LIST_INIT(&h->maps);
	LIST_INIT(&h->shares);
	LIST_INSERT_HEAD(&handles, h, link);
	ev.data.ptr = h;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, sock, &ev) < 0)
		handle_free(h);
}

static void loop_run(void)
{
	struct epoll_event ev;
	struct handle *h;

	/* One event a turn: serving one may free the handle of another. */
	for (;;) {
		if (epoll_wait(epoll_fd, &ev, 1, -1) < 1)
			continue;
		if (ev.data.ptr == &signal_fd)
			return;
		if (ev.data.ptr == &listen_fd) {
			handle_accept();
			continue;
		}
		h = ev.data.ptr;
		if (handle_ready(h) < 0 || (ev.events & EPOLLHUP && !(ev.events & EPOLLIN)))
			handle_free(h);
	}
}

static int watch(int fd, void *who)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = who};

	return fd < 0 ? -errno : epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

/* The socket gets its name when it can be connected to: who sees the name may use it. */
static int socket_listen(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = HV_SOCKET_NAME ".new"};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	unlink(addr.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(fd, 1024) < 0 || rename(addr.sun_path, HV_SOCKET_NAME) < 0)
		return -1;
	return fd;
}

static int hv_init(void)
{
	struct rlimit lim;
	sigset_t set;
	int rc;

	if (!getrlimit(RLIMIT_NOFILE, &lim)) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	rc = domains_init();
	if (rc < 0)
		return rc;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (epoll_fd < 0 || watch(signal_fd, &signal_fd) < 0)
		return -errno;
	listen_fd = socket_listen();
	return watch(listen_fd, &listen_fd) < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
	int rc;

	if (argc != 2) {
		fprintf(stderr, "usage: hv DIR\n");
		return 2;
	}
	if (chdir(argv[1]) < 0) {
		fprintf(stderr, "hv: cannot enter the host's directory %s: %s\n", argv[1],
			strerror(errno));
		return 1;
	}
	rc = hv_init();
	if (rc < 0) {
		fprintf(stderr, "hv: cannot serve %s/%s: %s\n", argv[1], HV_SOCKET_NAME,
			strerror(-rc));
		return 1;
	}
	loop_run();
	unlink(HV_SOCKET_NAME);
	return 0;
}
