// SPDX-License-Identifier: MIT
/*
 * A libFuzzer target: any bytes as what a browser sends.  An answer is whole and in its buffer,
 * whatever the request.  Frames carry no more than has come, and the same in pieces as at once; a
 * ping's text stays within its bounds.
 */
#include <stdlib.h>
#include <string.h>

#include "pvfb/websocket.h"
#include "tests/fuzz/fuzz.h"

enum {
	BYTES_MAX = 1 << 14
};

static void request(const uint8_t *data, size_t size)
{
	char answer[WEB_ANSWER_MAX];
	size_t n = web_request_bytes(data, size);
	int status;

	check(n <= size);
	for (int any = 0; any < 2; any++) {
		memset(answer, 'x', sizeof(answer));
		status = web_answer(answer, data, n > 0 ? n : size, any);
		check(memchr(answer, '\0', sizeof(answer)) != NULL);
		check(strncmp(answer, "HTTP/1.1 ", 9) == 0 && atoi(answer + 9) == status);
		check(strstr(answer, "\r\n\r\n") != NULL);
	}
}

/* `step` bytes at once: how many are carried, or -1. */
static int stream(uint8_t *out, const uint8_t *data, size_t size, size_t step)
{
	static uint8_t piece[BYTES_MAX];
	struct websocket ws = {0};
	int len = 0;

	for (size_t at = 0; at < size; at += step) {
		size_t n = size - at < step ? size - at : step;
		int took;

		memcpy(piece, data + at, n);
		took = websocket_take(&ws, piece, n);
		check(took <= (int)n && ws.control_len <= WEBSOCKET_CONTROL_MAX);
		check(ws.have <= WEBSOCKET_HEAD_MAX);
		if (took < 0)
			return -1;
		memcpy(out + len, piece, (size_t)took);
		len += took;
	}
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t whole[BYTES_MAX], parts[BYTES_MAX];
	static const size_t steps[] = {1, 7};
	int n;

	if (size > BYTES_MAX)
		return 0;
	request(data, size);
	n = stream(whole, data, size, BYTES_MAX);
	for (int i = 0; i < 2; i++) {
		check(stream(parts, data, size, steps[i]) == n);
		check(n < 0 || memcmp(whole, parts, (size_t)n) == 0);
	}
	return 0;
}
