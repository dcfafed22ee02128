/* SPDX-License-Identifier: MIT */
/* A browser's bytes: RFC 6455's handshake and frames.  See websocket.c and webrequest.c. */
#ifndef PVFB_WEBSOCKET_H
#define PVFB_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WEBSOCKET_HEAD_MAX = 14, /* of a frame: 2, a length of 8, a mask of 4 */
	WEBSOCKET_CONTROL_MAX = 125,
	WEBSOCKET_BINARY = 2,
	WEBSOCKET_CLOSE = 8,
	WEBSOCKET_PONG = 10,

	WEB_REQUEST_MAX = 4096,
	WEB_ANSWER_MAX = 512,
};

/* Where in its frames a stream is.  All zero at its beginning. */
struct websocket {
	uint64_t left;	  /* of the frame's payload */
	uint32_t mask_at; /* how much of it has come, modulo 4 */
	uint32_t have;	  /* bytes of the next frame's head */
	uint8_t head[WEBSOCKET_HEAD_MAX];
	bool whole;   /* the head is; its payload comes */
	bool open;    /* a message of several frames is not at its end */
	bool pinged;  /* somebody wants `control` back; to be cleared by who sends it */
	bool closing; /* the viewer has said goodbye, and what it says then is nothing */
	uint32_t control_len;
	uint8_t control[WEBSOCKET_CONTROL_MAX];
};

/*
 * Takes `n` bytes as they come, in any pieces; what they carry replaces them at the beginning of
 * `buf`.  How many bytes that is, or -EPROTO: end the connection.  Pure.
 */
int websocket_take(struct websocket *ws, uint8_t *buf, size_t n);

/* Writes the head of a server's frame.  How long it is.  Pure. */
size_t websocket_head(uint8_t head[WEBSOCKET_HEAD_MAX], uint8_t opcode, uint64_t n);

/* ---- webrequest.c -----------------------------------------------------------------------------
 */

/* The length of the request that `buf` begins with, or 0 if it is not whole yet.  Pure. */
size_t web_request_bytes(const uint8_t *buf, size_t n);

/*
 * Answers a whole request: puts into `answer` what to send, and returns HTTP's status, which is 101
 * if frames are to follow.  Without `any_origin` a page of another host is refused (403).  Pure.
 */
int web_answer(char answer[WEB_ANSWER_MAX], const uint8_t *request, size_t n, bool any_origin);

#endif
