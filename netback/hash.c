// SPDX-License-Identifier: MIT
/*
 * Hashing as xen/io/netif.h describes it: Toeplitz over addresses, and over the ports of TCP, of
 * which the most that the guest asked for is taken.
 *
 * Pure functions; the tables that a guest hands us were copied before they get here.
 */
#include "netback/hash.h"

#include <netinet/in.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

enum {
	FLAGS_ALL = XEN_NETIF_CTRL_HASH_TYPE_IPV4 | XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP |
		    XEN_NETIF_CTRL_HASH_TYPE_IPV6 | XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP,
};

uint32_t hash_toeplitz(const uint8_t key[HASH_KEY_MAX], const uint8_t *data, size_t len)
{
	uint32_t window, hash = 0;
	size_t next = 4;

	window = (uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 | (uint32_t)key[2] << 8 | key[3];
	for (size_t i = 0; i < len; i++, next++) {
		uint8_t byte = next < HASH_KEY_MAX ? key[next] : 0;

		for (int bit = 7; bit >= 0; bit--) {
			if (data[i] >> bit & 1)
				hash ^= window;
			window = window << 1 | (byte >> bit & 1);
		}
	}
	return hash;
}

/* TCP's ports, if they are to be hashed: a fragment has none that could be relied on. */
static bool is_tcp(const struct packet *packet, size_t len)
{
	return packet->protocol == IPPROTO_TCP && packet->l4 && !packet->fragment &&
	       packet->l4 + 4u <= len;
}

bool hash_packet(const struct hash *hash, struct hash_value *value, const struct packet *packet,
		 const uint8_t *head, size_t len)
{
	bool four = packet->version == 4;
	uint32_t addresses = four ? 8 : 32, size = addresses;
	uint32_t plain = four ? XEN_NETIF_CTRL_HASH_TYPE_IPV4 : XEN_NETIF_CTRL_HASH_TYPE_IPV6;
	uint32_t tcp = four ? XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP : XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP;
	uint8_t data[36];

	if (packet->version == 0 || hash->algorithm != XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ)
		return false;
	memcpy(data, head + packet->l3 + (four ? 12 : 8), addresses);
	if (hash->flags & tcp && is_tcp(packet, len)) {
		memcpy(data + addresses, head + packet->l4, 4);
		size += 4;
		value->type = four ? _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP
				   : _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP;
	} else if (hash->flags & plain) {
		value->type =
			four ? _XEN_NETIF_CTRL_HASH_TYPE_IPV4 : _XEN_NETIF_CTRL_HASH_TYPE_IPV6;
	} else {
		return false;
	}
	value->value = hash_toeplitz(hash->key, data, size);
	return true;
}

/* ---- messages ----------------------------------------------------------------------------- */

uint32_t hash_set_algorithm(struct hash *hash, uint32_t algorithm)
{
	if (algorithm != XEN_NETIF_CTRL_HASH_ALGORITHM_NONE &&
	    algorithm != XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ)
		return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
	hash->algorithm = algorithm;
	return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

uint32_t hash_get_flags(const struct hash *hash, uint32_t *flags)
{
	if (hash->algorithm == XEN_NETIF_CTRL_HASH_ALGORITHM_NONE)
		return XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
	*flags = FLAGS_ALL;
	return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

uint32_t hash_set_flags(struct hash *hash, uint32_t flags)
{
	if (flags & ~(uint32_t)FLAGS_ALL || hash->algorithm == XEN_NETIF_CTRL_HASH_ALGORITHM_NONE)
		return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
	hash->flags = flags;
	return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

uint32_t hash_set_key(struct hash *hash, const uint8_t *key, uint32_t len)
{
	if (len > HASH_KEY_MAX)
		return XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW;
	memset(hash->key, 0, sizeof(hash->key));
	memcpy(hash->key, key, len);
	return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

uint32_t hash_set_mapping_size(struct hash *hash, uint32_t size)
{
	if (size > HASH_MAPPING_MAX)
		return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
	hash->mapping_size = size;
	memset(hash->mapping, 0, sizeof(hash->mapping));
	return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

/* XSA-270 was this sum. */
bool hash_mapping_fits(const struct hash *hash, uint32_t count, uint32_t offset)
{
	return offset <= hash->mapping_size && count <= hash->mapping_size - offset;
}

uint32_t hash_set_mapping(struct hash *hash, const uint32_t *table, uint32_t count, uint32_t offset,
			  uint32_t queues)
{
	if (!hash_mapping_fits(hash, count, offset))
		return XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW;
	for (uint32_t i = 0; i < count; i++)
		if (table[i] >= queues)
			return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
	memcpy(&hash->mapping[offset], table, count * sizeof(*table));
	return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

bool hash_is_valid(const struct hash *hash, uint32_t queues)
{
	if (hash->algorithm > XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ ||
	    hash->flags & ~(uint32_t)FLAGS_ALL || hash->mapping_size > HASH_MAPPING_MAX)
		return false;
	for (uint32_t i = 0; i < HASH_MAPPING_MAX; i++)
		if (hash->mapping[i] >= queues)
			return false;
	return true;
}
