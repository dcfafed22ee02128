// SPDX-License-Identifier: MIT
/*
 * What a viewer says.  libvncserver waits for what it reads and writes, so it is given a message
 * when all of it has come (rfb_frame.c) and there is room for what it may answer.
 */
#include <errno.h>
#include <poll.h>
#include <rfb/rfb.h>
#include <sys/socket.h>

#include "pvfb/rfb_frame.h"
#include "pvfb/screen.h"
#include "pvfb/vnc.h"

enum {
	MESSAGES_MAX = 256, /* listened to at once */
	AGAIN_MS = 1,
};

static enum rfb_phase viewer_phase(const struct viewer *viewer)
{
	switch (viewer->rfb->state) {
	case RFB_PROTOCOL_VERSION:
		return RFB_PHASE_VERSION;
	case RFB_SECURITY_TYPE:
		return RFB_PHASE_SECURITY;
	case RFB_AUTHENTICATION:
		return RFB_PHASE_RESPONSE;
	case RFB_INITIALISATION:
	case RFB_INITIALISATION_SHARED:
		return RFB_PHASE_INIT;
	default:
		return RFB_PHASE_NORMAL;
	}
}

/* What has come of its next message, as web_hear() has it. */
static ssize_t viewer_hear(struct viewer *viewer)
{
	ssize_t n;

	if (viewer->web)
		return web_hear(viewer);
	n = recv(viewer->sock, viewer->said, sizeof(viewer->said), MSG_PEEK | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : 0;
	return n;
}

/* Reads and forgets what is for nobody, as far as it has come. */
static void viewer_drop(struct viewer *viewer, size_t n)
{
	ssize_t got = (ssize_t)n;

	if (n > viewer->drop)
		got = (ssize_t)viewer->drop;
	if (viewer->web)
		web_forget(viewer, (size_t)got);
	else
		got = recv(viewer->sock, viewer->said, (size_t)got, MSG_DONTWAIT);
	viewer->drop -= got > 0 ? (size_t)got : 0;
}

/* A message of which all has come.  False: there is no viewer any more. */
static bool viewer_process(struct viewer *viewer, size_t n)
{
	bool alive;

	if (viewer->web) {
		alive = web_message(viewer, n);
	} else {
		rfbProcessClientMessage(viewer->rfb);
		alive = viewer->rfb->sock >= 0;
	}
	if (alive)
		return true;
	if (viewer->rfb->state == RFB_AUTHENTICATION)
		viewer_blame(viewer, "gave a wrong password");
	else
		viewer_close(viewer);
	return false;
}

/* Half a message whose viewer has gone is all that will come of it, and hides the end behind it. */
static void viewer_half(struct viewer *viewer, ssize_t n)
{
	struct pollfd pfd = {.fd = viewer->sock, .events = POLLRDHUP};

	if (poll(&pfd, 1, 0) > 0 && viewer_hear(viewer) == n)
		viewer_close(viewer);
}

/*
 * One message.  False: there is none yet, or no viewer any more.  Only a look that finds nothing
 * ends the looking: the socket is polled edge-like, and behind a message there may be its end.
 */
static bool viewer_message(struct viewer *viewer)
{
	ssize_t n = viewer_hear(viewer);
	struct rfb_frame frame;

	if (n == -EAGAIN)
		return false;
	if (n == -EPROTO) {
		viewer_blame(viewer, "sent what is no frame of a WebSocket");
		return false;
	}
	if (n <= 0) {
		viewer_close(viewer);
		return false;
	}
	if (viewer->drop > 0) {
		viewer_drop(viewer, (size_t)n);
		return true;
	}
	if (rfb_frame(&frame, viewer_phase(viewer), viewer->said, (size_t)n) < 0) {
		viewer_blame(viewer, viewer->rfb->state == RFB_NORMAL
					     ? "sent what is no message that is spoken here"
					     : "does not speak RFB");
		return false;
	}
	if (frame.drop) {
		viewer->drop = frame.bytes;
		return true;
	}
	if ((size_t)n < frame.bytes)
		viewer_half(viewer, n);
	if ((size_t)n < frame.bytes || !viewer_has_room(viewer, 0))
		return false;
	return viewer_process(viewer, frame.bytes);
}

static void viewer_again(void *arg)
{
	struct viewer *viewer = arg;

	viewer->again = NULL;
	viewer_listen(viewer);
}

void viewer_listen(struct viewer *viewer)
{
	struct vnc *vnc = viewer->vnc;
	int count = 0;

	if (viewer->again || viewer->out)
		return;
	while (count < MESSAGES_MAX && viewer_message(viewer))
		count++;
	if (viewer->vnc && count == MESSAGES_MAX)
		viewer->again = loop_timer_add(vnc->loop, AGAIN_MS, viewer_again, viewer);
	if (viewer->vnc && viewer->rfb->state == RFB_NORMAL) {
		loop_timer_del(vnc->loop, viewer->deadline);
		viewer->deadline = NULL;
	}
	vnc_update(vnc);
}
