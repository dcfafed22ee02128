// SPDX-License-Identifier: MIT
/*
 * A connection's beginning.  RFB's servers speak first, HTTP's do not; so there is a moment in
 * which a browser would have sent its request, and then RFB's greeting is sent.  libvncserver does
 * the same, but waits, and everybody with it; so it gets its client when all that it would wait
 * for is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <rfb/rfb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pvfb/screen.h"
#include "pvfb/vnc.h"

enum {
	GREET_MS = 100, /* as libvncserver's */
};

static const char version[] = "RFB 003.008\n", get[] = "GET ";

/*
 * A new client of the library's, which would wait for whether its viewer speaks HTTP: it finds a
 * greeting in a socket pair's end, and writes its own there.  How long that is, or -1; `far` is the
 * pair's other end.
 */
static ssize_t rfb_make_client(struct viewer *viewer, char greeting[sizeof(version)], int *far)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -1;
	*far = pair[1];
	if (write(pair[1], version, sizeof(version) - 1) == (ssize_t)sizeof(version) - 1)
		viewer->rfb = rfbNewClient(viewer->vnc->rfb, pair[0]); /* else it has closed it */
	if (!viewer->rfb)
		return -1;
	viewer->rfb->clientData = viewer;
	return read(pair[1], greeting, sizeof(version));
}

/* A browser's client keeps the pair; the others get the viewer's socket in its place. */
static bool hello_greet(struct viewer *viewer)
{
	char greeting[sizeof(version)], scrap[sizeof(version)];
	int far = -1;
	ssize_t n = rfb_make_client(viewer, greeting, &far);

	if (viewer->web) {
		viewer->far = far;
		viewer->near = n > 0 ? fcntl(viewer->rfb->sock, F_DUPFD_CLOEXEC, 0) : -1;
		/* What the library only peeked at, the viewer will say itself. */
		return viewer->near >= 0 && read(viewer->near, scrap, sizeof(scrap)) > 0 &&
		       web_send(viewer, WEBSOCKET_BINARY, greeting, (size_t)n);
	}
	if (far >= 0)
		close(far);
	return n > 0 && dup3(viewer->sock, viewer->rfb->sock, O_CLOEXEC) == viewer->rfb->sock &&
	       send(viewer->sock, greeting, (size_t)n, MSG_NOSIGNAL) == n;
}

static void hello_end(struct viewer *viewer)
{
	loop_timer_del(viewer->vnc->loop, viewer->greet);
	viewer->greet = NULL;
	if (hello_greet(viewer))
		viewer_listen(viewer);
	else
		viewer_close(viewer);
}

/* A browser's request.  What is left of the socket are frames, or nothing. */
static void hello_web(struct viewer *viewer, const uint8_t *request, size_t n)
{
	size_t bytes = web_request_bytes(request, n), len;
	char answer[WEB_ANSWER_MAX];
	uint8_t scrap[WEB_REQUEST_MAX];
	int status;

	if (bytes == 0 && n < WEB_REQUEST_MAX)
		return;
	if (bytes == 0 || recv(viewer->sock, scrap, bytes, MSG_DONTWAIT) != (ssize_t)bytes) {
		viewer_blame(viewer, "sent a request without an end");
		return;
	}
	status = web_answer(answer, request, bytes, viewer->vnc->passwords[0] != NULL);
	len = strlen(answer);
	viewer->web = status == 101;
	viewer->near = viewer->far = -1;
	if (send(viewer->sock, answer, len, MSG_NOSIGNAL) != (ssize_t)len)
		viewer_close(viewer);
	else if (viewer->web)
		hello_end(viewer);
	else
		viewer_blame(viewer, status == 403 ? "came from a web page of another host"
						   : "asked by HTTP for what is no WebSocket");
}

void viewer_hello(struct viewer *viewer)
{
	uint8_t said[WEB_REQUEST_MAX];
	ssize_t n = recv(viewer->sock, said, sizeof(said), MSG_PEEK | MSG_DONTWAIT);
	size_t known = sizeof(get) - 1;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		viewer_close(viewer);
		return;
	}
	if ((size_t)n < known)
		known = (size_t)n;
	if (memcmp(said, get, known) != 0) {
		hello_end(viewer);
		return;
	}
	/* It is to be a browser's, and has its deadline. */
	loop_timer_del(viewer->vnc->loop, viewer->greet);
	viewer->greet = NULL;
	hello_web(viewer, said, (size_t)n);
}

static void hello_late(void *arg)
{
	struct viewer *viewer = arg;

	viewer->greet = NULL;
	hello_end(viewer);
}

void viewer_hello_wait(struct viewer *viewer)
{
	viewer->greet = loop_timer_add(viewer->vnc->loop, GREET_MS, hello_late, viewer);
	viewer_hello(viewer);
}
