// SPDX-License-Identifier: MIT
/*
 * libvncserver writes an update to a descriptor, in pieces, and a browser wants to know beforehand
 * how long it is.  So it is written to a file in memory and sent from there as one frame.  Its
 * writer never waits, however much it writes.
 *
 * There is one for a worker, since its one thread serves one viewer at a time; it is empty between
 * two of them, and its memory given back.
 */
#include "pvfb/tape.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/log.h"
#include "pvfb/raw.h"

enum {
	TAPE_MAX = 2 * RAW_BYTES_MAX, /* twice a slice's pixels: vnc.c */
	TAPE_START = WEBSOCKET_HEAD_MAX,
};

static struct {
	int fd;
	uint8_t *map; /* beyond its end, only addresses */
} tape = {.fd = -1};

int tape_open(void)
{
	int err;

	tape.fd = memfd_create("pvfb-tape", MFD_CLOEXEC);
	if (tape.fd >= 0)
		tape.map = mmap(NULL, TAPE_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, tape.fd, 0);
	if (tape.fd >= 0 && tape.map != MAP_FAILED)
		return 0;
	err = -errno;
	log_error("can't make a file in memory for browsers: %s", strerror(-err));
	return err;
}

int tape_insert(int fd)
{
	if (lseek(tape.fd, TAPE_START, SEEK_SET) != TAPE_START)
		return -errno;
	return dup3(tape.fd, fd, O_CLOEXEC) == fd ? 0 : -errno;
}

ssize_t tape_written(uint8_t **data)
{
	off_t end = lseek(tape.fd, 0, SEEK_CUR);

	if (end > TAPE_MAX)
		return -EFBIG;
	*data = tape.map + TAPE_START;
	return end - TAPE_START;
}

void tape_wipe(void)
{
	if (ftruncate(tape.fd, 0) < 0)
		log_panic("can't empty the file for browsers: %s", strerror(errno));
}

static const struct filter_rule tape_rules[] = {
	FILTER_ALLOW(lseek),
	FILTER_ALLOW(ftruncate),
	FILTER_ALLOW(dup3),
};

const struct filter tape_filter = {FILTER_RULES(tape_rules)};
