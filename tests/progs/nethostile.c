// SPDX-License-Identifier: MIT
/*
 * nethostile DEVID [OPTION...] CASE...: a guest that sends packets and messages no honest frontend
 * would, on stock Xen libraries.
 *
 * For each case it prints one line: the case, and the status of the backend's answers (one number
 * if all are the same), or "closed" when the backend closed the device, "silent" when it did
 * nothing within two seconds.  After a device was closed it is opened anew for the next case.  What
 * the right outcome is, the test that calls it knows.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loopback/barrier.h"
#include "loopback/netfront.h"
#include "tests/hostile/net.h"
#include <xen/io/ring.h>

#define WAIT_MS 2000

static struct guest guest;
static struct netfront_opts opts;
static unsigned int devid;
static bool no_room;
struct hostile h;

static uint64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

bool hostile_closed(void)
{
	enum xenbus_state state = front_backend_state(netfront_front(h.nf));

	return state != XenbusStateConnected && state != XenbusStateReconfigured;
}

/* Over what an honest frontend writes. */
static void key_add(const char *key, const char *value)
{
	static struct front_key keys[8];

	if (opts.nr_keys == 8)
		exit(2);
	keys[opts.nr_keys++] = (struct front_key){key, value};
	opts.keys = keys;
}

/* KEY=VALUE, KEY@DOMID for a port that this domain may bind, or KEY-. */
static void option_key(char *text)
{
	size_t end = strcspn(text, "=@");
	char how = text[end];

	if (!*text)
		exit(2);
	text[how ? end : end - 1] = '\0';
	if (how == '@')
		key_add(text, hostile_port((uint32_t)atoi(text + end + 1)));
	else
		key_add(text, how ? text + end + 1 : NULL);
}

static void hostile_open(void)
{
	h.nf = netfront_open(&guest, devid, &opts);
	if (!h.nf)
		exit(1);
	h.q = netfront_queue(h.nf, netfront_info(h.nf)->queues - 1);
	if (!no_room)
		netfront_push(h.q); /* offers its RX slots */
	h.tx = netfront_raw_tx(h.q);
	h.prod = h.tx->req_prod;
	h.answered = h.tx->rsp_prod;
}

void hostile_reopen(void)
{
	netfront_close(h.nf);
	hostile_open();
}

/* ---- the TX ring, without any rule --------------------------------------------------------- */

netif_tx_request_t *tx_put(netif_tx_request_t request)
{
	netif_tx_request_t *slot = &h.tx->ring[h.prod++ & (NETFRONT_ENTRIES - 1)].req;

	*slot = request;
	return slot;
}

void tx_put_extra(struct netif_extra_info extra)
{
	netif_tx_request_t slot = {.gref = 0xaaaaaaaa};

	memcpy(&slot, &extra, sizeof(extra));
	tx_put(slot);
}

void tx_push(RING_IDX prod)
{
	xen_wmb();
	*(volatile RING_IDX *)&h.tx->req_prod = prod;
	h.tx->rsp_event = prod;
	xen_mb();
	netfront_raw_notify(h.q);
}

bool tx_answers(unsigned int n)
{
	uint64_t end = clock_ms() + WAIT_MS;

	while (*(volatile RING_IDX *)&h.tx->rsp_prod - h.answered < n) {
		if (clock_ms() > end || hostile_closed())
			return false;
		usleep(200);
	}
	xen_rmb();
	return true;
}

const char *no_answer(void)
{
	uint64_t end = clock_ms() + WAIT_MS;

	while (clock_ms() < end)
		if (hostile_closed())
			return "closed";
	return "silent";
}

/* What the slots since the last answer were answered with, those of extras left out. */
static void tx_report(const char *name, unsigned int slots)
{
	int16_t first = 0, status;
	bool any = false, mixed = false;

	if (!tx_answers(slots)) {
		printf("%s %s\n", name, no_answer());
		hostile_reopen();
		return;
	}
	for (unsigned int i = 0; i < slots; i++) {
		status = h.tx->ring[(h.answered + i) & (NETFRONT_ENTRIES - 1)].rsp.status;
		if (status == NETIF_RSP_NULL)
			continue;
		mixed |= any && status != first;
		if (!any)
			first = status;
		any = true;
	}
	h.answered += slots;
	if (mixed)
		printf("%s mixed\n", name);
	else
		printf("%s %d\n", name, any ? first : NETIF_RSP_NULL);
}

static void tx_case(const struct tx_case *c)
{
	RING_IDX from = h.prod;

	c->put(c);
	tx_push(h.prod);
	tx_report(c->name, h.prod - from);
}

/* ---- what is more than a packet ------------------------------------------------------------- */

static void closed_wait(const char *name)
{
	printf("%s %s\n", name, no_answer());
	hostile_reopen();
}

/* XSA-155: fields change while the backend looks at them.  Whatever it reads, it must answer. */
static volatile bool flip_stop;

static void *flip(void *arg)
{
	while (!flip_stop)
		for (unsigned int i = 0; i < NETFRONT_ENTRIES; i++) {
			volatile netif_tx_request_t *r =
				(volatile netif_tx_request_t *)&h.tx->ring[i].req;

			r->size = 1;
			r->offset = 0;
			r->gref = 60000;
			r->size = 60;
			r->offset = 100;
			r->gref = netfront_raw_ref(h.q, 0);
		}
	return arg;
}

static void attack_flip(const char *name)
{
	time_t end = time(NULL) + 2;
	pthread_t thread;
	unsigned int n;

	flip_stop = false;
	if (pthread_create(&thread, NULL, flip, NULL))
		exit(1);
	for (n = 0; n < 20000 && time(NULL) < end; n++) {
		tx_put((netif_tx_request_t){.gref = netfront_raw_ref(h.q, 0), .size = 60});
		tx_push(h.prod);
		if (!tx_answers(1))
			break;
		h.answered++;
	}
	flip_stop = true;
	pthread_join(thread, NULL);
	printf("%s %s\n", name, hostile_closed() ? "closed" : n > 100 ? "answered" : "silent");
}

/* XSA-216: an answer's padding must not carry the backend's memory. */
static void attack_padding(const char *name)
{
	volatile uint8_t *raw = (volatile uint8_t *)tx_put(
		(netif_tx_request_t){.gref = netfront_raw_ref(h.q, 0), .size = 60, .id = 7});
	bool leak = false;

	tx_push(h.prod);
	if (!tx_answers(1)) {
		printf("%s %s\n", name, no_answer());
		return;
	}
	for (int i = 4; i < 12; i++)
		leak |= raw[i] != 0;
	h.answered++;
	printf("%s %s\n", name, leak ? "leak" : "clean");
}

static void attack_storm(const char *name)
{
	for (int i = 0; i < 200000; i++)
		netfront_raw_notify(h.q);
	tx_put((netif_tx_request_t){.gref = netfront_raw_ref(h.q, 0), .size = 60});
	tx_push(h.prod);
	tx_report(name, 1);
}

static void attack_mcast(const char *name)
{
	RING_IDX from = h.prod;

	for (int i = 0; i < 66; i++) {
		struct netif_extra_info extra = {.type = XEN_NETIF_EXTRA_TYPE_MCAST_ADD};

		extra.u.mcast.addr[0] = 1;
		extra.u.mcast.addr[5] = (uint8_t)i;
		tx_put((netif_tx_request_t){.flags = NETTXF_extra_info, .size = 60});
		tx_put_extra(extra);
	}
	tx_push(h.prod);
	tx_report(name, h.prod - from);
}

/* Slots for what comes that name no page, or too few of them. */
static void attack_rx(const char *name, bool overflow)
{
	struct netif_rx_sring *rx = netfront_raw_rx(h.q);
	RING_IDX at = rx->rsp_prod + 8; /* some may come while we write */

	if (overflow) {
		*(volatile RING_IDX *)&rx->req_prod = rx->rsp_prod + NETFRONT_ENTRIES + 1;
		netfront_raw_notify(h.q);
		/* It looks when a frame has come for us. */
		closed_wait(name);
		return;
	}
	for (unsigned int i = 0; i < NETFRONT_ENTRIES; i++)
		rx->ring[i].req.gref = 60000;
	for (int i = 0; i < 50 && *(volatile RING_IDX *)&rx->rsp_prod <= at; i++)
		usleep(100000);
	printf("%s %d\n", name, rx->rsp_prod > at ? rx->ring[at].rsp.status : 0);
	hostile_reopen();
}

static volatile sig_atomic_t room_wanted;

static void room_signal(int sig)
{
	room_wanted = sig;
}

/* No RX slot is offered until SIGUSR1 comes; then all are. */
static void attack_room(const char *name)
{
	printf("connected\n");
	while (!room_wanted)
		usleep(10000);
	for (unsigned int i = 0; i < netfront_info(h.nf)->queues; i++) {
		netfront_push(netfront_queue(h.nf, i));
		netfront_raw_notify(netfront_queue(h.nf, i));
	}
	sleep(1);
	printf("%s %s\n", name, hostile_closed() ? "closed" : "room");
}

/*
 * Says of each packet that comes how many bytes are free before it, until it is killed.  By the
 * ring itself: an honest frontend would believe none that it did not ask for when it connected.
 */
static void watch_headrooms(void)
{
	struct netif_rx_sring *rx = netfront_raw_rx(h.q);
	RING_IDX at = 0;

	printf("connected\n");
	for (;; usleep(10000)) {
		while (at != *(volatile RING_IDX *)&rx->rsp_prod) {
			unsigned int slot = at++ & (NETFRONT_ENTRIES - 1);
			netif_rx_response_t rsp = rx->ring[slot].rsp;

			xen_rmb();
			printf("headroom %u\n", rsp.offset);
			if (rsp.flags & NETRXF_extra_info)
				at++;
		}
		for (RING_IDX to = rx->req_prod; to != at + NETFRONT_ENTRIES; to++) {
			unsigned int slot = to & (NETFRONT_ENTRIES - 1);

			rx->ring[slot].req = (netif_rx_request_t){
				.id = (uint16_t)slot,
				.gref = netfront_raw_ref(h.q, NETFRONT_ENTRIES + slot)};
			xen_wmb();
			rx->req_prod = to + 1;
		}
	}
}

/* Hashes of all, by a key; those of the packets that come, on all queues, until it is killed. */
static void watch_hashes(const char *name, const uint32_t *table)
{
	uint8_t key[40];
	struct netfront_packet pkt;

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(0x11 * (i % 8 + 1));
	if (netfront_hash(h.nf, 15, key, sizeof(key), table, 8)) {
		printf("%s refused\n", name);
		return;
	}
	printf("connected\n");
	for (;; usleep(10000))
		for (unsigned int i = 0; i < netfront_info(h.nf)->queues; i++) {
			struct netfront_queue *q = netfront_queue(h.nf, i);

			while (netfront_rx_take(q, &pkt) > 0) {
				if (pkt.hashed)
					printf("%s type %u %08x queue %u\n", name, pkt.hash_type,
					       pkt.hash, i);
				netfront_rx_release(q);
			}
			netfront_push(q);
		}
}

static void attack_other(const char *name)
{
	if (!strcmp(name, "no-room"))
		attack_room(name);
	else if (!strcmp(name, "headrooms"))
		watch_headrooms();
	else if (!strcmp(name, "hash"))
		watch_hashes(name, (const uint32_t[8]){0});
	else if (!strcmp(name, "hash-steer"))
		watch_hashes("hash", (const uint32_t[8]){0, 1, 1, 0, 1, 0, 0, 1});
	else if (!strcmp(name, "connect"))
		printf("%s %s\n", name, hostile_closed() ? "closed" : "connected");
	else if (!strcmp(name, "flip"))
		attack_flip(name);
	else if (!strcmp(name, "padding"))
		attack_padding(name);
	else if (!strcmp(name, "close-storm"))
		attack_close_storm(name);
	else if (!strcmp(name, "storm"))
		attack_storm(name);
	else if (!strcmp(name, "mcast-many"))
		attack_mcast(name);
	else if (!strcmp(name, "rx-bad-refs"))
		attack_rx(name, false);
	else if (!strcmp(name, "rx-overflow"))
		attack_rx(name, true);
	else if (!strncmp(name, "overflow", 8)) {
		tx_push(h.prod + (!strcmp(name, "overflow-half")   ? 1U << 31
				  : !strcmp(name, "overflow-back") ? (RING_IDX)-1
								   : NETFRONT_ENTRIES + 1));
		closed_wait(name);
	} else if (!strcmp(name, "flood")) {
		for (;;) {
			tx_put((netif_tx_request_t){.gref = 60000, .size = 60});
			tx_push(h.prod);
			if (!tx_answers(1))
				break;
			h.answered++;
		}
	} else if (!ctrl_attack(name)) {
		printf("%s is-no-case\n", name);
	}
}

static void attack(const char *name)
{
	for (size_t i = 0; tx_cases[i].name; i++)
		if (!strcmp(name, tx_cases[i].name)) {
			tx_case(&tx_cases[i]);
			return;
		}
	attack_other(name);
}

int main(int argc, char **argv)
{
	int first = 2;

	for (; first < argc && argv[first][0] == '-'; first++)
		if (!strncmp(argv[first], "--queues=", 9))
			opts.queues = (unsigned int)atoi(argv[first] + 9);
		else if (!strncmp(argv[first], "--key=", 6))
			option_key(argv[first] + 6);
		else if (!strcmp(argv[first], "--no-rx-notify"))
			opts.no_rx_notify = true;
		else
			return 2;
	if (first >= argc || guest_open(&guest)) {
		fprintf(stderr, "usage: nethostile DEVID [--queues=N] [--no-rx-notify] "
				"[--key=KEY=VALUE] CASE...\n");
		return 2;
	}
	devid = (unsigned int)atoi(argv[1]);
	no_room = !strcmp(argv[first], "no-room");
	signal(SIGUSR1, room_signal);
	hostile_open();
	hostile_frame_make();
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (; first < argc; first++) {
		hostile_frame_make();
		attack(argv[first]);
	}
	netfront_close(h.nf);
	guest_close(&guest);
	return 0;
}
