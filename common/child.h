/* SPDX-License-Identifier: MIT */
/* A helper process of the supervisor: this same program, started anew with another first word. */
#ifndef COMMON_CHILD_H
#define COMMON_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include "common/loop.h"

enum {
	CHILD_FD = 3,	   /* the first of the descriptors that a child is given */
	CHILD_FDS_MAX = 4, /* how many */
	CHILD_SAID_MAX = 16384
};

/* Embedded in its owner's struct, which may free itself in ended(). */
struct child {
	struct loop *loop;
	int pid; /* 0: none */
	int pidfd;
	int output; /* what it writes to stdout and stderr comes here */
	struct loop_poll *pid_poll, *output_poll;
	size_t said_len;
	char said[CHILD_SAID_MAX]; /* the beginning of its output; ends in 0 */
	/* It is gone and reaped; `status` as waitpid(2) has it. */
	void (*ended)(struct child *child, int status);
};

struct child_plan {
	const char *program;	 /* NULL: this same one */
	const char *const *argv; /* argv[0] is its name in ps, argv[1] chooses what it is */
	const int *fds;		 /* become its descriptors 3, 4, ...; stay the caller's */
	int nfds;
	bool own_pids; /* in a process id namespace of its own, as its first process */
};

/* Starts one; child->ended must be set.  0 or -errno. */
int child_start(struct child *child, struct loop *loop, const struct child_plan *plan);
void child_signal(const struct child *child, int sig);
/* Kills it; ended() is not called.  Fine if there is none. */
void child_drop(struct child *child);
/* The last line that it wrote, without its end; within child->said, which is changed. */
const char *child_last_line(struct child *child);

#endif
