/* SPDX-License-Identifier: MIT */
/* One daemon of a kind at a time.  See instance.c. */
#ifndef COMMON_INSTANCE_H
#define COMMON_INSTANCE_H

/* Where daemons keep what others may look at: $HALFBACK_RUN_DIR, or /run/halfback. */
const char *instance_dir(void);

/* The process of the daemon called `name`; 0 if there is none, -errno if it can't be told. */
int instance_find(const char *name);

/*
 * Makes this process the only daemon called `name`, until it ends or releases it.  A descriptor for
 * instance_release(), or -errno after a sentence to the log; -EBUSY if there is one already.
 */
int instance_claim(const char *name);
/* No process is named any more. */
void instance_release(int fd);

#endif
