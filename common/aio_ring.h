/* SPDX-License-Identifier: MIT */
/*
 * A libaio context's events, taken without a system call.
 *
 * The context's address is that of a ring in memory, which is the kernel's ABI since 2.6 (fs/aio.c,
 * struct aio_ring; libaio itself, fio and QEMU read it): the kernel moves its tail, whoever takes
 * events moves its head.
 */
#ifndef COMMON_AIO_RING_H
#define COMMON_AIO_RING_H

#include <errno.h>
#include <libaio.h>
#include <stdbool.h>
#include <stdint.h>

#define AIO_RING_MAGIC 0xa10a10a1u

/* fs/aio.c, struct aio_ring */
struct aio_ring {
	uint32_t id;
	uint32_t slots;
	uint32_t head;
	uint32_t tail;
	uint32_t magic;
	uint32_t compat_features;
	uint32_t incompat_features;
	uint32_t header_length;
	struct io_event events[];
};

/* A context for `events` I/Os under way, and its ring.  0 or -errno. */
static inline int aio_ring_open(io_context_t *context, struct aio_ring **ring, int events)
{
	int err = io_setup(events, context);

	if (err < 0)
		return err;
	*ring = (struct aio_ring *)*context;
	if ((*ring)->magic == AIO_RING_MAGIC && (*ring)->incompat_features == 0)
		return 0;
	io_destroy(*context);
	return -EPROTONOSUPPORT;
}

/* How many events it holds. */
static inline uint32_t aio_ring_peek(const struct aio_ring *ring)
{
	uint32_t tail = __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);

	return (tail + ring->slots - ring->head) % ring->slots;
}

/* The next event, if there is one. */
static inline bool aio_ring_take(struct aio_ring *ring, struct io_event *event)
{
	uint32_t head = ring->head;

	/* Partner: the kernel's smp_wmb() between an event and the tail that covers it. */
	if (head == __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE))
		return false;
	*event = ring->events[head];
	/* The kernel must not write the slot anew before we have read it. */
	__atomic_store_n(&ring->head, (head + 1) % ring->slots, __ATOMIC_RELEASE);
	return true;
}

#endif
