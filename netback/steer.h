/* SPDX-License-Identifier: MIT */
/* By which of a tap's queues a packet comes, as a guest's hash mapping has it.  See steer.c. */
#ifndef NETBACK_STEER_H
#define NETBACK_STEER_H

#include <stdint.h>

#include "netback/hash.h"

enum {
	STEER_BYTES = 36 /* that are hashed at most */
};

/* What the kernel's program reads, in a map that the worker writes. */
struct steer {
	uint32_t flags; /* of struct hash */
	uint32_t mapping_size;
	uint32_t mapping[HASH_MAPPING_MAX];
	/* What each byte of the addresses and ports adds (XOR) to the hash: Toeplitz is linear. */
	uint32_t table[STEER_BYTES][256];
};

/* ---- the supervisor ---------------------------------------------------------------------- */

/* The program and its map; both -1 if this kernel has no BPF.  Owned by their nic. */
struct steer_fds {
	int program, map;
};

/* 0 or -errno. */
int steer_open(struct steer_fds *fds);
void steer_close(struct steer_fds *fds);

/* ---- the worker -------------------------------------------------------------------------- */

/* Maps it and closes map_fd; NULL without one. */
struct steer *steer_map(int map_fd);
void steer_unmap(struct steer *steer);
/* Has the tap choose queues by `hash`, or as it likes if that chooses none.  0 or -errno. */
int steer_set(struct steer *steer, int tap_fd, int program_fd, const struct hash *hash);

/* What it asks of the kernel when it is confined: filter.h. */
extern const struct filter steer_filter;

#endif
