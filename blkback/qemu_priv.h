/* SPDX-License-Identifier: MIT */
/* What qemu.c, an image's server, and qemu_grow.c share; nobody else includes it. */
#ifndef BLKBACK_QEMU_PRIV_H
#define BLKBACK_QEMU_PRIV_H

#include "blkback/image.h"
#include "blkback/qemu.h"
#include "common/child.h"
#include "common/log.h"

/* What is done while an image is made larger. */
enum qemu_growth {
	GROWTH_NONE,
	GROWTH_SERVER, /* its qemu-nbd is told to end */
	GROWTH_IMAGE,  /* qemu-img resize runs */
};

struct qemu {
	struct child child; /* first */
	struct loop *loop;
	LIST_ENTRY(qemu) link;	   /* once closed */
	const struct image *image; /* NULL: closed, and freed when the child has ended */
	int file;		   /* the image */
	bool direct;
	bool checking; /* qemu-img check runs */
	int listening;
	int address; /* of the socket, which has no name any more */
	struct loop_timer *again, *limit;
	uint64_t started_ns;
	void *arg;
	void (*checked)(void *arg, const char *why); /* NULL: has been told */
	void (*failed)(void *arg, const char *why);
	enum qemu_growth growth;
	uint64_t grow_bytes;
	void (*grown)(void *arg, const char *why);
	struct log_limit log;
	char uid[12];
	char why[512];
};

/* Starts one of QEMU's tools in the cage.  0 or -errno. */
int qemu_run(struct qemu *qemu, const char *const *command);
/* What it said last, less its name and the image's, which a sentence has already. */
const char *qemu_said(struct qemu *qemu);
/* Tells qemu-nbd to write what it holds and to end; more than once, by the timer qemu->again. */
void qemu_end(void *arg);
/* For a timer, qemu->limit: ends a tool that takes too long. */
void qemu_late(void *arg);
/* Starts qemu-nbd in so many milliseconds, if somebody waits for it. */
void qemu_start_if_wanted(struct qemu *qemu, uint32_t ms);

/* The tool that qemu_grow() has ended or started is gone. */
void qemu_grow_ended(struct qemu *qemu, int status);

#endif
