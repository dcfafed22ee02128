// SPDX-License-Identifier: MIT
/*
 * Who looks at a screen: a connection, from its acceptance to its end.
 *
 * libvncserver waits for what it reads and writes, and one thread serves all viewers of a guest. So
 * it is only given what does not make it wait: a message of which all has come (rfb_frame.c), and
 * an update for which the socket has room.  A viewer that sends half of something, or does not
 * read, waits for itself.
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

#include "pvfb/rfb_frame.h"
#include "pvfb/screen.h"
#include "pvfb/vnc.h"

enum {
	HANDSHAKE_MS =
		10000,	    /* in which its user may type a password into a viewer that asks late */
	MESSAGES_MAX = 256, /* listened to at once */
	AGAIN_MS = 1,
	PARTS_MAX = 4, /* of an update */
};

static const char version[] = "RFB 003.008\n";

/* ---- QEMU's extended key event: a key by its scancode, so that no layout matters ------------- */

static int key_encodings[] = {(int)rfbEncodingQemuExtendedKeyEvent, 0};

/* Says that we know it, as rfbproto asks: an update of one rectangle without pixels. */
static rfbBool keys_enabled(rfbClientPtr rfb, void **data, int encoding)
{
	struct {
		rfbFramebufferUpdateMsg update;
		rfbFramebufferUpdateRectHeader rect;
	} __attribute__((packed)) message = {
		.update = {.type = rfbFramebufferUpdate, .nRects = Swap16IfLE(1)},
		.rect = {.encoding = Swap32IfLE((uint32_t)encoding)},
	};

	(void)data;
	if (encoding != key_encodings[0] ||
	    rfbWriteExact(rfb, (char *)&message, sizeof(message)) <= 0)
		return FALSE;
	return TRUE;
}

static rfbBool key_message(rfbClientPtr rfb, void *data, const rfbClientToServerMsg *head)
{
	const struct viewer *viewer = rfb->clientData;
	rfbQemuExtendedKeyEventMsg key;

	(void)data;
	if (head->type != rfbQemuEvent)
		return FALSE;
	if (rfbReadExact(rfb, (char *)&key + 1, sz_rfbQemuExtendedKeyEventMsg - 1) <= 0) {
		rfbCloseClient(rfb);
		return TRUE;
	}
	if (!rfb->viewOnly)
		screen_scancode(viewer->vnc->screen, Swap32IfLE(key.keycode), key.down != 0);
	return TRUE;
}

static rfbProtocolExtension key_extension = {
	.pseudoEncodings = key_encodings,
	.enablePseudoEncoding = keys_enabled,
	.handleMessage = key_message,
};

void viewer_register_keys(void)
{
	rfbRegisterProtocolExtension(&key_extension);
}

/* ---- updates ------------------------------------------------------------------------------- */

bool viewer_waits(const struct viewer *viewer)
{
	return viewer->vnc && !viewer->out && viewer->rfb->state == RFB_NORMAL &&
	       !sraRgnEmpty(viewer->rfb->requestedRegion);
}

static void viewer_writable(void *arg, int events)
{
	struct viewer *viewer = arg;

	(void)events;
	loop_poll_del(viewer->vnc->loop, viewer->out);
	viewer->out = NULL;
	vnc_update(viewer->vnc);
}

/* Writable means that a third of the buffer is free, which the supervisor has made large enough. */
static bool viewer_is_writable(const struct viewer *viewer)
{
	struct pollfd pfd = {.fd = viewer->rfb->sock, .events = POLLOUT};

	return poll(&pfd, 1, 0) != 0;
}

/* libvncserver writes an update's header by itself: together they are one packet. */
static void viewer_cork(const struct viewer *viewer, int on)
{
	setsockopt(viewer->rfb->sock, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
}

/* A new size, for one, goes out alone, and its pixels with the next update. */
void viewer_update(struct viewer *viewer)
{
	for (int i = 0; i < PARTS_MAX && viewer_waits(viewer) && FB_UPDATE_PENDING(viewer->rfb);
	     i++) {
		if (!viewer_is_writable(viewer)) {
			viewer->out = loop_poll_add_out(viewer->vnc->loop, viewer->rfb->sock,
							viewer_writable, viewer);
			return;
		}
		viewer_cork(viewer, 1);
		rfbUpdateClient(viewer->rfb);
		if (viewer->rfb->sock >= 0)
			viewer_cork(viewer, 0);
		else
			viewer_close(viewer);
	}
}

/* ---- messages ------------------------------------------------------------------------------- */

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

static void viewer_blame(struct viewer *viewer, const char *what)
{
	log_guest(&viewer->vnc->limit, "vfb %u: a viewer %s; its connection is closed",
		  viewer->vnc->screen->devid, what);
	viewer_close(viewer);
}

/* Reads and forgets what is for nobody.  False: no more has come. */
static bool viewer_drop(struct viewer *viewer, size_t n)
{
	uint8_t scrap[RFB_MESSAGE_MAX];
	ssize_t got;

	if (n > viewer->drop)
		n = viewer->drop;
	got = recv(viewer->rfb->sock, scrap, n, MSG_DONTWAIT);
	if (got <= 0)
		return false;
	viewer->drop -= (size_t)got;
	return true;
}

/* One message.  False: there is none yet, or no viewer any more. */
static bool viewer_message(struct viewer *viewer)
{
	uint8_t head[RFB_MESSAGE_MAX];
	struct rfb_frame frame;
	ssize_t n = recv(viewer->rfb->sock, head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		viewer_close(viewer);
		return false;
	}
	if (viewer->drop > 0)
		return viewer_drop(viewer, (size_t)n);
	if (rfb_frame(&frame, viewer_phase(viewer), head, (size_t)n) < 0) {
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
		return false;
	rfbProcessClientMessage(viewer->rfb);
	if (viewer->rfb->sock >= 0)
		return true;
	if (viewer->rfb->state == RFB_AUTHENTICATION)
		viewer_blame(viewer, "gave a wrong password");
	else
		viewer_close(viewer);
	return false;
}

static void viewer_ready(void *arg, int events);

static void viewer_again(void *arg)
{
	struct viewer *viewer = arg;

	viewer->again = NULL;
	viewer_ready(viewer, 0);
}

static void viewer_ready(void *arg, int events)
{
	struct viewer *viewer = arg;
	struct vnc *vnc = viewer->vnc;
	int count = 0;

	(void)events;
	if (viewer->again)
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

/* ---- coming and going ----------------------------------------------------------------------- */

void viewer_close(struct viewer *viewer)
{
	struct vnc *vnc = viewer->vnc;
	struct loop *loop = vnc->loop;
	bool was_in = viewer->rfb->state == RFB_NORMAL && !viewer->rfb->viewOnly;

	loop_poll_del(loop, viewer->in);
	loop_poll_del(loop, viewer->out);
	loop_timer_del(loop, viewer->deadline);
	loop_timer_del(loop, viewer->again);
	if (viewer->rfb->sock >= 0)
		rfbCloseClient(viewer->rfb);
	rfbClientConnectionGone(viewer->rfb);
	memset(viewer, 0, sizeof(*viewer));
	if (was_in)
		screen_release(vnc->screen);
}

static void viewer_late(void *arg)
{
	struct viewer *viewer = arg;

	viewer->deadline = NULL;
	viewer_blame(viewer, "did not finish its handshake within 10 seconds");
}

/* A free place, or that of the oldest that has not finished its handshake; NULL: neither. */
static struct viewer *viewer_place(struct vnc *vnc)
{
	struct viewer *oldest = NULL;

	for (int i = 0; i < VIEWERS_MAX; i++) {
		struct viewer *viewer = &vnc->viewers[i];

		if (!viewer->vnc)
			return viewer;
		if (viewer->rfb->state != RFB_NORMAL &&
		    (!oldest || viewer->since_ns < oldest->since_ns))
			oldest = viewer;
	}
	if (oldest)
		viewer_close(oldest);
	return oldest;
}

/*
 * A new client of the library's.  It would first wait for 100 ms whether its viewer speaks HTTP,
 * and viewers wait for it; so it finds a greeting in a socket pair's end, writes its own there, and
 * gets the viewer's socket in its place.
 */
static rfbClientPtr rfb_greet(struct vnc *vnc, int fd)
{
	char greeting[sizeof(version)];
	rfbClientPtr rfb = NULL;
	int pair[2];
	ssize_t n = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return NULL;
	if (write(pair[1], version, sizeof(version) - 1) == (ssize_t)sizeof(version) - 1)
		rfb = rfbNewClient(vnc->rfb, pair[0]);
	if (rfb)
		n = read(pair[1], greeting, sizeof(greeting));
	close(pair[1]);
	if (!rfb) /* which has closed it */
		return NULL;
	if (n > 0 && dup3(fd, rfb->sock, O_CLOEXEC) == rfb->sock &&
	    send(fd, greeting, (size_t)n, MSG_NOSIGNAL) == n)
		return rfb;
	rfbCloseClient(rfb);
	rfbClientConnectionGone(rfb);
	return NULL;
}

void viewer_open(struct vnc *vnc, int fd)
{
	struct viewer *viewer = viewer_place(vnc);
	const int on = 1;
	rfbClientPtr rfb;

	if (!viewer) {
		log_guest(&vnc->limit, "vfb %u: has %d viewers; one more is turned away",
			  vnc->screen->devid, VIEWERS_MAX);
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	rfb = rfb_greet(vnc, fd);
	close(fd);
	if (!rfb)
		return;
	rfb->clientData = viewer;
	*viewer = (struct viewer){.vnc = vnc, .rfb = rfb, .since_ns = loop_now_ns()};
	viewer->in = loop_poll_add(vnc->loop, rfb->sock, viewer_ready, viewer);
	viewer->deadline = loop_timer_add(vnc->loop, HANDSHAKE_MS, viewer_late, viewer);
}
