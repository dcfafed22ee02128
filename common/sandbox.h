/* SPDX-License-Identifier: MIT */
#ifndef COMMON_SANDBOX_H
#define COMMON_SANDBOX_H

#include <sys/types.h>

/*
 * Confines this process for good: empty root, own network, IPC and UTS namespaces, user and group
 * `uid`, no capabilities, no new privileges.  Call it when everything that needs a path is open.
 * 0 or -errno; the process must not go on after an error.
 */
int sandbox_enter(uid_t uid);

#endif
