// SPDX-License-Identifier: MIT
/*
 * One end of a vchan, on Debian's own libxenvchan: the proof that a Xen program which knows
 * nothing of the embedded Xen runs on it.
 *
 *   vchan_peer server|client DOMID PATH MIB
 *
 * The client sends MIB MiB of a known sequence, the server checks it and sends as much of
 * another back.  Each side says "verified" when it has checked all bytes.  The server then
 * waits for the client's end and says "closed"; the client stays until it is ended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <libxenvchan.h>

#define CHUNK 60000u /* no divisor of the ring's size */

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void fill(char *buf, size_t size, uint64_t *seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		buf[i] = (char)next(seed);
}

static int send_all(struct libxenvchan *v, size_t size, uint64_t seed)
{
	char buf[CHUNK];
	size_t part, at;
	int n;

	for (; size; size -= part) {
		part = size < CHUNK ? size : CHUNK;
		fill(buf, part, &seed);
		for (at = 0; at < part; at += (size_t)n) {
			n = libxenvchan_write(v, buf + at, part - at);
			if (n <= 0)
				return -1;
		}
	}
	return 0;
}

static int receive_all(struct libxenvchan *v, size_t size, uint64_t seed)
{
	char buf[CHUNK], want[CHUNK];
	int n;

	for (; size; size -= (size_t)n) {
		n = libxenvchan_read(v, buf, size < CHUNK ? size : CHUNK);
		if (n <= 0)
			return -1;
		fill(want, (size_t)n, &seed);
		if (memcmp(buf, want, (size_t)n))
			return -1;
	}
	puts("verified");
	return fflush(stdout);
}

static int serve(struct libxenvchan *v, size_t size)
{
	char byte;

	if (receive_all(v, size, 1) || send_all(v, size, 2))
		return 1;
	if (libxenvchan_read(v, &byte, 1) != -1)
		return 1;
	puts(libxenvchan_is_open(v) ? "open" : "closed");
	return 0;
}

static int use(struct libxenvchan *v, size_t size)
{
	if (send_all(v, size, 1) || receive_all(v, size, 2))
		return 1;
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	struct libxenvchan *v;
	size_t size;
	int rc;

	if (argc != 5) {
		fprintf(stderr, "usage: vchan_peer server|client DOMID PATH MIB\n");
		return 2;
	}
	size = strtoul(argv[4], NULL, 10) << 20;
	if (!strcmp(argv[1], "server"))
		v = libxenvchan_server_init(NULL, atoi(argv[2]), argv[3], 1 << 16, 1 << 16);
	else
		v = libxenvchan_client_init(NULL, atoi(argv[2]), argv[3]);
	if (!v) {
		perror("vchan_peer: no vchan");
		return 1;
	}
	v->blocking = 1;
	rc = strcmp(argv[1], "server") ? use(v, size) : serve(v, size);
	libxenvchan_close(v);
	return rc;
}
