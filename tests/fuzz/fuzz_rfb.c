// SPDX-License-Identifier: MIT
/*
 * A libFuzzer target: any bytes as what a viewer says, which come in any pieces.  A message's
 * length is never told shorter when more of it has come, nothing is longer than what its reader has
 * room for unless it is to be dropped, and what was refused once is refused with all of it there.
 */
#include <errno.h>

#include "pvfb/rfb_frame.h"
#include "tests/fuzz/fuzz.h"

static size_t message(enum rfb_phase phase, const uint8_t *data, size_t size)
{
	struct rfb_frame whole, part = {0};
	int err = rfb_frame(&whole, phase, data, size);

	for (size_t n = 1; n <= size && n <= 16; n++) {
		struct rfb_frame frame;
		int err_part = rfb_frame(&frame, phase, data, n);

		check(err_part == 0 || err == err_part);
		if (err_part < 0)
			return 0;
		check(frame.bytes >= part.bytes);
		check(frame.drop || frame.bytes <= RFB_MESSAGE_MAX);
		part = frame;
	}
	if (err < 0)
		return 0;
	check(whole.bytes >= 1);
	return whole.bytes <= size ? whole.bytes : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum rfb_phase phases[] = {RFB_PHASE_VERSION, RFB_PHASE_SECURITY,
						RFB_PHASE_RESPONSE, RFB_PHASE_INIT};
	size_t n;

	for (int i = 0; i < 4 && (n = message(phases[i], data, size)) > 0; i++) {
		data += n;
		size -= n;
	}
	while ((n = message(RFB_PHASE_NORMAL, data, size)) > 0) {
		data += n;
		size -= n;
	}
	return 0;
}
