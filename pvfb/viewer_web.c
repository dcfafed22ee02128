// SPDX-License-Identifier: MIT
/*
 * A viewer in a browser: RFB in WebSocket frames.  What comes is taken out of its frames and waits
 * in viewer->said until a message is whole.  libvncserver reads that from a socket pair, and
 * answers there; its updates, which may be larger than what a socket holds, it writes to the tape.
 */
#include <errno.h>
#include <fcntl.h>
#include <rfb/rfb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pvfb/screen.h"
#include "pvfb/tape.h"
#include "pvfb/vnc.h"

enum {
	WEB_SEND_MAX = 4096
};

bool web_send(struct viewer *viewer, uint8_t opcode, const void *data, size_t n)
{
	uint8_t frame[WEBSOCKET_HEAD_MAX + WEB_SEND_MAX];
	size_t head = websocket_head(frame, opcode, n);

	memcpy(frame + head, data, n);
	return send(viewer->sock, frame, head + n, MSG_NOSIGNAL) == (ssize_t)(head + n);
}

ssize_t web_hear(struct viewer *viewer)
{
	struct websocket *ws = &viewer->ws;

	while (viewer->heard < sizeof(viewer->said) && !ws->closing) {
		uint8_t *to = viewer->said + viewer->heard;
		ssize_t n =
			recv(viewer->sock, to, sizeof(viewer->said) - viewer->heard, MSG_DONTWAIT);
		int took;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return viewer->heard > 0 ? (ssize_t)viewer->heard : -EAGAIN;
		if (n <= 0)
			break;
		took = websocket_take(ws, to, (size_t)n);
		if (took < 0)
			return took;
		viewer->heard += (uint32_t)took;
		if (ws->pinged && !web_send(viewer, WEBSOCKET_PONG, ws->control, ws->control_len))
			return 0;
		ws->pinged = false;
	}
	return viewer->heard;
}

void web_forget(struct viewer *viewer, size_t n)
{
	viewer->heard -= (uint32_t)n;
	memmove(viewer->said, viewer->said + n, viewer->heard);
}

/* Passes on what libvncserver has answered. */
static bool web_answer_send(struct viewer *viewer)
{
	uint8_t text[WEB_SEND_MAX];
	ssize_t n;

	while ((n = recv(viewer->far, text, sizeof(text), MSG_DONTWAIT)) > 0)
		if (!web_send(viewer, WEBSOCKET_BINARY, text, (size_t)n))
			return false;
	return true;
}

bool web_message(struct viewer *viewer, size_t n)
{
	if (send(viewer->far, viewer->said, n, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)n)
		return false;
	web_forget(viewer, n);
	rfbProcessClientMessage(viewer->rfb);
	return web_answer_send(viewer) && viewer->rfb->sock >= 0;
}

/* Sends what is on the tape, if anything is. */
static bool web_send_tape(struct viewer *viewer)
{
	uint8_t head[WEBSOCKET_HEAD_MAX], *data;
	ssize_t len = tape_written(&data);
	size_t before;

	if (len <= 0)
		return len == 0;
	before = websocket_head(head, WEBSOCKET_BINARY, (size_t)len);
	memcpy(data - before, head, before);
	return send(viewer->sock, data - before, before + (size_t)len, MSG_NOSIGNAL) ==
	       (ssize_t)before + len;
}

bool web_update(struct viewer *viewer)
{
	rfbClientPtr rfb = viewer->rfb;
	bool sent;

	if (tape_insert(rfb->sock) < 0)
		return false;
	rfbUpdateClient(rfb);
	sent = web_send_tape(viewer);
	tape_wipe();
	return sent && rfb->sock >= 0 && dup3(viewer->near, rfb->sock, O_CLOEXEC) == rfb->sock;
}

void web_close(struct viewer *viewer)
{
	web_send(viewer, WEBSOCKET_CLOSE, "", 0);
	close(viewer->near);
	close(viewer->far);
}
