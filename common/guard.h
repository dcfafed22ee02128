/* SPDX-License-Identifier: MIT */
/* Mappings of which a page may vanish.  See guard.c. */
#ifndef COMMON_GUARD_H
#define COMMON_GUARD_H

#include <stddef.h>

/* From now on a page of it that is gone becomes one of zeros.  A few hundred mappings at once. */
void guard_add(const void *start, size_t size);
/* Before it is unmapped. */
void guard_del(const void *start);

#endif
