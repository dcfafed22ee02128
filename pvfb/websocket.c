// SPDX-License-Identifier: MIT
/*
 * WebSocket frames (RFC 6455 section 5), as a stream of bytes: RFB knows no messages, so where a
 * frame begins and ends means nothing to us.
 *
 * libvncserver has them, too, but waits within a frame for what is still to come; one viewer's half
 * a frame would stop all who look at a screen.
 */
#include "pvfb/websocket.h"

#include <errno.h>
#include <string.h>

enum {
	FIN = 0x80,
	RSV = 0x70,
	OPCODE = 0x0f,
	MASKED = 0x80,
	LENGTH = 0x7f,
	LENGTH_16 = 126,
	LENGTH_64 = 127,
	MASK_BYTES = 4,
	CONTINUATION = 0,
	PING = 9,
};

static uint32_t length_bytes(uint8_t second)
{
	uint8_t length = second & LENGTH;

	return length == LENGTH_64 ? 8 : length == LENGTH_16 ? 2 : 0;
}

static bool is_control(const struct websocket *ws)
{
	return ws->head[0] & WEBSOCKET_CLOSE;
}

static uint64_t head_length(const struct websocket *ws)
{
	uint32_t bytes = length_bytes(ws->head[1]);
	uint64_t length = 0;

	if (bytes == 0)
		return ws->head[1] & LENGTH;
	for (uint32_t i = 0; i < bytes; i++)
		length = length << 8 | ws->head[2 + i];
	return length;
}

/* The head is whole: whether such a frame may come now. */
static int head_check(struct websocket *ws)
{
	uint8_t opcode = ws->head[0] & OPCODE;
	bool fin = ws->head[0] & FIN;

	ws->left = head_length(ws);
	/* Extensions, which were not agreed on; a length that is negative. */
	if (ws->head[0] & RSV || ws->left >> 63)
		return -EPROTO;
	if (is_control(ws)) {
		ws->control_len = 0;
		return fin && ws->left <= WEBSOCKET_CONTROL_MAX && opcode <= WEBSOCKET_PONG
			       ? 0
			       : -EPROTO;
	}
	if (opcode != (ws->open ? CONTINUATION : WEBSOCKET_BINARY))
		return -EPROTO;
	ws->open = !fin;
	return 0;
}

/* One byte of a head.  1: it is whole, 0: it is not, -EPROTO. */
static int head_take(struct websocket *ws, uint8_t byte)
{
	ws->head[ws->have++] = byte;
	if (ws->have < 2)
		return 0;
	/* Section 5.1: a client that does not mask is to be disconnected. */
	if (!(ws->head[1] & MASKED))
		return -EPROTO;
	if (ws->have < 2 + length_bytes(ws->head[1]) + MASK_BYTES)
		return 0;
	return head_check(ws) < 0 ? -EPROTO : 1;
}

static void frame_end(struct websocket *ws)
{
	uint8_t opcode = ws->head[0] & OPCODE;

	ws->pinged |= opcode == PING;
	ws->closing |= opcode == WEBSOCKET_CLOSE;
	ws->have = ws->mask_at = 0;
	ws->whole = false;
}

/* A piece of the frame's payload, of which `out` gets what is RFB's.  How much of `in` it was. */
static size_t payload_take(struct websocket *ws, const uint8_t *in, size_t n, uint8_t **out)
{
	const uint8_t *mask = ws->head + ws->have - MASK_BYTES;

	if (n > ws->left)
		n = (size_t)ws->left;
	for (size_t i = 0; i < n; i++) {
		uint8_t byte = in[i] ^ mask[ws->mask_at++ % MASK_BYTES];

		if (is_control(ws))
			ws->control[ws->control_len++] = byte;
		else
			*(*out)++ = byte;
	}
	ws->mask_at %= MASK_BYTES;
	ws->left -= n;
	return n;
}

int websocket_take(struct websocket *ws, uint8_t *buf, size_t n)
{
	uint8_t *out = buf;

	for (size_t at = 0; at < n && !ws->closing;) {
		if (!ws->whole) {
			int whole = head_take(ws, buf[at++]);

			if (whole < 0)
				return whole;
			ws->whole = whole;
		} else {
			at += payload_take(ws, buf + at, n - at, &out);
		}
		if (ws->whole && ws->left == 0)
			frame_end(ws);
	}
	return (int)(out - buf);
}

size_t websocket_head(uint8_t head[WEBSOCKET_HEAD_MAX], uint8_t opcode, uint64_t n)
{
	uint32_t bytes = n < LENGTH_16 ? 0 : n <= UINT16_MAX ? 2 : 8;

	head[0] = FIN | opcode;
	head[1] = bytes == 0 ? (uint8_t)n : bytes == 2 ? LENGTH_16 : LENGTH_64;
	for (uint32_t i = 0; i < bytes; i++)
		head[2 + i] = (uint8_t)(n >> 8 * (bytes - 1 - i));
	return 2 + bytes;
}
