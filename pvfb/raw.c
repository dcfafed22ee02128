// SPDX-License-Identifier: MIT
/*
 * Updates of viewers that take pixels as the shadow has them: local ones, mostly.  libvncserver
 * would copy them to a buffer of 32 KiB and write that when it is full, 98 times for a screen of
 * 1024x768, and each update's head by itself.  Here an update is one message of one writev(2), from
 * the shadow.
 *
 * It takes from libvncserver which regions were changed and asked for, and leaves them as
 * rfbSendFramebufferUpdate() would.  Whatever is not only pixels (a new size, an encoding, a
 * WebSocket around it) is none of its business.
 */
#include "pvfb/raw.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <rfb/rfb.h>
#include <rfb/rfbregion.h>
#include <string.h>
#include <sys/uio.h>

enum {
	RECTS_MAX = 1024,
};

/* What is to be written next; the shadow's rows stay where they are meanwhile. */
struct pieces {
	int sock;
	int err;
	int count;
	struct iovec piece[IOV_MAX];
};

/* ---- whether ------------------------------------------------------------------------------- */

/* Something else would go out with the pixels, or before them. */
static bool more_waits(const rfbClientRec *rfb)
{
	return (rfb->useNewFBSize && rfb->newFBSizePending) ||
	       (rfb->enableCursorShapeUpdates && rfb->cursorWasChanged) ||
	       (rfb->enableCursorPosUpdates && rfb->cursorWasMoved) ||
	       rfb->enableSupportedMessages || rfb->enableSupportedEncodings ||
	       rfb->enableServerIdentity || !sraRgnEmpty(rfb->copyRegion);
}

static bool is_raw(const rfbClientRec *rfb)
{
	/* -1: it has not said what it takes, and raw is what all have to. */
	return (rfb->preferredEncoding == rfbEncodingRaw || rfb->preferredEncoding == -1) &&
	       rfb->translateFn == rfbTranslateNone && rfb->scaledScreen == rfb->screen &&
	       !rfb->wsctx && !rfb->sslctx;
}

static void raw_measure(struct raw_update *update)
{
	sraRectangleIterator *i = sraRgnGetIterator(update->region);
	sraRect rect;

	update->rects = 0;
	update->bytes = sz_rfbFramebufferUpdateMsg;
	while (sraRgnIteratorNext(i, &rect)) {
		update->rects++;
		update->bytes += sz_rfbFramebufferUpdateRectHeader +
				 (size_t)(rect.x2 - rect.x1) * (size_t)(rect.y2 - rect.y1) *
					 sizeof(uint32_t);
	}
	sraRgnReleaseIterator(i);
}

bool raw_begin(struct raw_update *update, const rfbClientRec *rfb)
{
	if (!is_raw(rfb) || more_waits(rfb))
		return false;
	update->region = sraRgnCreateRgn(rfb->modifiedRegion);
	sraRgnAnd(update->region, rfb->requestedRegion);
	raw_measure(update);
	if (update->rects > 0 && update->rects <= RECTS_MAX && update->bytes <= RAW_BYTES_MAX)
		return true;
	raw_end(update);
	return false;
}

void raw_end(struct raw_update *update)
{
	sraRgnDestroy(update->region);
	update->region = NULL;
}

/* ---- sending ------------------------------------------------------------------------------- */

/* The socket had room for all of it, so that a wait is for the kernel, and rare. */
static int write_some(int sock, const struct iovec *piece, int count)
{
	struct pollfd pfd = {.fd = sock, .events = POLLOUT};

	while (true) {
		ssize_t n = writev(sock, piece, count);

		if (n >= 0)
			return (int)n;
		if (errno == EAGAIN && poll(&pfd, 1, WRITE_WAIT_MS) == 0)
			return -ETIMEDOUT;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
}

static void pieces_write(struct pieces *pieces)
{
	struct iovec *piece = pieces->piece, *end = piece + pieces->count;

	while (piece < end && pieces->err == 0) {
		int n = write_some(pieces->sock, piece, (int)(end - piece));

		if (n < 0)
			pieces->err = n;
		for (; n > 0 && (size_t)n >= piece->iov_len; piece++)
			n -= (int)piece->iov_len;
		if (n > 0) {
			piece->iov_base = (char *)piece->iov_base + n;
			piece->iov_len -= (size_t)n;
		}
	}
	pieces->count = 0;
}

static void pieces_add(struct pieces *pieces, void *base, size_t len)
{
	if (pieces->count == IOV_MAX)
		pieces_write(pieces);
	pieces->piece[pieces->count++] = (struct iovec){base, len};
}

/* Rows that are next to each other in memory are one piece. */
static void pieces_add_rect(struct pieces *pieces, const rfbScreenInfo *screen, const sraRect *rect)
{
	size_t pitch = (size_t)screen->paddedWidthInBytes;
	size_t bytes = (size_t)(rect->x2 - rect->x1) * sizeof(uint32_t);
	size_t rows = (size_t)(rect->y2 - rect->y1);
	char *at = screen->frameBuffer + (size_t)rect->y1 * pitch +
		   (size_t)rect->x1 * sizeof(uint32_t);

	if (bytes == pitch) {
		pieces_add(pieces, at, bytes * rows);
		return;
	}
	for (size_t i = 0; i < rows; i++)
		pieces_add(pieces, at + i * pitch, bytes);
}

static void head_write(rfbFramebufferUpdateRectHeader *head, const sraRect *rect)
{
	head->r.x = Swap16IfLE((uint16_t)rect->x1);
	head->r.y = Swap16IfLE((uint16_t)rect->y1);
	head->r.w = Swap16IfLE((uint16_t)(rect->x2 - rect->x1));
	head->r.h = Swap16IfLE((uint16_t)(rect->y2 - rect->y1));
	head->encoding = Swap32IfLE(rfbEncodingRaw);
}

static int raw_write(const struct raw_update *update, const rfbClientRec *rfb)
{
	static struct pieces pieces; /* one thread serves all viewers, one after the other */
	static rfbFramebufferUpdateRectHeader heads[RECTS_MAX];
	static rfbFramebufferUpdateMsg message;
	sraRectangleIterator *i = sraRgnGetIterator(update->region);
	sraRect rect;

	message = (rfbFramebufferUpdateMsg){.type = rfbFramebufferUpdate,
					    .nRects = Swap16IfLE((uint16_t)update->rects)};
	pieces.sock = rfb->sock;
	pieces.err = 0;
	pieces_add(&pieces, &message, sz_rfbFramebufferUpdateMsg);
	for (uint32_t n = 0; n < update->rects && sraRgnIteratorNext(i, &rect); n++) {
		head_write(&heads[n], &rect);
		pieces_add(&pieces, &heads[n], sz_rfbFramebufferUpdateRectHeader);
		pieces_add_rect(&pieces, rfb->screen, &rect);
	}
	sraRgnReleaseIterator(i);
	pieces_write(&pieces);
	return pieces.err;
}

int raw_send(const struct raw_update *update, rfbClientRec *rfb)
{
	sraRgnSubtract(rfb->modifiedRegion, update->region);
	sraRgnMakeEmpty(rfb->requestedRegion);
	return raw_write(update, rfb);
}
