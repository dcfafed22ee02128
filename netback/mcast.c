// SPDX-License-Identifier: MIT
/*
 * A guest changes the list by packets of any of its queues, and all of them look at it.  An entry
 * is one word, so there is nothing to lock; no order between entries matters.
 */
#include "netback/mcast.h"

#include <errno.h>
#include <string.h>

#define MCAST_SET (1ull << 48)

static uint64_t mcast_word(const uint8_t mac[6])
{
	uint64_t word = MCAST_SET;

	for (int i = 0; i < 6; i++)
		word |= (uint64_t)mac[i] << (8 * i);
	return word;
}

static bool mcast_has(const struct mcast *mcast, uint64_t word)
{
	for (int i = 0; i < MCAST_MAX; i++)
		if (__atomic_load_n(&mcast->address[i], __ATOMIC_RELAXED) == word)
			return true;
	return false;
}

int mcast_add(struct mcast *mcast, const uint8_t mac[6])
{
	uint64_t word = mcast_word(mac);

	if (!(mac[0] & 1))
		return -EINVAL;
	if (mcast_has(mcast, word))
		return 0;
	for (int i = 0; i < MCAST_MAX; i++) {
		uint64_t none = 0;

		if (__atomic_compare_exchange_n(&mcast->address[i], &none, word, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return 0;
	}
	return -ENOSPC;
}

void mcast_del(struct mcast *mcast, const uint8_t mac[6])
{
	uint64_t word = mcast_word(mac);

	/* Two queues may have added the same one at once. */
	for (int i = 0; i < MCAST_MAX; i++) {
		uint64_t old = word;

		__atomic_compare_exchange_n(&mcast->address[i], &old, 0, false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED);
	}
}

bool mcast_wanted(const struct mcast *mcast, const uint8_t mac[6])
{
	static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	return !(mac[0] & 1) || memcmp(mac, all, sizeof(all)) == 0 ||
	       mcast_has(mcast, mcast_word(mac));
}
