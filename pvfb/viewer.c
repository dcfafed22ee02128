// SPDX-License-Identifier: MIT
/*
 * Who looks at a screen: a connection, from its acceptance to its end.
 *
 * libvncserver waits for what it reads and writes, and one thread serves all viewers of a guest. So
 * it is only given what does not make it wait: a message of which all has come, and an update for
 * which the socket has room.  A viewer that sends half of something, or does not read, waits for
 * itself.
 *
 * There are at most 16.  One more takes the place of whoever has not finished its handshake for the
 * longest time, or else is turned away; so connections that say nothing keep nobody out.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <rfb/rfb.h>
#include <rfb/rfbregion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pvfb/raw.h"
#include "pvfb/screen.h"
#include "pvfb/vnc.h"

enum {
	HANDSHAKE_MS =
		10000, /* in which its user may type a password into a viewer that asks late */
	PARTS_MAX = 4, /* of an update */
	ROOM_BYTES = 5 << 20,
	PACKET_BYTES = 4096,
};

static bool is_in(const struct viewer *viewer)
{
	return viewer->rfb && viewer->rfb->state == RFB_NORMAL;
}

/* ---- updates ------------------------------------------------------------------------------- */

bool viewer_waits(const struct viewer *viewer)
{
	return viewer->vnc && !viewer->out && is_in(viewer) &&
	       !sraRgnEmpty(viewer->rfb->requestedRegion);
}

static void viewer_writable(void *arg, int events)
{
	struct viewer *viewer = arg;

	(void)events;
	loop_poll_del(viewer->vnc->loop, viewer->out);
	viewer->out = NULL;
	viewer_listen(viewer);
}

/*
 * Writable means that a third of the buffer is free, which the supervisor has made large enough:
 * that is then known to have room for a while.  A packet of few bytes takes some thousand there.
 */
bool viewer_has_room(struct viewer *viewer, size_t bytes)
{
	struct pollfd pfd = {.fd = viewer->sock, .events = POLLOUT};
	size_t takes = bytes + bytes / 8 + PACKET_BYTES;

	if (viewer->room < takes) {
		if (poll(&pfd, 1, 0) == 0) {
			viewer->out = loop_poll_add_out(viewer->vnc->loop, viewer->sock,
							viewer_writable, viewer);
			return false;
		}
		viewer->room = ROOM_BYTES;
	}
	viewer->room -= takes;
	return true;
}

/* libvncserver writes an update's header by itself: together they are one packet. */
static void viewer_cork(const struct viewer *viewer, int on)
{
	setsockopt(viewer->sock, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
}

/* By libvncserver.  False: to be closed. */
static bool viewer_encode(struct viewer *viewer)
{
	viewer->room = 0; /* how much that will be is not known before */
	if (!viewer_has_room(viewer, RAW_BYTES_MAX))
		return true;
	viewer->room = 0;
	if (viewer->web)
		return web_update(viewer);
	viewer_cork(viewer, 1);
	rfbUpdateClient(viewer->rfb);
	viewer_cork(viewer, 0);
	return viewer->rfb->sock >= 0;
}

/* False: to be closed. */
static bool viewer_send(struct viewer *viewer)
{
	struct raw_update update;
	bool sent = true;

	if (viewer->web || !raw_begin(&update, viewer->rfb))
		return viewer_encode(viewer);
	if (viewer_has_room(viewer, update.bytes))
		sent = raw_send(&update, viewer->rfb) == 0;
	raw_end(&update);
	return sent;
}

/* A new size, for one, goes out alone, and its pixels with the next update. */
void viewer_update(struct viewer *viewer)
{
	for (int i = 0; i < PARTS_MAX && viewer_waits(viewer) && FB_UPDATE_PENDING(viewer->rfb);
	     i++)
		if (!viewer_send(viewer))
			viewer_close(viewer);
}

/* ---- coming and going ----------------------------------------------------------------------- */

void viewer_close(struct viewer *viewer)
{
	struct vnc *vnc = viewer->vnc;
	struct loop *loop = vnc->loop;
	bool was_in = is_in(viewer) && !viewer->rfb->viewOnly;

	loop_poll_del(loop, viewer->in);
	loop_poll_del(loop, viewer->out);
	loop_timer_del(loop, viewer->deadline);
	loop_timer_del(loop, viewer->greet);
	loop_timer_del(loop, viewer->again);
	if (viewer->rfb && viewer->rfb->sock >= 0)
		rfbCloseClient(viewer->rfb);
	if (viewer->rfb)
		rfbClientConnectionGone(viewer->rfb);
	if (viewer->web)
		web_close(viewer);
	close(viewer->sock);
	memset(viewer, 0, sizeof(*viewer));
	if (was_in)
		screen_release(vnc->screen);
}

void viewer_blame(struct viewer *viewer, const char *what)
{
	log_guest(&viewer->vnc->limit, "vfb %u: a viewer %s; its connection is closed",
		  viewer->vnc->screen->devid, what);
	viewer_close(viewer);
}

static void viewer_late(void *arg)
{
	struct viewer *viewer = arg;

	viewer->deadline = NULL;
	viewer_blame(viewer, "did not finish its handshake within 10 seconds");
}

static void viewer_ready(void *arg, int events)
{
	struct viewer *viewer = arg;

	(void)events;
	if (viewer->rfb)
		viewer_listen(viewer);
	else
		viewer_hello(viewer);
}

/* A free place, or that of the oldest that has not finished its handshake; NULL: neither. */
static struct viewer *viewer_place(struct vnc *vnc)
{
	struct viewer *oldest = NULL;

	for (int i = 0; i < VIEWERS_MAX; i++) {
		struct viewer *viewer = &vnc->viewers[i];

		if (!viewer->vnc)
			return viewer;
		if (!is_in(viewer) && (!oldest || viewer->since_ns < oldest->since_ns))
			oldest = viewer;
	}
	if (oldest)
		viewer_close(oldest);
	return oldest;
}

void viewer_open(struct vnc *vnc, int fd)
{
	struct viewer *viewer = viewer_place(vnc);
	const int on = 1;

	if (!viewer) {
		log_guest(&vnc->limit, "vfb %u: has %d viewers; one more is turned away",
			  vnc->screen->devid, VIEWERS_MAX);
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	*viewer = (struct viewer){.vnc = vnc, .sock = fd, .since_ns = loop_now_ns()};
	viewer->in = loop_poll_add(vnc->loop, fd, viewer_ready, viewer);
	viewer->deadline = loop_timer_add(vnc->loop, HANDSHAKE_MS, viewer_late, viewer);
	viewer_hello_wait(viewer);
}
