// SPDX-License-Identifier: MIT
/*
 * Makes an image larger while a guest uses it: its qemu-nbd ends, qemu-img resize does it in the
 * same cage, and the worker, whose I/O waits as for any server that is away, gets a new qemu-nbd.
 *
 * A qemu-storage-daemon could do it without ending (QMP block_resize).  But an NBD client learns
 * sizes in its handshake only, so it would have to connect anew all the same; and the supervisor
 * would have to speak JSON with a process that reads what a guest wrote.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "blkback/qemu_priv.h"

enum {
	GROW_MS = 10000, /* for each of the two tools; they write tables, no data */
};

static void grow_end(struct qemu *qemu, const char *why)
{
	qemu->growth = GROWTH_NONE;
	qemu_start_if_wanted(qemu, 0);
	qemu->grown(qemu->arg, why);
}

static void grow_image(struct qemu *qemu)
{
	const struct target *target = &qemu->image->target;
	char bytes[24];
	const char *command[] = {"/usr/bin/qemu-img", "resize", "-q", "-f", target->format, "--",
				 target->path,	      bytes,	NULL};
	int err;

	snprintf(bytes, sizeof(bytes), "%" PRIu64, qemu->grow_bytes);
	qemu->growth = GROWTH_IMAGE;
	err = qemu_run(qemu, command);
	if (err < 0)
		grow_end(qemu, strerror(-err));
	else
		qemu->limit = loop_timer_add(qemu->loop, GROW_MS, qemu_late, qemu);
}

void qemu_grow(struct qemu *qemu, uint64_t bytes, void (*grown)(void *arg, const char *why))
{
	loop_timer_del(qemu->loop, qemu->again);
	qemu->again = NULL;
	qemu->grow_bytes = bytes;
	qemu->grown = grown;
	if (qemu->child.pid == 0) {
		grow_image(qemu);
		return;
	}
	qemu->growth = GROWTH_SERVER;
	/* Killed, it loses what was not flushed; the worker writes that again. */
	qemu->limit = loop_timer_add(qemu->loop, GROW_MS, qemu_late, qemu);
	qemu_end(qemu);
}

void qemu_grow_ended(struct qemu *qemu, int status)
{
	if (qemu->growth == GROWTH_SERVER) {
		loop_timer_del(qemu->loop, qemu->again);
		qemu->again = NULL;
		grow_image(qemu);
		return;
	}
	if (status != 0)
		snprintf(qemu->why, sizeof(qemu->why), "%.300s",
			 WIFSIGNALED(status) ? "qemu-img takes too long" : qemu_said(qemu));
	grow_end(qemu, status == 0 ? NULL : qemu->why);
}
