/* SPDX-License-Identifier: MIT */
#ifndef COMMON_SANDBOX_H
#define COMMON_SANDBOX_H

#include <stdint.h>
#include <sys/types.h>

/* Whether the compiler's sanitizers are in, whose run-time needs more memory and more calls. */
#ifndef __has_feature
#define __has_feature(name) 0 /* clang's */
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
	__has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/*
 * Confines this process for good: empty root, own network, IPC and UTS namespaces, user and group
 * `uid`, no capabilities, no new privileges.  Call it when everything that needs a path is open.
 * 0 or -errno; the process must not go on after an error.
 */
int sandbox_enter(uid_t uid);

/*
 * Limits of what a worker of `threads` threads may take of the machine.  Before it is confined.  0
 * or -errno.
 */
int sandbox_limits(uint32_t threads);

/*
 * The part of it that needs no namespace: user and group `uid`, no capabilities, no new privileges.
 * For a helper that needs the host's network.  0 or -errno, as above.
 */
int sandbox_user(uid_t uid);

#endif
