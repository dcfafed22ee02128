/* SPDX-License-Identifier: MIT */
/* Something asked of a daemon, and its answer, by two nodes of the store.  See wish.c. */
#ifndef HALFBACK_WISH_H
#define HALFBACK_WISH_H

#include <xenstore.h>

#include "common/store.h"

struct wish {
	struct xs_handle *xs;
	char id[16];
	char node[STORE_PATH_MAX], answer[STORE_PATH_MAX];
	char guard[STORE_PATH_MAX]; /* what has to be there all the time; "": nothing */
};

/* For the nodes NODE and NODE-answer.  0, or -1 after a sentence. */
int wish_open(struct wish *wish, const char *node);
void wish_close(struct wish *wish);
/* Asks for `what` and waits: what stands behind our id, for free(); or NULL after a sentence. */
char *wish_make(struct wish *wish, const char *what);

#endif
