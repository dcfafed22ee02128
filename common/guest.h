/* SPDX-License-Identifier: MIT */
/*
 * The one door to memory that a guest can change while we look at it.
 *
 * A pointer to such memory is marked __guest.  sparse refuses to dereference it, so each access
 * goes through a function of this file, which reads or writes it exactly once: a value checked is
 * then the value used (XSA-155).  Whatever is longer than a word is copied out whole and parsed in
 * the private copy only.
 */
#ifndef COMMON_GUEST_H
#define COMMON_GUEST_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/crash.h"

#ifdef __CHECKER__
#define __guest __attribute__((noderef, address_space(7)))
#define __force __attribute__((force))
#else
#define __guest
#define __force
#endif

/* Marks memory just mapped from a guest; the only way to make a __guest pointer. */
static inline void __guest *guest_mark(void *mapped)
{
	return (void __force __guest *)mapped;
}

/* The plain address, for unmapping and for nothing else. */
static inline void *guest_unmark(void __guest *p)
{
	return (void __force *)p;
}

/* Reads a naturally aligned word once; orders nothing. */
static inline uint32_t guest_read32(const uint32_t __guest *p)
{
	return __atomic_load_n((const uint32_t __force *)p, __ATOMIC_RELAXED);
}

/* Writes a naturally aligned word once; orders nothing. */
static inline void guest_write32(uint32_t __guest *p, uint32_t v)
{
	crash_point();
	__atomic_store_n((uint32_t __force *)p, v, __ATOMIC_RELAXED);
}

/*
 * Copies `words` 32-bit words out, each read once, in order.  Slots of every ring are made of
 * aligned 32-bit words.
 */
static inline void guest_copy_from(void *private_copy, const void __guest *p, size_t words)
{
	const uint32_t __guest *from = (const uint32_t __guest *)p;
	char *to = private_copy;

	for (size_t i = 0; i < words; i++) {
		uint32_t word = guest_read32(from + i);

		memcpy(to + i * sizeof(word), &word, sizeof(word)); /* whatever type lives there */
	}
}

/* Copies `words` 32-bit words in, each written once. */
static inline void guest_copy_to(void __guest *p, const void *private_copy, size_t words)
{
	const char *from = private_copy;
	uint32_t __guest *to = (uint32_t __guest *)p;

	for (size_t i = 0; i < words; i++) {
		uint32_t word;

		memcpy(&word, from + i * sizeof(word), sizeof(word));
		guest_write32(to + i, word);
	}
}

/*
 * Copies bytes out or in, in whatever order and by whatever words: for data that is looked at in
 * the private copy only.
 */
static inline void guest_bytes_from(void *private_copy, const void __guest *p, size_t bytes)
{
	memcpy(private_copy, (const void __force *)p, bytes);
}

static inline void guest_bytes_to(void __guest *p, const void *private_copy, size_t bytes)
{
	memcpy((void __force *)p, private_copy, bytes);
}

#endif
