/* SPDX-License-Identifier: MIT */
#ifndef LOOPBACK_BARRIER_H
#define LOOPBACK_BARRIER_H

/* The barriers that xen/io/ring.h's macros use but public headers leave to us.  Include it first.
 */
#define xen_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

#endif
