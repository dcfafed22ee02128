// SPDX-License-Identifier: MIT
/*
 * What netload sends: UDP over IPv4 to the discard port, of a source port for each stream, so that
 * a host's multi-queue interface spreads them; then which stream, the packet's number in it, and
 * with
 * --verify a sum over it and all that follows, which is another pattern for each number.
 */
#include <string.h>

#include "loopback/crc32c.h"
#include "loopback/netload.h"

#define ETH	14
#define PAYLOAD (ETH + 20 + 8)
#define MAGIC	0x6e6c /* "nl" */
#define PORT	9
#define STREAMS 40000 /* source ports */

struct __attribute__((packed)) payload {
	uint16_t magic;
	uint16_t stream;
	uint32_t sum; /* of all that follows; 0: not made */
	uint64_t seq;
};

_Static_assert(PAYLOAD + sizeof(struct payload) <= LOAD_MIN, "fits the smallest frame");

static void word_put(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void ip_make(const struct load_queue *lq, uint8_t *ip, unsigned int len)
{
	static const uint8_t addresses[] = {10, 254, 0, 2, 10, 254, 0, 1}; /* from, to */
	uint32_t sum = 0;

	memset(ip, 0, 28);
	ip[0] = 0x45;
	word_put(ip + 2, len);
	ip[8] = 64;
	ip[9] = 17;
	memcpy(ip + 12, addresses, sizeof(addresses));
	for (int i = 0; i < 20; i += 2)
		sum += (unsigned int)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	word_put(ip + 10, ~(sum + (sum >> 16)) & 0xffff);
	word_put(ip + 20, STREAMS + lq->stream);
	word_put(ip + 22, PORT);
	word_put(ip + 24, len - 20);
}

void frame_make(const struct load_queue *lq, uint8_t *frame)
{
	const struct load_opts *o = lq->o;
	struct payload p = {.magic = MAGIC, .stream = (uint16_t)lq->stream};

	memset(frame, 0, o->size);
	memcpy(frame, o->to, NETFRONT_MAC);
	memcpy(frame + NETFRONT_MAC, o->from, NETFRONT_MAC);
	word_put(frame + 12, 0x0800);
	ip_make(lq, frame + ETH, o->size - ETH);
	memcpy(frame + PAYLOAD, &p, sizeof(p));
}

static uint32_t frame_sum(const uint8_t *frame, size_t len)
{
	size_t from = PAYLOAD + offsetof(struct payload, seq);

	return crc32c(0, frame + from, len - from) | 1; /* never 0 */
}

void frame_next(struct load_queue *lq, uint8_t *frame)
{
	size_t size = lq->o->size;
	struct payload p = {.magic = MAGIC, .stream = (uint16_t)lq->stream, .seq = lq->seq++};

	memcpy(frame + PAYLOAD, &p, sizeof(p));
	if (!lq->o->verify)
		return;
	memset(frame + PAYLOAD + sizeof(p), (int)(p.seq * 31 + lq->stream),
	       size - PAYLOAD - sizeof(p));
	p.sum = frame_sum(frame, size);
	memcpy(frame + PAYLOAD, &p, sizeof(p));
}

static void seq_take(struct load_queue *lq, const struct payload *p)
{
	struct load_stream *s = &lq->from[p->stream % LOAD_STREAMS];

	/* Number 0 begins a stream anew: another sender. */
	if (s->known && p->seq > s->next)
		lq->result.lost += p->seq - s->next;
	else if (s->known && p->seq && p->seq < s->next)
		lq->result.reordered++;
	s->next = p->seq + 1;
	s->known = true;
}

void frame_take(struct load_queue *lq, const uint8_t *frame, size_t len, uint64_t now)
{
	struct payload p = {0};

	if (len >= PAYLOAD + sizeof(p))
		memcpy(&p, frame + PAYLOAD, sizeof(p));
	if (p.magic != MAGIC) {
		lq->result.foreign++; /* the bridge's own, router solicitations .. */
		return;
	}
	lq->result.packets++;
	lq->result.bytes += len;
	if (!lq->result.first_ns)
		lq->result.first_ns = now;
	lq->result.last_ns = now;
	if (lq->o->verify && p.sum != frame_sum(frame, len)) {
		lq->result.corrupt++;
		return; /* its number means nothing */
	}
	seq_take(lq, &p);
}
