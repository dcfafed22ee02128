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

/*
 * The part of it that needs no namespace: user and group `uid`, no capabilities, no new privileges.
 * For a helper that needs the host's network.  0 or -errno, as above.
 */
int sandbox_user(uid_t uid);

#endif
