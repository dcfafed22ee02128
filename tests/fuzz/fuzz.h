/* SPDX-License-Identifier: MIT */
/* What fuzz targets share. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A broken promise is a crash, which is what libFuzzer looks for. */
static inline void check(int holds)
{
	if (!holds)
		abort();
}

/* The next descriptor's number: one that was not closed makes it another. */
static inline int fd_next(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

/* What is left of an input. */
struct bytes {
	const uint8_t *at;
	size_t left;
};

/* The next `n` bytes; zeros where it has ended. */
static inline void bytes_take(struct bytes *bytes, void *to, size_t n)
{
	size_t got = n < bytes->left ? n : bytes->left;

	memset(to, 0, n);
	if (got)
		memcpy(to, bytes->at, got);
	bytes->at += got;
	bytes->left -= got;
}

#endif
