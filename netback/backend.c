// SPDX-License-Identifier: MIT
/*
 * What a vif has in the store, per xen/io/netif.h: reads what the toolstack asks for and what the
 * frontend offers, writes what we can.  The interface is made before InitWait, for that is when the
 * toolstack's script looks for it.
 *
 * Nothing is ever configured from the frontend's directory, which the guest writes; of it only
 * features, rings and event channels are read, once, within one transaction.
 */
#include "netback/backend.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bus.h"
#include "netback/frontend.h"
#include "netback/links.h"
#include "netback/nic.h"
#include "netback/settings.h"
#include "netback/vif.h"

enum {
	MTU_MIN = 68,	/* RFC 791; ETH_MIN_MTU */
	MTU_MAX = 65517 /* 65535 less the Ethernet header and a tag: Linux' netback */
};

/*
 * Once loaded, the kernel's driver claims each device of kind vif, those that are served already
 * not excepted.  It may be loaded at any time, so it is looked for at each one and not at our
 * start.
 */
static const char *netback_rival(const struct device *device)
{
	(void)device;
	if (access("/sys/bus/xen-backend/drivers/vif", F_OK) != 0)
		return NULL;
	return "the kernel's xen-netback is loaded and claims this vif; rmmod xen-netback, "
	       "blacklist it in /etc/modprobe.d, and attach the vif again";
}

static bool netback_wanted(struct device *device)
{
	(void)device;
	return true;
}

/* ---- offer ------------------------------------------------------------------------------ */

/* The toolstack's scripts set it, too, of the bridge; this is for those that don't. */
static int offer_mtu(struct nic *nic)
{
	struct device *device = nic->device;
	uint64_t mtu;
	int err = store_read_number(&device->sup->store, MTU_MAX, &mtu, "%s/mtu", device->path);

	if (err == -ENOENT)
		return 0;
	if (err == 0 && mtu >= MTU_MIN)
		err = tap_set_mtu(&nic->tap, (uint32_t)mtu);
	else
		err = -EINVAL;
	if (err < 0)
		snprintf(
			nic->why, sizeof(nic->why),
			"its node mtu is no number from %d to %d; write mtu=1500 or another one in "
			"the vif's specification",
			MTU_MIN, MTU_MAX);
	return err;
}

static void netback_offer(struct device *device)
{
	struct nic *nic = nic_get(device);
	char *vifname = store_read(&device->sup->store, "%s/vifname", device->path);
	char name[32];
	bool named;
	int err = 0;

	links_watch(device->sup);
	nic->why[0] = '\0';
	snprintf(name, sizeof(name), "vif%u.%u", device->guest->domid, device->devid);
	/* A script looks for the ordinary name, and gives it the other one. */
	named = vifname && *vifname;
	if (named && !tap_name_is_valid(vifname)) {
		snprintf(nic->why, sizeof(nic->why),
			 "its vifname '%.40s' is no name of a network interface, which has 1 to 15 "
			 "characters without spaces, slashes, colons and %%",
			 vifname);
		err = -EINVAL;
	}
	if (err == 0)
		err = nic_make(nic, named && device_script(device) == SCRIPT_NONE ? vifname : name);
	if (err == 0)
		err = offer_mtu(nic);
	free(vifname);
	device_offered(device, err < 0 ? nic->why : NULL);
}

static bool netback_ready(const struct device *device)
{
	const struct nic *nic = device->private;

	return nic && nic->tap.index;
}

/* ---- nodes we write --------------------------------------------------------------------- */

static int netback_write_features(struct device *device)
{
	/* Windows reads these in base 2: nothing but 0 and 1. */
	static const char *const offered[] = {
		"feature-sg",
		"feature-gso-tcpv4",
		"feature-gso-tcpv6",
		"feature-ipv6-csum-offload",
		"feature-rx-copy",
		"feature-split-event-channels",
		"feature-multicast-control",
		"feature-dynamic-multicast-control",
		"feature-ctrl-ring",
		"feature-xdp-headroom",
	};
	struct store *store = &device->sup->store;
	int err = store_write(store, device->path, "feature-rx-flip", "0");

	for (size_t i = 0; i < sizeof(offered) / sizeof(offered[0]) && err == 0; i++)
		err = store_write(store, device->path, offered[i], "1");
	if (err == 0)
		err = store_write(store, device->path, "multi-queue-max-queues", "%u",
				  device->sup->threads);
	/* For whoever wonders whether it was not another backend that went to InitWait. */
	if (err == 0)
		err = store_write(store, device->path, "served-by", "halfback");
	return err;
}

static int netback_write_connected(struct device *device)
{
	struct nic *nic = device->private;

	nic->carrier = links_is_up(nic->tap.name);
	return store_write(&device->sup->store, device->path, "carrier", "%d", nic->carrier);
}

/* ---- connect ---------------------------------------------------------------------------- */

/* What an earlier supervisor, or we, found when the device connected. */
static int connection_read(const struct device *device, struct vif_connect *connect, char *why,
			   size_t why_size)
{
	memcpy(connect, device->saved->body, sizeof(*connect));
	if (connect->queues >= 1 && connect->queues <= VIF_QUEUES_MAX &&
	    vif_journal_bytes(connect) == device->saved->bytes)
		return 0;
	snprintf(why, why_size,
		 "its connection can't be gone on with; the guest has to connect it again");
	return -EINVAL;
}

/* What frames that the kernel hands us may be like. */
static unsigned int tap_offload(uint32_t features)
{
	unsigned int offload = 0;

	if (features & (VNET_CSUM4 | VNET_CSUM6))
		offload |= TUN_F_CSUM;
	if (features & VNET_GSO4)
		offload |= TUN_F_TSO4;
	if (features & VNET_GSO6)
		offload |= TUN_F_TSO6;
	return offload;
}

/* Without BPF packets come by whatever queue the tap chooses. */
static void connect_steer(struct nic *nic, struct vif_connect *connect, struct chan_msg *msg)
{
	int err = 0;

	connect->steer = 0;
	if (connect->queues < 2 || !connect->has_ctrl)
		return;
	if (nic->steer.map < 0)
		err = steer_open(&nic->steer);
	if (err < 0) {
		log_debug("can't steer packets by guests' hashes: %s", strerror(-err));
		return;
	}
	connect->steer = 1;
	msg->fds[msg->nfds++] = nic->steer.program;
	msg->fds[msg->nfds++] = nic->steer.map;
}

static int netback_connect(struct device *device, struct chan_msg *msg, const char **why)
{
	struct nic *nic = device->private;
	struct vif_connect connect;
	int err;

	nic->why[0] = '\0';
	err = device->resume ? connection_read(device, &connect, nic->why, sizeof(nic->why))
			     : frontend_read_vif(device, &connect, nic->why, sizeof(nic->why));
	connect.resume = device->resume;
	if (err == 0)
		err = settings_read(device, &connect.settings, nic->why, sizeof(nic->why));
	if (err == 0) {
		nic_find(nic);
		err = tap_open(&nic->tap, connect.queues, tap_offload(connect.features),
			       device->sup->loop.way == LOOP_URING);
		if (err < 0)
			snprintf(nic->why, sizeof(nic->why),
				 "can't open the network interface %s: %s", nic->tap.name,
				 strerror(-err));
	}
	*why = nic->why[0] ? nic->why : NULL;
	if (err < 0)
		return err;
	nic->settings = connect.settings;
	nic->unsure = device->resume;
	device->queues = connect.queues;
	device->engine = "tap";
	device->journal_bytes = vif_journal_bytes(&connect);
	memcpy(msg->fds, nic->tap.fds, sizeof(nic->tap.fds));
	msg->nfds = nic->tap.nfds;
	connect_steer(nic, &connect, msg);
	memcpy(msg->body, &connect, sizeof(connect));
	return 0;
}

static bool frontend_reconfigures(struct device *device)
{
	char *state = store_read(&device->sup->store, "%s/state", device->frontend);
	bool is = bus_state(state) == XenbusStateReconfiguring;

	free(state);
	return is;
}

/* The toolstack's settings may change while a vif is connected, and some of the guest's. */
static bool netback_tune(struct device *device, struct chan_msg *msg)
{
	struct nic *nic = device->private;
	struct vif_settings settings = nic->settings;
	char why[200] = "";
	int err = settings_read(device, &settings, why, sizeof(why));

	if (err == 0)
		err = frontend_read_wishes(device, &settings);
	if (err < 0) {
		if (why[0])
			log_guest(&device->limit, "vif %u of guest %u keeps its settings: %s",
				  device->devid, device->guest->domid, why);
		return false;
	}
	/* A frontend's headroom counts when it goes to Reconfiguring. */
	settings.set_headroom = frontend_reconfigures(device);
	if (!settings.set_headroom)
		settings.headroom = nic->settings.headroom;
	/* Padding that differs costs a message, no more. */
	if (!settings.set_headroom && !nic->unsure &&
	    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
	    memcmp(&settings, &nic->settings, sizeof(settings)) == 0)
		return false;
	nic->unsure = false;
	nic->settings = settings;
	nic->settings.set_headroom = 0;
	memcpy(msg->body, &settings, sizeof(settings));
	return true;
}

static bool netback_resize(struct device *device, struct chan_msg *msg)
{
	(void)device;
	(void)msg;
	return false;
}

static void netback_look(struct device *device)
{
	(void)device;
}

const struct backend netback_backend = {
	.name = "netback",
	.kinds = {"vif"},
	.connect_bytes = sizeof(struct vif_connect),
	.tuned_by = "request-multicast-control",
	.reconfigures = true,
	.no_uring = "packets are read and written one by one",
	.rival = netback_rival,
	.wanted = netback_wanted,
	.offer = netback_offer,
	.ready = netback_ready,
	.write_features = netback_write_features,
	.connect = netback_connect,
	.tune = netback_tune,
	.write_connected = netback_write_connected,
	.resize = netback_resize,
	.look = netback_look,
	.release = nic_release,
	.sweep = nic_sweep,
};
