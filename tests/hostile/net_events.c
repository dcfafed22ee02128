// SPDX-License-Identifier: MIT
/*
 * What nethostile does with event channels: those that it names though they are another queue's or
 * another domain's, and events without end while the device closes.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <xenevtchn.h>

#include "tests/hostile/net.h"

enum {
	CLOSES = 40
};

/* One, however often it is asked for; its handle is never closed, or the port would go with it. */
const char *hostile_port(uint32_t domid)
{
	static char text[12];
	xenevtchn_handle *evtchn = text[0] ? NULL : xenevtchn_open(NULL, 0);
	int port = evtchn ? xenevtchn_bind_unbound_port(evtchn, domid) : -1;

	if (text[0])
		return text;

	if (port < 0) {
		perror("nethostile: a port");
		exit(1);
	}
	snprintf(text, sizeof(text), "%d", port);
	return text;
}

static volatile bool storm_stop;

static void *storm(void *arg)
{
	while (!storm_stop)
		for (unsigned int i = 0; i < netfront_info(h.nf)->queues; i++)
			netfront_raw_notify(netfront_queue(h.nf, i));
	return arg;
}

/* One life of the device: it closes while packets are under way and events come. */
static bool close_once(void)
{
	pthread_t thread;
	int err;

	storm_stop = false;
	if (pthread_create(&thread, NULL, storm, NULL))
		exit(1);
	for (unsigned int i = 0; i < 200; i++)
		tx_put((netif_tx_request_t){.gref = netfront_raw_ref(h.q, 1), .size = 60});
	tx_push(h.prod);
	err = front_shutdown(netfront_front(h.nf), GUEST_TIMEOUT);
	storm_stop = true;
	pthread_join(thread, NULL);
	return err == 0;
}

/* XSA-441: channels that are unbound while events come to them. */
void attack_close_storm(const char *name)
{
	unsigned int closed = 0;

	for (int i = 0; i < CLOSES; i++) {
		closed += close_once();
		hostile_reopen();
	}
	printf("%s %s\n", name, closed == CLOSES ? "closed" : "silent");
}
