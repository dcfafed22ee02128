// SPDX-License-Identifier: MIT
/*
 * The lengths of RFB's client messages (RFC 6143 section 7.5, and rfbproto's community extensions).
 *
 * libvncserver reads a message in pieces and waits for each: half a message would stop the screens
 * of all who look at it.  So it is given a message only when all of it is there.  What it knows and
 * we do not offer (file transfer, text chat, scaling, ...) never reaches it.
 */
#include "pvfb/rfb_frame.h"

#include <errno.h>

enum {
	SET_PIXEL_FORMAT = 0,
	SET_ENCODINGS = 2,
	UPDATE_REQUEST = 3,
	KEY_EVENT = 4,
	POINTER_EVENT = 5,
	CUT_TEXT = 6,
	XVP = 250,
	SET_DESKTOP_SIZE = 251,
	QEMU = 255,

	CUT_TEXT_HEADER = 8,
	CUT_TEXT_MAX = 1 << 20, /* to be thrown away, but somebody has to read it */
	SCREENS_MAX = 16,
};

static uint32_t number(const uint8_t *buf, unsigned int bytes)
{
	uint32_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | *buf++;
	return value;
}

/* A clipboard's new text.  Of the extended kind the length is negative. */
static int cut_text(struct rfb_frame *frame, const uint8_t *buf, size_t n)
{
	int64_t length;

	frame->bytes = CUT_TEXT_HEADER;
	if (n < CUT_TEXT_HEADER)
		return 0;
	length = (int32_t)number(buf + 4, 4);
	length = length < 0 ? -length : length;
	frame->bytes += (size_t)length;
	frame->drop = true;
	return length > CUT_TEXT_MAX ? -EPROTO : 0;
}

static int counted(struct rfb_frame *frame, size_t header, size_t each, uint32_t count,
		   uint32_t max)
{
	frame->bytes = header + each * count;
	return count > max ? -EPROTO : 0;
}

static int normal(struct rfb_frame *frame, const uint8_t *buf, size_t n)
{
	switch (buf[0]) {
	case SET_PIXEL_FORMAT:
		frame->bytes = 20;
		return 0;
	case SET_ENCODINGS:
		frame->bytes = 4;
		return n < 4 ? 0
			     : counted(frame, 4, 4, number(buf + 2, 2), (RFB_MESSAGE_MAX - 4) / 4);
	case UPDATE_REQUEST:
		frame->bytes = 10;
		return 0;
	case KEY_EVENT:
		frame->bytes = 8;
		return 0;
	case POINTER_EVENT:
		frame->bytes = 6;
		return 0;
	case CUT_TEXT:
		return cut_text(frame, buf, n);
	case XVP:
		frame->bytes = 4;
		return 0;
	case SET_DESKTOP_SIZE:
		frame->bytes = 8;
		return n < 8 ? 0 : counted(frame, 8, 16, buf[6], SCREENS_MAX);
	case QEMU:
		frame->bytes = 12;
		return n < 2 || buf[1] == 0 ? 0 : -EPROTO; /* 1 is sound */
	default:
		return -EPROTO;
	}
}

int rfb_frame(struct rfb_frame *frame, enum rfb_phase phase, const uint8_t *buf, size_t n)
{
	static const uint8_t fixed[] = {
		[RFB_PHASE_VERSION] = 12,
		[RFB_PHASE_SECURITY] = 1,
		[RFB_PHASE_RESPONSE] = 16,
		[RFB_PHASE_INIT] = 1,
	};
	static const char version[] = "RFB 003.";

	frame->drop = false;
	frame->bytes = 1;
	if (phase != RFB_PHASE_NORMAL)
		frame->bytes = fixed[phase];
	for (size_t i = 0; phase == RFB_PHASE_VERSION && i < n && i < sizeof(version) - 1; i++)
		if (buf[i] != (uint8_t)version[i])
			return -EPROTO;
	return phase != RFB_PHASE_NORMAL || n == 0 ? 0 : normal(frame, buf, n);
}
