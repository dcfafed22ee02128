// SPDX-License-Identifier: MIT
/*
 * The reference netfront's rings, with this test as the backend, in plain memory: how packets look
 * on the ring, that extras give back their pages, and which answers are not believed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "loopback/netfront_priv.h"

_Static_assert(sizeof(union netif_tx_sring_entry) == 12, "a slot to send in");
_Static_assert(sizeof(union netif_rx_sring_entry) == 8, "a slot that packets come in");

static struct netfront nf;
static struct netfront_queue q;
static struct netfront_packet pkt;

static void *pages_make(unsigned int n)
{
	void *pages = aligned_alloc(NETFRONT_PAGE, (size_t)n * NETFRONT_PAGE);

	assert_non_null(pages);
	memset(pages, 0, (size_t)n * NETFRONT_PAGE);
	return pages;
}

static int setup(void **state)
{
	struct netif_tx_sring *tx = pages_make(1);
	struct netif_rx_sring *rx = pages_make(1);

	(void)state;
	memset(&nf, 0, sizeof(nf));
	memset(&q, 0, sizeof(q));
	memset(&pkt, 0, sizeof(pkt));
	nf.error_fd = eventfd(0, EFD_NONBLOCK);
	nf.info = (struct netfront_info){
		.queues = 1, .sg = true, .gso4 = true, .gso6 = true, .multicast = true};
	nf.queue[0] = &q;
	q.nf = &nf;
	XEN_FRONT_RING_INIT(&q.tx, tx, NETFRONT_PAGE);
	XEN_FRONT_RING_INIT(&q.rx, rx, NETFRONT_PAGE);
	tx->req_event = rx->req_event = 1U << 30; /* the test looks by itself: no notification */
	q.tx_pages = pages_make(NETFRONT_ENTRIES);
	q.rx_pages = pages_make(NETFRONT_ENTRIES);
	for (unsigned int i = 0; i < NETFRONT_PAGES; i++)
		q.ref[i] = 1000 + i;
	netfront_queue_init(&q);
	netfront_rx_release(&q);
	netfront_push(&q);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(q.tx.sring);
	free(q.rx.sring);
	free(q.tx_pages);
	free(q.rx_pages);
	close(nf.error_fd);
	return 0;
}

/* ---- the backend's side -----------------------------------------------------------------------
 */

static void answer(uint16_t id, int16_t status)
{
	struct netif_tx_sring *s = q.tx.sring;

	s->ring[s->rsp_prod++ & (NETFRONT_ENTRIES - 1)].rsp =
		(struct netif_tx_response){.id = id, .status = status};
}

static struct netif_rx_response *give(uint16_t offset, uint16_t flags, int16_t status)
{
	struct netif_rx_sring *s = q.rx.sring;
	union netif_rx_sring_entry *e = &s->ring[s->rsp_prod++ & (NETFRONT_ENTRIES - 1)];
	uint16_t id = e->req.id;

	e->rsp = (struct netif_rx_response){id, offset, flags, status};
	return &e->rsp;
}

static void give_extra(struct netif_extra_info extra)
{
	struct netif_rx_sring *s = q.rx.sring;

	memcpy(&s->ring[s->rsp_prod++ & (NETFRONT_ENTRIES - 1)], &extra, sizeof(extra));
}

static struct netif_tx_request seen(RING_IDX idx)
{
	assert_true(idx < q.tx.sring->req_prod);
	return q.tx.sring->ring[idx & (NETFRONT_ENTRIES - 1)].req;
}

/* ---- sending ----------------------------------------------------------------------------------
 */

static void a_packet_has_its_fields(void **state)
{
	struct netif_tx_request r;

	(void)state;
	assert_true(netfront_tx_room(&q, &pkt, 1));
	pkt.len = 60;
	assert_int_equal(netfront_tx_send(&q, &pkt), 0);
	assert_int_equal(q.tx.sring->req_prod, 0);
	netfront_push(&q);
	r = seen(0);
	assert_int_equal(r.gref, 1000);
	assert_int_equal(r.size, 60);
	assert_int_equal(r.offset, 0);
	assert_int_equal(r.flags, 0);
	assert_ptr_equal(pkt.frag[0].iov_base, q.tx_pages);
	assert_int_equal(netfront_tx_pending(&q), 1);
	answer(r.id, NETIF_RSP_OKAY);
	assert_int_equal(netfront_tx_reclaim(&q), 0);
	assert_int_equal(netfront_tx_pending(&q), 0);
}

static void the_first_slot_has_the_whole_size(void **state)
{
	(void)state;
	assert_true(netfront_tx_room(&q, &pkt, 3));
	pkt.len = 2 * NETFRONT_PAGE + 100;
	pkt.csum_blank = true;
	pkt.gso_type = XEN_NETIF_GSO_TYPE_TCPV6;
	pkt.gso_size = 1440;
	assert_int_equal(netfront_tx_send(&q, &pkt), 0);
	netfront_push(&q);
	assert_int_equal(q.tx.sring->req_prod, 4);
	assert_int_equal(seen(0).size, 2 * NETFRONT_PAGE + 100);
	assert_int_equal(seen(0).flags, NETTXF_csum_blank | NETTXF_data_validated |
						NETTXF_more_data | NETTXF_extra_info);
	struct netif_extra_info *e = (struct netif_extra_info *)&q.tx.sring->ring[1];
	assert_int_equal(e->type, XEN_NETIF_EXTRA_TYPE_GSO);
	assert_int_equal(e->flags, 0);
	assert_int_equal(e->u.gso.size, 1440);
	assert_int_equal(e->u.gso.type, XEN_NETIF_GSO_TYPE_TCPV6);
	assert_int_equal(seen(2).size, NETFRONT_PAGE);
	assert_int_equal(seen(2).flags, NETTXF_more_data);
	assert_int_equal(seen(3).size, 100);
	assert_int_equal(seen(3).flags, 0);
}

static void a_hash_follows_a_gso_extra(void **state)
{
	(void)state;
	assert_true(netfront_tx_room(&q, &pkt, 1));
	pkt.len = 2000;
	pkt.csum_blank = true;
	pkt.gso_type = XEN_NETIF_GSO_TYPE_TCPV4;
	pkt.gso_size = 500;
	pkt.hashed = true;
	pkt.hash_type = _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP;
	pkt.hash = 0x01020304;
	assert_int_equal(netfront_tx_send(&q, &pkt), 0);
	netfront_push(&q);
	struct netif_extra_info *e = (struct netif_extra_info *)&q.tx.sring->ring[1];
	assert_int_equal(e->flags, XEN_NETIF_EXTRA_FLAG_MORE);
	e = (struct netif_extra_info *)&q.tx.sring->ring[2];
	assert_int_equal(e->type, XEN_NETIF_EXTRA_TYPE_HASH);
	assert_int_equal(e->u.hash.value[0], 4);
	assert_int_equal(e->u.hash.value[3], 1);
}

static void what_netif_cannot_express_is_refused(void **state)
{
	(void)state;
	assert_int_equal(netfront_tx_send(&q, &pkt), -EINVAL);
	pkt.len = XEN_NETIF_MAX_TX_SIZE + 1;
	assert_int_equal(netfront_tx_send(&q, &pkt), -EINVAL);
	pkt.len = 5000;
	nf.info.sg = false;
	assert_int_equal(netfront_tx_send(&q, &pkt), -EINVAL);
	nf.info.sg = true;
	pkt.gso_type = XEN_NETIF_GSO_TYPE_TCPV4;
	pkt.gso_size = 1448;
	assert_int_equal(netfront_tx_send(&q, &pkt), -EINVAL); /* GSO has a blank checksum */
	pkt.csum_blank = true;
	nf.info.gso4 = false;
	assert_int_equal(netfront_tx_send(&q, &pkt), -EINVAL);
	assert_int_equal(q.tx.req_prod_pvt, 0);
}

static void the_ring_is_never_overfilled(void **state)
{
	unsigned int packets = 0;

	(void)state;
	pkt.len = NETFRONT_PAGE;
	for (; netfront_tx_room(&q, &pkt, 1); packets++)
		assert_int_equal(netfront_tx_send(&q, &pkt), 0);
	assert_int_equal(packets, NETFRONT_ENTRIES - 2);
	assert_int_equal(netfront_tx_send(&q, &pkt), -EINVAL);
	netfront_push(&q);
	answer(seen(7).id, NETIF_RSP_OKAY);
	assert_int_equal(netfront_tx_reclaim(&q), 0);
	assert_true(netfront_tx_room(&q, &pkt, 1));
	assert_ptr_equal(pkt.frag[0].iov_base, q.tx_pages + 7 * NETFRONT_PAGE);
}

static void a_multicast_address_rides_on_an_empty_request(void **state)
{
	static const uint8_t mac[] = {0x33, 0x33, 0, 0, 0, 1};

	(void)state;
	assert_int_equal(netfront_tx_multicast(&q, mac, true), 0);
	netfront_push(&q);
	assert_int_equal(seen(0).flags, NETTXF_extra_info);
	struct netif_extra_info *e = (struct netif_extra_info *)&q.tx.sring->ring[1];
	assert_int_equal(e->type, XEN_NETIF_EXTRA_TYPE_MCAST_ADD);
	assert_memory_equal(e->u.mcast.addr, mac, sizeof(mac));
	answer(seen(0).id, NETIF_RSP_OKAY);
	answer(0, NETIF_RSP_NULL);
	assert_int_equal(netfront_tx_reclaim(&q), 0);
}

static void errors_and_drops_are_counted(void **state)
{
	(void)state;
	pkt.len = 60;
	for (int i = 0; i < 2; i++)
		assert_int_equal(netfront_tx_send(&q, &pkt), 0);
	netfront_push(&q);
	answer(seen(1).id, NETIF_RSP_DROPPED);
	answer(seen(0).id, NETIF_RSP_ERROR);
	assert_int_equal(netfront_tx_reclaim(&q), 0);
	assert_int_equal(q.stats.tx_errors, 1);
	assert_int_equal(q.stats.tx_dropped, 1);
}

static void bad_answer(uint16_t id, int16_t status)
{
	setup(NULL);
	pkt.len = 60;
	assert_int_equal(netfront_tx_send(&q, &pkt), 0);
	netfront_push(&q);
	answer(id, status);
	assert_int_equal(netfront_tx_reclaim(&q), -EPROTO);
	assert_int_equal(netfront_error(&nf), -EPROTO);
	teardown(NULL);
}

static void bad_answers_to_what_was_sent_are_not_believed(void **state)
{
	(void)state;
	teardown(NULL);
	bad_answer(1, NETIF_RSP_OKAY);		      /* not under way */
	bad_answer(NETFRONT_ENTRIES, NETIF_RSP_OKAY); /* no id at all */
	bad_answer(0, NETIF_RSP_NULL);		      /* no extra was sent */
	bad_answer(0, 2);
	bad_answer(0, -3);
	setup(NULL);
}

static void an_answer_is_taken_once(void **state)
{
	(void)state;
	pkt.len = 60;
	for (int i = 0; i < 2; i++)
		assert_int_equal(netfront_tx_send(&q, &pkt), 0);
	netfront_push(&q);
	answer(seen(0).id, NETIF_RSP_OKAY);
	answer(seen(0).id, NETIF_RSP_OKAY);
	assert_int_equal(netfront_tx_reclaim(&q), -EPROTO);
}

static void more_answers_than_packets_are_not_believed(void **state)
{
	(void)state;
	answer(0, NETIF_RSP_OKAY);
	assert_int_equal(netfront_tx_reclaim(&q), -EPROTO);
}

/* ---- receiving ----------------------------------------------------------------------------------
 */

static void all_pages_are_on_offer(void **state)
{
	(void)state;
	assert_int_equal(q.rx.sring->req_prod, NETFRONT_ENTRIES);
	assert_int_equal(q.rx.sring->ring[3].req.gref, 1000 + NETFRONT_ENTRIES + 3);
}

static void a_packet_is_taken_with_its_extras(void **state)
{
	struct netif_extra_info gso = {.type = XEN_NETIF_EXTRA_TYPE_GSO,
				       .flags = XEN_NETIF_EXTRA_FLAG_MORE,
				       .u.gso = {.size = 1448, .type = XEN_NETIF_GSO_TYPE_TCPV4}};
	struct netif_extra_info hash = {
		.type = XEN_NETIF_EXTRA_TYPE_HASH,
		.u.hash = {.type = 1, .algorithm = 1, .value = {4, 3, 2, 1}}};

	(void)state;
	give(0, NETRXF_csum_blank | NETRXF_data_validated | NETRXF_more_data | NETRXF_extra_info,
	     (int16_t)NETFRONT_PAGE);
	give_extra(gso);
	give_extra(hash);
	give(16, 0, 200);
	assert_int_equal(netfront_rx_take(&q, &pkt), 1);
	assert_int_equal(pkt.frags, 2);
	assert_int_equal(pkt.len, NETFRONT_PAGE + 200);
	assert_ptr_equal(pkt.frag[1].iov_base, q.rx_pages + 3 * NETFRONT_PAGE + 16);
	assert_true(pkt.csum_blank && pkt.csum_valid && pkt.hashed);
	assert_int_equal(pkt.gso_size, 1448);
	assert_int_equal(pkt.hash, 0x01020304);
	assert_int_equal(q.rx.sring->req_prod, NETFRONT_ENTRIES);
	assert_int_equal(netfront_rx_take(&q, &pkt), 0);
	netfront_push(&q);
	assert_int_equal(q.rx.sring->req_prod, NETFRONT_ENTRIES + 4); /* the extras' pages, too */
}

static void pages_go_round_for_ever(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3 * NETFRONT_ENTRIES; i++) {
		give(0, i % 3 ? NETRXF_more_data : 0, 100);
		if (i % 3)
			give(0, 0, 100);
		assert_int_equal(netfront_rx_take(&q, &pkt), 1);
		netfront_rx_release(&q);
		netfront_push(&q);
	}
	assert_int_equal(q.rx.req_prod_pvt - q.rx.rsp_cons, NETFRONT_ENTRIES);
}

static void a_packet_with_an_error_is_passed_over(void **state)
{
	(void)state;
	give(0, NETRXF_more_data, 100);
	give(0, 0, NETIF_RSP_ERROR);
	give(0, 0, 60);
	assert_int_equal(netfront_rx_take(&q, &pkt), 1);
	assert_int_equal(pkt.len, 60);
	assert_int_equal(q.stats.rx_errors, 1);
}

static void not_believed(void)
{
	assert_int_equal(netfront_rx_take(&q, &pkt), -EPROTO);
	assert_int_equal(netfront_error(&nf), -EPROTO);
	teardown(NULL);
	setup(NULL);
}

static void bad_packets_are_not_believed(void **state)
{
	struct netif_extra_info e = {.type = XEN_NETIF_EXTRA_TYPE_GSO};

	(void)state;
	give(0, NETRXF_more_data, 100); /* cut off */
	not_believed();
	give(0, NETRXF_extra_info, 100);
	not_believed();
	give(4000, 0, 97); /* leaves its page */
	not_believed();
	give(0, 0, 0);
	not_believed();
	give(0, 0, 60)->id++;
	not_believed();
	give(0, NETRXF_gso_prefix, 60);
	not_believed();
	give(0, NETRXF_extra_info, 60); /* GSO without a size */
	give_extra(e);
	not_believed();
	e.type = XEN_NETIF_EXTRA_TYPE_MCAST_ADD;
	give(0, NETRXF_extra_info, 60);
	give_extra(e);
	not_believed();
	e.type = NETFRONT_EXTRA_XDP; /* nobody asked for it */
	give(0, NETRXF_extra_info, 60);
	give_extra(e);
	not_believed();
	for (unsigned int i = 0; i <= NETFRONT_MAX_FRAGS; i++)
		give(0, NETRXF_more_data, 60);
	give(0, 0, 60);
	not_believed();
	q.rx.sring->rsp_prod = NETFRONT_ENTRIES + 1;
	not_believed();
}

static void two_extras_of_a_type_are_not_believed(void **state)
{
	struct netif_extra_info e = {.type = XEN_NETIF_EXTRA_TYPE_GSO,
				     .flags = XEN_NETIF_EXTRA_FLAG_MORE,
				     .u.gso = {.size = 1448, .type = XEN_NETIF_GSO_TYPE_TCPV4}};

	(void)state;
	give(0, NETRXF_extra_info, 60);
	give_extra(e);
	e.flags = 0;
	give_extra(e);
	not_believed();
}

static void what_we_do_not_take_is_not_believed(void **state)
{
	(void)state;
	nf.opts.no_csum = true;
	give(0, NETRXF_csum_blank, 60);
	not_believed();
	nf.opts.no_sg = true;
	give(0, NETRXF_more_data, 60);
	give(0, 0, 60);
	not_believed();
	nf.opts.headroom = 256;
	nf.info.headroom = true;
	give(255, 0, 60);
	not_believed();
}

static void headroom_is_before_a_packet(void **state)
{
	struct netif_extra_info e = {.type = NETFRONT_EXTRA_XDP};

	(void)state;
	nf.opts.headroom = 256;
	nf.info.headroom = true;
	give(256, NETRXF_extra_info, 60);
	give_extra(e);
	assert_int_equal(netfront_rx_take(&q, &pkt), 1);
	assert_int_equal(pkt.headroom, 256);
	assert_ptr_equal(pkt.frag[0].iov_base, q.rx_pages + 256);
}

/* ---- sleeping
 * ------------------------------------------------------------------------------------ */

static void nobody_sleeps_while_there_is_work(void **state)
{
	(void)state;
	assert_false(netfront_arm(&q, true));
	assert_int_equal(q.rx.sring->rsp_event, 1);
	pkt.len = 60;
	for (int i = 0; i < 8; i++)
		assert_int_equal(netfront_tx_send(&q, &pkt), 0);
	netfront_push(&q);
	assert_false(netfront_arm(&q, true));
	assert_int_equal(q.tx.sring->rsp_event, 5); /* half of them */
	for (RING_IDX i = 0; i < 4; i++)
		answer(seen(i).id, NETIF_RSP_OKAY);
	assert_false(netfront_arm(&q, true));
	answer(seen(4).id, NETIF_RSP_OKAY);
	assert_true(netfront_arm(&q, true));
	assert_false(netfront_arm(&q, false));
	give(0, 0, 60);
	assert_true(netfront_arm(&q, false));
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_packet_has_its_fields),
		T(the_first_slot_has_the_whole_size),
		T(a_hash_follows_a_gso_extra),
		T(what_netif_cannot_express_is_refused),
		T(the_ring_is_never_overfilled),
		T(a_multicast_address_rides_on_an_empty_request),
		T(errors_and_drops_are_counted),
		T(bad_answers_to_what_was_sent_are_not_believed),
		T(an_answer_is_taken_once),
		T(more_answers_than_packets_are_not_believed),
		T(all_pages_are_on_offer),
		T(a_packet_is_taken_with_its_extras),
		T(pages_go_round_for_ever),
		T(a_packet_with_an_error_is_passed_over),
		T(bad_packets_are_not_believed),
		T(two_extras_of_a_type_are_not_believed),
		T(what_we_do_not_take_is_not_believed),
		T(headroom_is_before_a_packet),
		T(nobody_sleeps_while_there_is_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
