// SPDX-License-Identifier: MIT
/*
 * See chan.h.  Owns nothing: descriptors sent stay the sender's, descriptors received become the
 * receiver's.
 */
#include "common/chan.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/filter.h"

union chan_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * CHAN_FDS_MAX)];
};

int chan_send(int chan, const struct chan_msg *msg)
{
	union chan_control control = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)msg, .iov_len = sizeof(*msg)};
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (msg->nfds > 0) {
		struct cmsghdr *c;

		hdr.msg_control = control.bytes;
		hdr.msg_controllen = CMSG_SPACE(sizeof(int) * msg->nfds);
		c = CMSG_FIRSTHDR(&hdr);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * msg->nfds);
		memcpy(CMSG_DATA(c), msg->fds, sizeof(int) * msg->nfds);
	}
	/* A worker may not send any; see chan_rules. */
	n = msg->nfds > 0 ? sendmsg(chan, &hdr, MSG_NOSIGNAL | MSG_DONTWAIT)
			  : send(chan, msg, sizeof(*msg), MSG_NOSIGNAL | MSG_DONTWAIT);
	return n < 0 ? -errno : 0;
}

int chan_take_stats(struct chan_msg *msg)
{
	return msg->stats && msg->nfds > 0 ? msg->fds[--msg->nfds] : -1;
}

int chan_take_journal(struct chan_msg *msg)
{
	return msg->journal && msg->nfds > 0 ? msg->fds[--msg->nfds] : -1;
}

static void chan_take_fds(struct msghdr *hdr, struct chan_msg *msg)
{
	msg->nfds = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || n > CHAN_FDS_MAX)
			continue;
		memcpy(msg->fds, CMSG_DATA(c), n * sizeof(int));
		msg->nfds = (uint32_t)n;
	}
}

int chan_recv(int chan, struct chan_msg *msg)
{
	union chan_control control;
	struct iovec iov = {.iov_base = msg, .iov_len = sizeof(*msg)};
	struct msghdr hdr = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n = recvmsg(chan, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0
		       : errno == ECONNRESET		 ? -EPIPE
							 : -errno;
	chan_take_fds(&hdr, msg);
	if ((size_t)n == sizeof(*msg) && !(hdr.msg_flags & MSG_TRUNC))
		return 1;
	/* An empty packet looks like the end, and may bring descriptors all the same. */
	for (uint32_t i = 0; i < msg->nfds; i++)
		close(msg->fds[i]);
	return n == 0 ? -EPIPE : -EPROTO;
}

/* No sendmsg: a worker sends no descriptors, so one that is captured can give none away. */
static const struct filter_rule chan_rules[] = {
	FILTER_NULL(sendto, 4),
	FILTER_ALLOW(recvmsg),
};

const struct filter chan_filter = {FILTER_RULES(chan_rules)};
