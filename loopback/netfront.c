// SPDX-License-Identifier: MIT
/*
 * The reference frontend of a PV NIC: connecting and closing, as Linux's xen-netfront does it, and
 * what the device has once for all its queues.
 *
 * It owns the queues, the control ring and the one watch on the backend's state.  Only the thread
 * that opened the device uses the store; queues' threads learn of an end by netfront_error(), and
 * tell of one by an eventfd.
 *
 * It must never leave a grant behind that the backend could still write to while we reuse the page:
 * pages are only given back after the backend's state is Closed.
 */
#include "loopback/netfront.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loopback/netfront_priv.h"

int netfront_open_error(const struct netfront *nf, int err, const char *what)
{
	fprintf(stderr, "vif %u: %s: %s\n", nf->front.devid, what, strerror(-err));
	return err;
}

void netfront_fail(struct netfront *nf, int err, const char *why)
{
	uint64_t one = 1;
	int none = 0;
	ssize_t n;

	if (!__atomic_compare_exchange_n(&nf->error, &none, err, false, __ATOMIC_RELEASE,
					 __ATOMIC_RELAXED))
		return;
	fprintf(stderr, "vif %u: %s\n", nf->front.devid, why);
	n = write(nf->error_fd, &one, sizeof(one));
	(void)n; /* it was 0 before: nobody else writes it */
}

/* ---- connecting --------------------------------------------------------------------------- */

static bool offered(const struct netfront *nf, const char *feature)
{
	return front_read(&nf->front, feature, 0) == 1;
}

static void mac_read(struct netfront *nf)
{
	char *text = front_read_own(&nf->front, "mac");
	uint8_t *m = nf->info.mac;

	if (!text || sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &m[0], &m[1], &m[2], &m[3],
			    &m[4], &m[5]) != NETFRONT_MAC)
		memset(m, 0, NETFRONT_MAC);
	free(text);
}

static void mtu_read(struct netfront *nf)
{
	char *text = front_read_own(&nf->front, "mtu");
	unsigned long mtu = text ? strtoul(text, NULL, 10) : 0;

	nf->info.mtu = mtu >= 68 && mtu <= 65535 ? (unsigned int)mtu : 1500;
	free(text);
}

/* What of our wishes the backend's offers allow; they stand by its state 2. */
static int negotiate(struct netfront *nf)
{
	struct netfront_info *info = &nf->info;
	uint64_t most = front_read(&nf->front, "multi-queue-max-queues", 1);

	if (!offered(nf, "feature-rx-copy"))
		return netfront_open_error(nf, -EOPNOTSUPP,
					   "the backend does not offer feature-rx-copy");
	info->max_queues = most < UINT32_MAX ? (unsigned int)most : UINT32_MAX;
	info->queues = nf->opts.queues < info->max_queues ? nf->opts.queues : info->max_queues;
	if (info->queues > NETFRONT_MAX_QUEUES)
		info->queues = NETFRONT_MAX_QUEUES;
	if (!info->queues)
		info->queues = 1;
	info->split = offered(nf, "feature-split-event-channels") && !nf->opts.one_channel;
	info->sg = offered(nf, "feature-sg");
	info->gso4 = info->sg && offered(nf, "feature-gso-tcpv4");
	info->gso6 = info->sg && offered(nf, "feature-gso-tcpv6");
	info->csum4 = !offered(nf, "feature-no-csum-offload");
	info->csum6 = offered(nf, "feature-ipv6-csum-offload");
	info->multicast = offered(nf, "feature-multicast-control");
	info->ctrl = offered(nf, "feature-ctrl-ring") && !nf->opts.no_ctrl;
	info->headroom = offered(nf, "feature-xdp-headroom");
	mac_read(nf);
	mtu_read(nf);
	return 0;
}

static int connect_wait(struct netfront *nf, int timeout_ms)
{
	int state = front_wait(&nf->front,
			       FRONT_STATE(XenbusStateConnected) | FRONT_STATE(XenbusStateClosing) |
				       FRONT_STATE(XenbusStateClosed) | FRONT_GONE,
			       timeout_ms);

	if (state < 0)
		return netfront_open_error(nf, state, "the backend did not connect");
	if (state != XenbusStateConnected)
		return netfront_open_error(nf, -ECONNREFUSED,
					   "the backend closed instead of connecting");
	return nf->opts.staging ? netfront_stage(nf) : 0;
}

/* The link may change at any time; its events come where those of the state do. */
static bool carrier_watch(struct netfront *nf, bool on)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/carrier", nf->front.backend);
	return on ? xs_watch(nf->guest->xs, path, "carrier")
		  : xs_unwatch(nf->guest->xs, path, "carrier");
}

static int netfront_connect(struct netfront *nf, unsigned int devid)
{
	int timeout_ms = nf->opts.timeout_ms ? nf->opts.timeout_ms : GUEST_TIMEOUT;
	int err = front_open(&nf->front, nf->guest, "vif", devid);

	nf->front.devid = devid;
	if (err)
		return netfront_open_error(nf, err, "this domain has no such NIC");
	if (!carrier_watch(nf, true))
		return netfront_open_error(nf, -errno, "cannot watch its link");
	err = front_reset(&nf->front, timeout_ms);
	if (err)
		return netfront_open_error(nf, err, "the backend did not get ready (state 2)");
	err = negotiate(nf);
	for (unsigned int i = 0; !err && i < nf->info.queues; i++)
		err = netfront_queue_open(nf, i);
	if (!err && nf->info.ctrl)
		err = netfront_ctrl_open(nf);
	if (err)
		return err;
	err = netfront_keys_publish(nf);
	if (err)
		return netfront_open_error(nf, err, "cannot write the device's keys");
	nf->published = true;
	return connect_wait(nf, timeout_ms);
}

/* ---- closing ------------------------------------------------------------------------------ */

static void netfront_free(struct netfront *nf)
{
	for (unsigned int i = 0; i < NETFRONT_MAX_QUEUES && nf->queue[i]; i++)
		netfront_queue_close(nf->queue[i]);
	netfront_ctrl_close(nf);
	if (nf->front.watching)
		carrier_watch(nf, false);
	front_close(&nf->front);
	if (nf->error_fd >= 0)
		close(nf->error_fd);
	free(nf);
}

int netfront_close(struct netfront *nf)
{
	int err = front_shutdown(&nf->front,
				 nf->opts.timeout_ms ? nf->opts.timeout_ms : GUEST_TIMEOUT);

	netfront_free(nf);
	return err == -ENOENT ? 0 : err; /* the toolstack has taken the device away already */
}

struct netfront *netfront_open(struct guest *g, unsigned int devid,
			       const struct netfront_opts *opts)
{
	struct netfront *nf = calloc(1, sizeof(*nf));
	int err;

	if (!nf)
		return NULL;
	nf->guest = g;
	if (opts)
		nf->opts = *opts;
	nf->error_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = nf->error_fd < 0 ? -errno : netfront_connect(nf, devid);
	if (!err)
		return nf;
	if (nf->published)
		front_shutdown(&nf->front, 2000);
	netfront_free(nf);
	errno = -err;
	return NULL;
}

/* ---- looking ------------------------------------------------------------------------------ */

int netfront_fd(const struct netfront *nf)
{
	return front_fd(&nf->front);
}

int netfront_error_fd(const struct netfront *nf)
{
	return nf->error_fd;
}

int netfront_error(const struct netfront *nf)
{
	return __atomic_load_n(&nf->error, __ATOMIC_ACQUIRE);
}

int netfront_changed(struct netfront *nf)
{
	front_drain(&nf->front);
	switch (front_backend_state(&nf->front)) {
	case XenbusStateClosing:
	case XenbusStateClosed:
	case XenbusStateUnknown:
		netfront_fail(nf, -ESHUTDOWN, "the backend closed the device");
		break;
	default:
		break;
	}
	return netfront_error(nf);
}

bool netfront_carrier(const struct netfront *nf)
{
	return front_read(&nf->front, "carrier", 1) != 0;
}

const struct netfront_info *netfront_info(const struct netfront *nf)
{
	return &nf->info;
}

struct netfront_queue *netfront_queue(struct netfront *nf, unsigned int i)
{
	return i < nf->info.queues ? nf->queue[i] : NULL;
}

struct front *netfront_front(struct netfront *nf)
{
	return &nf->front;
}
