// SPDX-License-Identifier: MIT
/*
 * Where TCP and UDP begin in a packet.  netif.h only says that a checksum is blank; virtio says
 * where it begins and where it stands, so whoever goes from one to the other has to look.
 *
 * Pure: no state.  It never reads beyond what it is given, whatever lengths stand in there.
 */
#include "loopback/headers.h"

#include <netinet/in.h>
#include <string.h>

#define ETH 14

static unsigned int word_at(const uint8_t *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

static bool l4_parse(struct headers *h, const uint8_t *packet, size_t len, unsigned int proto)
{
	unsigned int min = proto == IPPROTO_TCP ? 20 : 8;

	if ((proto != IPPROTO_TCP && proto != IPPROTO_UDP) || h->l4 + min > len)
		return false;
	h->csum = proto == IPPROTO_TCP ? 16 : 6;
	h->length = h->l4 + (proto == IPPROTO_TCP ? (packet[h->l4 + 12] >> 4) * 4U : 8);
	return h->length >= h->l4 + min;
}

static bool ipv4_parse(struct headers *h, const uint8_t *packet, size_t len)
{
	const uint8_t *ip = packet + ETH;
	unsigned int header;

	if (len < ETH + 20)
		return false;
	header = (ip[0] & 15) * 4U;
	if (ip[0] >> 4 != 4 || header < 20 || word_at(ip + 6) & 0x3fff) /* a fragment */
		return false;
	h->l4 = ETH + header;
	return l4_parse(h, packet, len, ip[9]);
}

static bool ipv6_parse(struct headers *h, const uint8_t *packet, size_t len)
{
	unsigned int next;

	if (len < ETH + 40 || packet[ETH] >> 4 != 6)
		return false;
	next = packet[ETH + 6];
	h->l4 = ETH + 40;
	while (next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS) {
		if (h->l4 + 8 > len)
			return false;
		next = packet[h->l4];
		h->l4 += (packet[h->l4 + 1] + 1U) * 8;
	}
	return l4_parse(h, packet, len, next);
}

bool headers_parse(struct headers *h, const uint8_t *packet, size_t len)
{
	*h = (struct headers){0};
	if (len < ETH)
		return false;
	switch (word_at(packet + 12)) {
	case 0x0800:
		return ipv4_parse(h, packet, len);
	case 0x86dd:
		return ipv6_parse(h, packet, len);
	default:
		return false;
	}
}

size_t headers_copy(uint8_t *to, size_t max, const struct iovec *frag, unsigned int frags)
{
	size_t n = 0;

	for (unsigned int i = 0; i < frags && n < max; i++) {
		size_t len = frag[i].iov_len < max - n ? frag[i].iov_len : max - n;

		memcpy(to + n, frag[i].iov_base, len);
		n += len;
	}
	return n;
}

static uint8_t *byte_at(const struct iovec *frag, unsigned int frags, size_t at)
{
	for (unsigned int i = 0; i < frags; i++) {
		if (at < frag[i].iov_len)
			return (uint8_t *)frag[i].iov_base + at;
		at -= frag[i].iov_len;
	}
	return NULL;
}

bool headers_sum(const struct iovec *frag, unsigned int frags, size_t start, size_t at)
{
	uint8_t *high = byte_at(frag, frags, start + at);
	uint8_t *low = byte_at(frag, frags, start + at + 1);
	size_t skip = start;
	bool odd = false;
	uint64_t sum = 0;

	if (!high || !low)
		return false;
	for (unsigned int i = 0; i < frags; i++) {
		const uint8_t *p = frag[i].iov_base;
		size_t from = skip < frag[i].iov_len ? skip : frag[i].iov_len;

		skip -= from;
		for (size_t j = from; j < frag[i].iov_len; j++, odd = !odd)
			sum += odd ? p[j] : (unsigned int)p[j] << 8;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	if (!sum)
		sum = 0xffff; /* 0 means none in UDP, and in TCP both are the same */
	*high = (uint8_t)(sum >> 8);
	*low = (uint8_t)sum;
	return true;
}
