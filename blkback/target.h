/* SPDX-License-Identifier: MIT */
/* What the toolstack's `params` names: a file, or something that is served by NBD.  See target.c.
 */
#ifndef BLKBACK_TARGET_H
#define BLKBACK_TARGET_H

#include <stdbool.h>

enum {
	TARGET_HOST_MAX = 256,
	TARGET_SOCKET_MAX = 108, /* sun_path */
	TARGET_EXPORT_MAX = 512, /* fits a message, with its end */
};

enum target_kind {
	TARGET_LOCAL,  /* a path, or null:SIZE */
	TARGET_FORMAT, /* a path to an image that qemu-nbd serves */
	TARGET_TCP,    /* nbd://host[:port]/export */
	TARGET_UNIX,   /* nbd+unix:///export?socket=/path */
};

struct target {
	enum target_kind kind;
	const char *format; /* QEMU's name of it */
	const char *path;   /* LOCAL and FORMAT: within the text that was parsed */
	char host[TARGET_HOST_MAX];
	char port[8];
	char socket[TARGET_SOCKET_MAX];
	char export[TARGET_EXPORT_MAX];
};

/* Takes `text` apart.  0, or -EINVAL and *why in a few words that follow the text.  Pure. */
int target_parse(const char *text, struct target *target, const char **why);

#endif
