// SPDX-License-Identifier: MIT
/*
 * The filter of an io_uring: what its ring may be asked for.  It belongs to filter.c, but stands
 * alone so that programs with a loop and without a sandbox need no libseccomp.
 */
#include <errno.h>
#include <string.h>

#include "common/filter.h"

int filter_ring(struct io_uring *ring, const struct filter *const *filters)
{
	struct io_uring_restriction list[IORING_OP_LAST + 1];
	unsigned int count = 1;
	uint8_t flags = 0;

	memset(list, 0, sizeof(list));
	for (; *filters; filters++) {
		flags |= (*filters)->sqe_flags;
		for (uint32_t i = 0; i < (*filters)->op_count; i++) {
			if (count > IORING_OP_LAST)
				return -E2BIG;
			list[count].opcode = IORING_RESTRICTION_SQE_OP;
			list[count++].sqe_op = (*filters)->ops[i];
		}
	}
	list[0].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
	list[0].sqe_flags = flags;
	return io_uring_register((unsigned int)ring->ring_fd, IORING_REGISTER_RESTRICTIONS, list,
				 count);
}
