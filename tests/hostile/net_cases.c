// SPDX-License-Identifier: MIT
/*
 * The packets that nethostile sends, and the messages on its control ring.  A case's numbers say
 * how many fragments, of what size, at which offset; see tests/system/net-hostile-*.t for what is
 * to become of it.
 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <stdio.h>

#include "loopback/barrier.h"
#include "tests/hostile/net.h"

#define FRAME 60
#define OTHER 1 /* the page of the frame that is no IP */

static netif_tx_request_t good(unsigned int page, unsigned int size)
{
	return (netif_tx_request_t){.gref = netfront_raw_ref(h.q, page),
				    .size = (uint16_t)size,
				    .id = (uint16_t)h.prod};
}

void hostile_frame_make(void)
{
	static const uint8_t tcp[] = {
		0x02, 0,  0,	0,    0, 1, 0x00, 0x16, 0x3e, 0, 0, 1, 0x08, 0x00, /* Ethernet */
		0x45, 0,  0xff, 0xf1, 0, 1, 0,	  0,	64,   6, 0, 0, 10,   0,
		0,    11, 10,	9,    9, 9, /* IPv4 */
		0,    1,  0,	2,    0, 0, 0,	  0,	0,    0, 0, 0, 0x50, 0x10,
		0,    0,  0,	0,    0, 0, /* TCP */
	};
	static const uint8_t other[] = {0x02, 0, 0, 0, 0, 1, 0x00, 0x16, 0x3e, 0, 0, 1, 0x88, 0xb5};

	memset(netfront_raw_page(h.q, 0), 0, NETFRONT_PAGE);
	memcpy(netfront_raw_page(h.q, 0), tcp, sizeof(tcp));
	memset(netfront_raw_page(h.q, OTHER), 0, NETFRONT_PAGE);
	memcpy(netfront_raw_page(h.q, OTHER), other, sizeof(other));
}

static struct netif_extra_info gso(unsigned int type, unsigned int size)
{
	struct netif_extra_info extra = {.type = XEN_NETIF_EXTRA_TYPE_GSO};

	extra.u.gso.type = (uint8_t)type;
	extra.u.gso.size = (uint16_t)size;
	return extra;
}

/* A packet of `size` bytes at offset m. */
static void put_size(const struct tx_case *c)
{
	netif_tx_request_t r = good(OTHER, c->n);

	r.offset = (uint16_t)c->m;
	tx_put(r);
}

/* n fragments after the first, of m bytes each. */
static void put_frags(const struct tx_case *c)
{
	netif_tx_request_t r = good(OTHER, FRAME + c->n * c->m);

	r.flags = NETTXF_more_data;
	tx_put(r);
	for (unsigned int i = 0; i < c->n; i++) {
		r = good(OTHER, c->m);
		r.flags = i + 1 < c->n ? NETTXF_more_data : 0;
		tx_put(r);
	}
}

/* A whole frame in pieces of one byte: the first slot, and n after it. */
static void put_tiny(const struct tx_case *c)
{
	for (unsigned int i = 0; i <= c->n; i++) {
		netif_tx_request_t r = good(OTHER, i ? 1 : c->n + 1);

		r.offset = (uint16_t)i;
		r.flags = i < c->n ? NETTXF_more_data : 0;
		tx_put(r);
	}
}

/* A second fragment of n bytes at offset m of a packet of FRAME bytes. */
static void put_second(const struct tx_case *c)
{
	netif_tx_request_t r = good(OTHER, FRAME);

	r.flags = NETTXF_more_data;
	tx_put(r);
	r = good(OTHER, c->n);
	r.offset = (uint16_t)c->m;
	tx_put(r);
}

/* The last slot that is there announces more: flags n. */
static void put_cut(const struct tx_case *c)
{
	netif_tx_request_t r = good(OTHER, FRAME);

	r.flags = (uint16_t)c->n;
	tx_put(r);
}

/* An extra of type n with flags m; if that says more, there is none. */
static void put_extra(const struct tx_case *c)
{
	netif_tx_request_t r = good(OTHER, FRAME);

	r.flags = NETTXF_extra_info;
	tx_put(r);
	tx_put_extra((struct netif_extra_info){.type = (uint8_t)c->n, .flags = (uint8_t)c->m});
}

/* A TCP packet with a GSO extra of type n and segments of m bytes. */
static void put_gso(const struct tx_case *c)
{
	netif_tx_request_t r = good(0, 3000);

	r.flags = NETTXF_extra_info | NETTXF_csum_blank;
	tx_put(r);
	tx_put_extra(gso(c->n, c->m));
}

static void put_gso_plain(const struct tx_case *c)
{
	netif_tx_request_t r = good(c->n, 3000);

	r.flags = NETTXF_extra_info | (uint16_t)c->m;
	tx_put(r);
	tx_put_extra(gso(XEN_NETIF_GSO_TYPE_TCPV4, 1000));
}

/* A blank checksum in page n's frame of m bytes. */
static void put_csum(const struct tx_case *c)
{
	netif_tx_request_t r = good(c->n, c->m);

	r.flags = NETTXF_csum_blank;
	tx_put(r);
}

static void put_ref(const struct tx_case *c)
{
	netif_tx_request_t r = good(OTHER, FRAME);

	r.gref = c->n;
	tx_put(r);
}

/* Of m good fragments, number n names no page. */
static void put_bad_frag(const struct tx_case *c)
{
	netif_tx_request_t r = good(OTHER, FRAME * c->m);

	for (unsigned int i = 0; i < c->m; i++) {
		if (i)
			r = good(OTHER, FRAME);
		r.flags = i + 1 < c->m ? NETTXF_more_data : 0;
		if (i == c->n)
			r.gref = 60000;
		tx_put(r);
	}
}

/* 65535 bytes: 16 pages. */
static void put_largest(const struct tx_case *c)
{
	netif_tx_request_t r = good(OTHER, 65535);

	(void)c;
	r.flags = NETTXF_more_data;
	tx_put(r);
	for (unsigned int i = 1; i < 16; i++) {
		r = good(i + 2, 4096 - (i == 15));
		r.flags = i < 15 ? NETTXF_more_data : 0;
		tx_put(r);
	}
}

const struct tx_case tx_cases[] = {
	{"good", put_size, FRAME, 0},
	{"at-page-end", put_size, FRAME, 4096 - FRAME},
	{"across-page", put_size, FRAME, 4096 - FRAME + 1},
	{"across-far", put_size, 4096, 65535},
	{"size-13", put_size, 13, 0},
	{"size-0", put_size, 0, 0},
	{"largest", put_largest, 0, 0},
	{"frags-18", put_frags, 18, FRAME},
	{"frags-19", put_frags, 19, FRAME},
	{"frags-20", put_frags, 20, FRAME},
	{"frags-21", put_frags, 21, FRAME},
	{"frags-100", put_frags, 100, FRAME},
	{"frags-empty", put_frags, 17, 0},
	{"tiny-18", put_tiny, 18, 0},
	{"tiny-14", put_tiny, 14, 0},
	{"second-across", put_second, 20, 4090},
	{"second-larger", put_second, FRAME + 1, 0},
	{"second-is-all", put_second, FRAME, 0},
	{"cut-more", put_cut, NETTXF_more_data, 0},
	{"cut-extra", put_cut, NETTXF_extra_info, 0},
	{"extra-0", put_extra, 0, 0},
	{"extra-hash", put_extra, XEN_NETIF_EXTRA_TYPE_HASH, 0},
	{"extra-xdp", put_extra, 5, 0},
	{"extra-6", put_extra, 6, 0},
	{"extra-255", put_extra, 255, 0},
	{"extra-more", put_extra, XEN_NETIF_EXTRA_TYPE_HASH, XEN_NETIF_EXTRA_FLAG_MORE},
	{"gso", put_gso, XEN_NETIF_GSO_TYPE_TCPV4, 1000},
	{"gso-0", put_gso, XEN_NETIF_GSO_TYPE_TCPV4, 0},
	{"gso-type-0", put_gso, XEN_NETIF_GSO_TYPE_NONE, 1000},
	{"gso-type-9", put_gso, 9, 1000},
	{"gso-v6-of-v4", put_gso, XEN_NETIF_GSO_TYPE_TCPV6, 1000},
	{"gso-no-csum", put_gso_plain, 0, 0},
	{"gso-no-ip", put_gso_plain, OTHER, NETTXF_csum_blank},
	{"csum", put_csum, 0, 1000},
	{"csum-no-ip", put_csum, OTHER, 1000},
	{"csum-cut", put_csum, 0, 40},
	{"bad-ref", put_ref, 60000, 0},
	{"huge-ref", put_ref, 0xffffffff, 0},
	{"bad-frag-0", put_bad_frag, 0, 5},
	{"bad-frag-2", put_bad_frag, 2, 5},
	{"bad-frag-4", put_bad_frag, 4, 5},
	{NULL, NULL, 0, 0},
};

/* ---- the control ring ----------------------------------------------------------------------- */

static uint32_t page_ref(uint32_t ref)
{
	return ref == 1 ? netfront_ctrl_ref(h.nf) : ref;
}

/* Where a case's reference is 1, the granted page is meant. */
static const struct ctrl_case {
	const char *name;
	uint16_t type;
	uint32_t data[3];
	int page_ref_at; /* which of data is a reference; -1: none */
} ctrl_cases[] = {
	{"c-type-0", 0, {0}, -1},
	{"c-type-11", 11, {0}, -1},
	{"c-flags-none", XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS, {0}, -1},
	{"c-algorithm", XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, {1}, -1},
	{"c-algorithm-9", XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, {9}, -1},
	{"c-flags", XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, {15}, -1},
	{"c-flags-16", XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, {16}, -1},
	{"c-key", XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, {1, 40}, 0},
	{"c-key-41", XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, {1, 41}, 0},
	{"c-key-huge", XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, {1, 0xffffffff}, 0},
	{"c-key-bad-ref", XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, {60000, 40}, 0},
	{"c-size-128", XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE, {128}, -1},
	{"c-size-129", XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE, {129}, -1},
	{"c-map", XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, {1, 128, 0}, 0},
	{"c-map-129", XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, {1, 129, 0}, 0},
	{"c-map-at-1", XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, {1, 128, 1}, 0},
	{"c-map-wrap", XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, {1, 2, 0xffffffff}, 0},
	{"c-map-wrap-0", XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, {1, 1, 0xffffffff}, 0},
	{"c-map-count", XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, {1, 0xffffffff, 1}, 0},
	{"c-map-bad-ref", XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, {60000, 8, 0}, 0},
	{"c-map-queue", XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, {1, 8, 0}, 0},
	{"c-grefs-queue", XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE, {99}, -1},
	{"c-grefs", XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE, {0}, -1},
	{"c-add-queue", XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, {99, 1, 1}, 1},
	{"c-add-513", XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, {0, 1, 513}, 1},
	{"c-add-huge", XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, {0, 1, 0xffffffff}, 1},
	{"c-add-bad-ref", XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, {0, 60000, 1}, 1},
	{"c-add-bad-page", XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, {0, 1, 4}, 1},
	{"c-del-none", XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, {0, 1, 4}, 1},
	{"c-del-huge", XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, {0, 1, 0xffffffff}, 1},
};

/* Its table: queues that there are, or one that there is not; references that are none. */
static void ctrl_page_make(const struct ctrl_case *c)
{
	uint32_t *page = netfront_ctrl_page(h.nf);

	memset(page, 0, NETFRONT_PAGE);
	if (!strcmp(c->name, "c-map-queue"))
		page[7] = netfront_info(h.nf)->queues;
	if (c->type < XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE)
		return;
	/* The first one can be mapped, the last can't. */
	for (unsigned int i = 0; i < 4; i++)
		page[2 * i] = i < 3 ? netfront_raw_ref(h.q, i) : 60000;
}

static void ctrl_run(const struct ctrl_case *c)
{
	uint32_t data[3], answer = 0;
	int status;

	memcpy(data, c->data, sizeof(data));
	if (c->page_ref_at >= 0)
		data[c->page_ref_at] = page_ref(data[c->page_ref_at]);
	ctrl_page_make(c);
	status = netfront_ctrl(h.nf, c->type, data[0], data[1], data[2], &answer);
	printf("%s %d\n", c->name, status);
}

bool ctrl_attack(const char *name)
{
	struct xen_netif_ctrl_sring *ring;

	for (size_t i = 0; i < sizeof(ctrl_cases) / sizeof(ctrl_cases[0]); i++)
		if (!strcmp(name, ctrl_cases[i].name)) {
			ctrl_run(&ctrl_cases[i]);
			return true;
		}
	if (strcmp(name, "c-overflow") != 0)
		return false;
	ring = netfront_raw_ctrl(h.nf);
	*(volatile RING_IDX *)&ring->req_prod = ring->rsp_prod + 129;
	/* The thread of the first queue serves the control ring, too, and looks at it as it wakes.
	 */
	netfront_raw_notify(netfront_queue(h.nf, 0));
	printf("%s %s\n", name, no_answer());
	return true;
}
