/* SPDX-License-Identifier: MIT */
/* How long an RFB viewer's next message is.  See rfb_frame.c. */
#ifndef PVFB_RFB_FRAME_H
#define PVFB_RFB_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a viewer may say next. */
enum rfb_phase {
	RFB_PHASE_VERSION,
	RFB_PHASE_SECURITY,
	RFB_PHASE_RESPONSE, /* to the password's challenge */
	RFB_PHASE_INIT,
	RFB_PHASE_NORMAL,
};

enum {
	RFB_MESSAGE_MAX = 4 + 4 * 256, /* SetEncodings, with more than any viewer knows */
};

struct rfb_frame {
	size_t bytes; /* of the message, as far as is known */
	bool drop; /* it is for nobody, and of any length: to be read and forgotten as it comes */
};

/*
 * Of a message of which `n` bytes have come.  0; it is complete once n >= frame->bytes.  -EPROTO:
 * nothing that we speak, or longer than RFB_MESSAGE_MAX; end the connection.  Pure.
 */
int rfb_frame(struct rfb_frame *frame, enum rfb_phase phase, const uint8_t *buf, size_t n);

#endif
