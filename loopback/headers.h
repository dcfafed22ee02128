/* SPDX-License-Identifier: MIT */
/* A packet's headers, as far as an offloaded checksum needs them. */
#ifndef LOOPBACK_HEADERS_H
#define LOOPBACK_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define HEADERS_MAX 256 /* bytes that are looked at */

struct headers {
	unsigned int l4;     /* where TCP or UDP begins */
	unsigned int csum;   /* where its checksum stands, counted from there */
	unsigned int length; /* of all headers together */
};

/* Of TCP or UDP over IPv4 or IPv6, without VLAN tags: what netif.h's csum_blank can mean.  False
 * for anything else, and for what is cut off. */
bool headers_parse(struct headers *h, const uint8_t *packet, size_t len);

/* Finish a checksum whose field holds the pseudo header's sum, which begins at @start and stands
 * at @start + @at of a packet in pieces.  False if it does not lie in the packet. */
bool headers_sum(const struct iovec *frag, unsigned int frags, size_t start, size_t at);

/* As many bytes of the packet as there are, up to @max; how many. */
size_t headers_copy(uint8_t *to, size_t max, const struct iovec *frag, unsigned int frags);

#endif
