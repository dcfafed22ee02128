/* SPDX-License-Identifier: MIT */
/* A newly installed program takes the place of the running one, under live guests.  See upgrade.c.
 */
#ifndef COMMON_UPGRADE_H
#define COMMON_UPGRADE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/child.h"

enum {
	/*
	 * What one program leaves to the next: count it up when the channel, the journal or the
	 * connection's file has another meaning than before, though no other size.
	 */
	UPGRADE_FORMAT = 1,
	UPGRADE_PATH_MAX = 4096,
};

struct backend;
struct device;
struct guest;
struct sup;

enum upgrade_phase {
	UPGRADE_IDLE,
	UPGRADE_CHECKING, /* the new program is asked what it understands */
	UPGRADE_ENDING,	  /* workers finish what is under way */
	UPGRADE_WAITING,  /* for the disks to go on */
};

/* Owned by sup. */
struct upgrade {
	char program[UPGRADE_PATH_MAX]; /* what we were started as; "": that is not known */
	char **argv;			/* our own */
	enum upgrade_phase phase;
	int fd;	   /* the new program; -1: none */
	bool all;  /* and we ourselves, too */
	bool exec; /* the supervisor ends to become the new program */
	uint16_t domid;
	char id[16]; /* the wish's, for the answer */
	struct child child;
	struct loop_timer *limit;
	char format[64];
};

/* Before anything changes its directory. */
void upgrade_init(struct sup *sup, char **argv);
/* The store is there: looks for wishes, by events of this token.  0 or -errno. */
int upgrade_watch(struct sup *sup);
bool upgrade_is_token(const char *token);
/* At our start: what was wished for before is what we are, and is answered when all disks go on. */
void upgrade_resume(struct sup *sup);
/* The wish's node changed. */
void upgrade_wished(struct sup *sup);
/* At the end of each turn. */
void upgrade_turn(struct sup *sup);
/* This guest's worker ended, since it was told to; no fault of it. */
bool upgrade_ended(struct sup *sup, const struct guest *guest);
/* After sup_main(), if it ended for that: becomes the new program; returns if that failed. */
void upgrade_exec(struct sup *sup);

/* PROGRAM --takes=FORMAT, as main() was called: exit status. */
int upgrade_takes(const struct backend *backend, const char *format);

#endif
