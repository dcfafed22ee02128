// SPDX-License-Identifier: MIT
/*
 * The listening socket of a screen.  The supervisor makes it and keeps it, so a port stays what it
 * was while workers come and go.  Addresses are numeric: a name server that does not answer must
 * not hold up anything.
 */
#include "pvfb/listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/store.h"

enum {
	/* Viewers' sockets inherit it; the kernel takes twice of it, if there is something to keep.
	 */
	SEND_BUFFER = 8 << 20,
	BACKLOG = 1024, /* a full one makes viewers wait for a second, by TCP */
};

/* Takes "ADDR:DISPLAY" apart; an IPv6 address with a display is in brackets. */
static int address_split(struct listen_spec *spec, const char *text, uint64_t *display)
{
	const char *end = text + strlen(text), *colon = strrchr(text, ':');

	if (text[0] == '[') {
		const char *close = strchr(text, ']');

		if (!close || (close[1] && close[1] != ':'))
			return -EINVAL;
		end = close;
		colon = close[1] ? close + 1 : NULL;
		text++;
	} else if (colon && strchr(text, ':') != colon) {
		colon = NULL; /* a bare IPv6 address */
	} else if (colon) {
		end = colon;
	}
	if ((size_t)(end - text) >= sizeof(spec->address))
		return -EINVAL;
	snprintf(spec->address, sizeof(spec->address), "%.*s", (int)(end - text), text);
	return colon ? number_parse(colon + 1, LISTEN_DISPLAY_MAX, display) : 0;
}

const char *listen_parse(struct listen_spec *spec, const char *vnclisten, const char *vncdisplay,
			 const char *vncunused)
{
	uint64_t display = 0;

	memset(spec, 0, sizeof(*spec));
	if (vncdisplay && *vncdisplay && number_parse(vncdisplay, LISTEN_DISPLAY_MAX, &display) < 0)
		return "its vncdisplay is no number of a display; write one from 0 to 59635";
	if (address_split(spec, vnclisten ? vnclisten : "", &display) < 0)
		return "its vnclisten is no address; write a numeric one, and :DISPLAY behind it "
		       "if you want to";
	if (!spec->address[0] || strcmp(spec->address, "localhost") == 0)
		snprintf(spec->address, sizeof(spec->address), "127.0.0.1");
	spec->port = (uint16_t)(LISTEN_PORT + display);
	spec->unused = vncunused && strcmp(vncunused, "0") != 0;
	return NULL;
}

static int listen_at(const struct addrinfo *address)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1, size = SEND_BUFFER;
	int err;

	if (fd < 0)
		return -errno;
	/* A port of connections that have just ended is free. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int listen_port(const struct listen_spec *spec, uint32_t port)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *address;
	char service[8];
	int fd;

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(spec->address, service, &hints, &address) != 0)
		return -EADDRNOTAVAIL;
	fd = listen_at(address);
	freeaddrinfo(address);
	return fd;
}

int listen_open(const struct listen_spec *spec, uint16_t *port)
{
	uint32_t tries = spec->unused ? LISTEN_TRIES : 1;
	int fd = -EADDRINUSE;

	for (uint32_t i = 0; i < tries && fd == -EADDRINUSE; i++) {
		uint32_t at = spec->port + i;

		if (at > UINT16_MAX)
			break;
		fd = listen_port(spec, at);
		*port = (uint16_t)at;
	}
	return fd;
}
