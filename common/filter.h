/* SPDX-License-Identifier: MIT */
/*
 * What a confined process may ask of the kernel.  Each module that makes system calls after the
 * sandbox has closed, or queues operations on an io_uring, names them in a table of its own, beside
 * the code; a process loads the tables of the modules that it consists of.  See filter.c.
 */
#ifndef COMMON_FILTER_H
#define COMMON_FILTER_H

#include <seccomp.h>
#include <stdint.h>

#include "common/loop.h"

/* One system call, or one way to make it: rules for the same call add up. */
struct filter_rule {
	int call;	    /* SCMP_SYS(name) */
	int err;	    /* 0: it is let through; else it fails with this errno */
	unsigned int count; /* of args, all of which have to match */
	struct scmp_arg_cmp args[1];
};

#define FILTER_ALLOW(name)                                                                         \
	{                                                                                          \
		.call = SCMP_SYS(name)                                                             \
	}
/* If argument `arg` (from 0) has `value` in the bits of `mask`. */
#define FILTER_MASK(name, arg, mask, value)                                                        \
	{                                                                                          \
		.call = SCMP_SYS(name), .count = 1, .args = {                                      \
			{arg, SCMP_CMP_MASKED_EQ, (mask), (value)}                                 \
		}                                                                                  \
	}
/* If an argument that is an int is `value`: the kernel looks at no more than 32 bits of it. */
#define FILTER_INT(name, arg, value) FILTER_MASK(name, arg, UINT32_MAX, (uint32_t)(value))
/* If an argument that is a pointer is NULL. */
#define FILTER_NULL(name, arg) FILTER_MASK(name, arg, UINT64_MAX, 0)
#define FILTER_FAIL(name, error)                                                                   \
	{                                                                                          \
		.call = SCMP_SYS(name), .err = (error)                                             \
	}

/* One module's table. */
struct filter {
	const struct filter_rule *rules;
	uint32_t rule_count;
	const uint8_t *ops; /* IORING_OP_... */
	uint32_t op_count;
	uint8_t sqe_flags; /* IOSQE_..., beside */
};

#define FILTER_RULES(table) .rules = (table), .rule_count = sizeof(table) / sizeof((table)[0])
#define FILTER_OPS(table)   .ops = (table), .op_count = sizeof(table) / sizeof((table)[0])

/*
 * From now on the process, in all of its threads, makes no system calls but those in `filters`,
 * which ends with NULL, and those that any process needs; any other one kills it.  For good.
 * 0 or -errno.
 */
int filter_load(const struct filter *const *filters);

/*
 * Restricts an io_uring that is not enabled yet to what `filters` name.  For good, too: it takes no
 * registrations any more.  0 or -errno.
 */
int filter_ring(struct io_uring *ring, const struct filter *const *filters);

/* What it means that a process of ours was ended by SIGSYS; the end of a sentence. */
#define FILTER_DEATH                                                                               \
	"it made a system call that its filter forbids: its guest has captured it, or halfback "   \
	"does not know this system well enough; the kernel's log has the call's number"

#endif
