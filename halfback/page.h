/* SPDX-License-Identifier: MIT */
/* A web page on a guest's screen.  See page.c. */
#ifndef HALFBACK_PAGE_H
#define HALFBACK_PAGE_H

#include <stdint.h>

enum {
	PAGE_PORT = 6080, /* noVNC's */
	PAGE_PORTS = 100, /* tried */
};

struct page {
	int files;    /* noVNC's directory */
	int listener; /* at 127.0.0.1 */
	uint16_t port;
	char start[192]; /* what "/" leads to: a file and its parameters */
};

/*
 * Opens both; at `port`, or at the first that is free from PAGE_PORT on if it is 0.  0; -ENOENT:
 * noVNC is not installed; -1 after a sentence.
 */
int page_open(struct page *page, const char *directory, uint16_t port);

/* Confines the process and serves, until it is killed.  -1 after a sentence. */
int page_serve(struct page *page);

#endif
