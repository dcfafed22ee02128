// SPDX-License-Identifier: MIT
/*
 * A libFuzzer target: any nodes of a vif, in the frontend's directory, which the guest writes, and
 * in the backend's.  Each is read once; what is taken is within the bounds that the worker relies
 * on, and what is refused is refused in a sentence.
 *
 * An input is a byte for how many queues the supervisor offers, then the store (nodes.h).
 */
#include <stdbool.h>
#include <stdint.h>

#include "netback/frontend.h"
#include "netback/settings.h"
#include "netback/vif.h"
#include "netback/vnet.h"
#include "tests/fuzz/nodes.h"

enum {
	FEATURES = VNET_SG | VNET_GSO4 | VNET_GSO6 | VNET_CSUM4 | VNET_CSUM6 | VNET_RX_NOTIFY,
	PORTS = 1 << 17, /* that Xen can number */
};

/* No page is two rings. */
static void check_rings(const struct vif_connect *connect)
{
	uint32_t seen[2 * VIF_QUEUES_MAX + 1], n = 0;

	for (uint32_t q = 0; q < connect->queues; q++) {
		seen[n++] = connect->nodes[q].tx_ref;
		seen[n++] = connect->nodes[q].rx_ref;
		check(connect->nodes[q].port_tx < PORTS && connect->nodes[q].port_rx < PORTS);
	}
	if (connect->has_ctrl)
		seen[n++] = connect->ctrl_ref;
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < i; k++)
			check(seen[i] != seen[k]);
}

static bool has(const struct vif_connect *connect, uint32_t features)
{
	return (connect->features & features) == features;
}

static void read_frontend(struct device *device)
{
	struct vif_connect connect;
	char why[256];
	int err = frontend_read_vif(device, &connect, why, sizeof(why));

	if (err != 0) {
		check(err < 0 && (why[0] || err == -EACCES));
		return;
	}
	check(connect.queues >= 1 && connect.queues <= device->sup->threads);
	check((connect.features & ~(uint32_t)FEATURES) == 0);
	check(!has(&connect, VNET_GSO4) || has(&connect, VNET_SG | VNET_CSUM4));
	check(!has(&connect, VNET_GSO6) || has(&connect, VNET_SG | VNET_CSUM6));
	check(connect.has_ctrl <= 1 && connect.ctrl_port < PORTS);
	check(connect.settings.headroom <= HEADROOM_USED_MAX && connect.settings.multicast <= 1);
	check_rings(&connect);
}

static void check_limit(const struct limit_spec *spec)
{
	struct limit limit;

	limit_init(&limit, spec, 0);
	for (int i = 0; i < LIMIT_UNITS; i++) {
		check(limit.unit[i].rate <= LIMIT_RATE_MAX);
		check(limit.unit[i].burst > 0 && limit.unit[i].burst <= LIMIT_BURST_MAX);
		check((limit.unit[i].rate == 0) == (spec->unit[i].rate == 0));
	}
}

static void read_settings(struct device *device)
{
	struct vif_settings settings = {0};
	char why[256] = "";
	int err = settings_read(device, &settings, why, sizeof(why));

	if (err != 0) {
		check(err < 0 && (why[0] || err == -EACCES));
		return;
	}
	check_limit(&settings.tx);
	check_limit(&settings.rx);
	check(settings.spoof.mode <= SPOOF_IP && settings.spoof.count <= SPOOF_NETS_MAX);
	for (int i = 0; i < settings.spoof.count; i++) {
		const struct spoof_net *net = &settings.spoof.nets[i];

		check((net->version == 4 && net->bits <= 32) ||
		      (net->version == 6 && net->bits <= 128));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sup sup = {.store.xs = (struct xs_handle *)lines};
	struct device device = {.sup = &sup, .path = "b", .frontend = "f"};

	if (size == 0)
		return 0;
	sup.threads = data[0] % VIF_QUEUES_MAX + 1;
	settings_defaults.spoof = data[0] / VIF_QUEUES_MAX % (SETTINGS_IP + 1);
	/* Two directories whose nodes are the same: each is read by itself. */
	lines_split((const char *)data + 1, size - 1);
	read_frontend(&device);
	lines_split((const char *)data + 1, size - 1);
	read_settings(&device);
	return 0;
}
