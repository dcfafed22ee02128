// SPDX-License-Identifier: MIT
/*
 * A libFuzzer target: any messages of a control ring that concern hashing, and any bytes as what an
 * earlier worker left of them.  The hash stays one that packets can be steered by.
 */
#include <stdint.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "netback/hash.h"
#include "tests/fuzz/fuzz.h"

enum {
	QUEUES = 4
};

struct message {
	uint8_t type;
	uint32_t data[3];
};

static void send(struct hash *hash, const struct message *m, const uint32_t *page)
{
	uint32_t flags;

	switch (m->type % 6) {
	case 0:
		hash_set_algorithm(hash, m->data[0]);
		break;
	case 1:
		hash_set_flags(hash, m->data[0]);
		break;
	case 2:
		hash_set_key(hash, (const uint8_t *)page, m->data[1]);
		break;
	case 3:
		hash_set_mapping_size(hash, m->data[0]);
		break;
	case 4:
		if (hash_mapping_fits(hash, m->data[1], m->data[2]))
			check(m->data[1] <= HASH_MAPPING_MAX);
		hash_set_mapping(hash, page, m->data[1], m->data[2], QUEUES);
		break;
	default:
		hash_get_flags(hash, &flags);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = {data, size};
	uint32_t page[1024];
	struct hash hash;

	bytes_take(&in, page, sizeof(page));
	memcpy(&hash, page, sizeof(hash));
	if (!hash_is_valid(&hash, QUEUES))
		memset(&hash, 0, sizeof(hash));
	for (int i = 0; i < 64 && in.left > 0; i++) {
		struct message m;

		bytes_take(&in, &m, sizeof(m));
		send(&hash, &m, page);
		check(hash_is_valid(&hash, QUEUES));
	}
	return 0;
}
