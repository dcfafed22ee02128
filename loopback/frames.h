/* SPDX-License-Identifier: MIT */
/* What a guest's kernel knows of its programs' pages. */
#ifndef LOOPBACK_FRAMES_H
#define LOOPBACK_FRAMES_H

#include <stdint.h>

/* The frame of each page that this domain has granted by `refs`.  0 or -errno. */
int frames_of(const uint32_t *refs, unsigned int n, uint64_t *frames);

#endif
