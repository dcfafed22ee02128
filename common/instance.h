/* SPDX-License-Identifier: MIT */
/* One daemon of a kind at a time.  See instance.c. */
#ifndef COMMON_INSTANCE_H
#define COMMON_INSTANCE_H

/*
 * Makes this process the only daemon called `name`, until it ends or releases it.  A descriptor for
 * instance_release(), or -errno after a sentence to the log; -EBUSY if there is one already.
 */
int instance_claim(const char *name);
/* No process is named any more. */
void instance_release(int fd);

#endif
