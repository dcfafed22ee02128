// SPDX-License-Identifier: MIT
/*
 * blkback --dial: makes one connection and hands it to the supervisor.  Names are resolved and
 * connections made here since both may take any time.  It reads no byte of the server's.  For TCP
 * it runs without any right but the host's network; a unix socket is opened with the supervisor's
 * rights, as an image is.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "blkback/helper.h"
#include "common/sandbox.h"

enum {
	CONNECT_S = 3,	    /* for one address; there may be several */
	SILENCE_MS = 10000, /* without an acknowledgement a connection is dead */
};

static int option_set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

/* A server that vanished without a word is noticed, under load and idle. */
static void tcp_watch(int fd)
{
	option_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	option_set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, SILENCE_MS);
	option_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	option_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 5);
	option_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 2);
	option_set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

static int dial_tcp(const char *host, const char *port)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	const struct timeval limit = {.tv_sec = CONNECT_S};
	struct addrinfo *list;
	int err = getaddrinfo(host, port, &hints, &list);
	int fd = -1;

	if (err != 0) {
		fprintf(stderr, "%s\n", err == EAI_SYSTEM ? strerror(errno) : gai_strerror(err));
		return -1;
	}
	for (const struct addrinfo *at = list; at; at = at->ai_next) {
		fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
		if (fd >= 0)
			setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
		if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) == 0)
			break;
		if (errno == EINPROGRESS)
			errno = ETIMEDOUT;
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	if (fd < 0)
		fprintf(stderr, "%s\n", strerror(errno));
	else
		tcp_watch(fd);
	freeaddrinfo(list);
	return fd;
}

static int dial_unix(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	fprintf(stderr, "%s\n", strerror(errno));
	return -1;
}

int dial_main(int argc, char **argv)
{
	struct chan_msg msg = {.type = CHAN_SOCKET, .nfds = 1};
	bool tcp = argc == 6 && strcmp(argv[3], "tcp") == 0;
	int err;

	if (!tcp && argc != 5)
		return 2;
	err = tcp ? sandbox_user((uid_t)strtoul(argv[2], NULL, 10)) : 0;
	if (err < 0) {
		fprintf(stderr, "can't give up rights: %s\n", strerror(-err));
		return 1;
	}
	msg.fds[0] = tcp ? dial_tcp(argv[4], argv[5]) : dial_unix(argv[4]);
	return msg.fds[0] < 0 || chan_send(HELPER_CHAN, &msg) < 0;
}
