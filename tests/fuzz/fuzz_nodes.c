// SPDX-License-Identifier: MIT
/*
 * A libFuzzer target: any nodes, in the frontend's directory, which the guest writes, and in the
 * backend's.  Each is read once, so that it can't be one thing when it is checked and another when
 * it is used; what is taken is within the bounds that the worker relies on, and what is refused is
 * refused in a sentence.
 *
 * An input is a byte for what the supervisor offers, then the store (nodes.h).
 */
#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/blkif.h>

#include "blkback/frontend.h"
#include "blkback/limit_nodes.h"
#include "blkback/target.h"
#include "tests/fuzz/nodes.h"

static void check_queues(const struct vbd_connect *connect)
{
	uint32_t seen[VBD_QUEUES_MAX * BLKRING_PAGES_MAX], n = 0;

	for (uint32_t q = 0; q < connect->queues; q++) {
		check(connect->nodes[q].event_channel < 1 << 17);
		for (uint32_t i = 0; i < 1u << connect->ring_order; i++) {
			for (uint32_t k = 0; k < n; k++)
				check(seen[k] != connect->nodes[q].ring_refs[i]);
			seen[n++] = connect->nodes[q].ring_refs[i];
		}
	}
}

static void read_frontend(struct device *device)
{
	struct vbd_connect connect = {0};
	char why[256];
	int err = frontend_read(device, &connect, why, sizeof(why));

	if (err != 0) {
		check(err < 0 && (why[0] || err == -EACCES));
		return;
	}
	check(connect.abi < ABI_COUNT);
	check(connect.ring_order <= BLKRING_ORDER_MAX);
	check(connect.queues >= 1 && connect.queues <= device->sup->threads);
	check(connect.persistent <= device->sup->persistent);
	check_queues(&connect);
}

static void read_limits(struct device *device)
{
	struct limit_spec spec;
	char why[256] = "";
	int err = limit_read(device, &spec, why, sizeof(why));

	if (err != 0) {
		check(err < 0 && (why[0] || err == -EACCES));
		return;
	}
	for (int i = 0; i < LIMIT_UNITS; i++)
		check(spec.unit[i].rate <= LIMIT_RATE_MAX && spec.unit[i].burst <= LIMIT_BURST_MAX);
}

static bool is_ended(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static void parse_target(const char *text)
{
	struct target target;
	const char *why = NULL;

	if (target_parse(text, &target, &why) < 0) {
		check(why != NULL);
		return;
	}
	check(is_ended(target.host, sizeof(target.host)) &&
	      is_ended(target.port, sizeof(target.port)) &&
	      is_ended(target.socket, sizeof(target.socket)) &&
	      is_ended(target.export, sizeof(target.export)));
	check(target.path >= text && target.path <= text + strlen(text));
	if (target.kind == TARGET_TCP)
		check(target.host[0] && target.port[0] &&
		      target.port[strspn(target.port, "0123456789")] == '\0');
	if (target.kind == TARGET_UNIX)
		check(target.socket[0] == '/');
	check((target.kind == TARGET_FORMAT) == (target.format != NULL));
}

/* Against what everybody knows of decimal numbers. */
static void parse_number(const char *text, uint64_t max)
{
	unsigned __int128 want = 0;
	bool good = *text != '\0' && strspn(text, "0123456789") == strlen(text);
	uint64_t value;

	for (const char *c = text; good && *c; c++) {
		want = want * 10 + (unsigned)(*c - '0');
		good = want <= max;
	}
	check((number_parse(text, max, &value) == 0) == good);
	check(!good || value == want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sup sup = {.store.xs = (struct xs_handle *)lines};
	struct device device = {.sup = &sup, .path = "b", .frontend = "f"};
	char *params;

	if (size == 0)
		return 0;
	sup.threads = data[0] % VBD_QUEUES_MAX + 1;
	sup.persistent = data[0] / VBD_QUEUES_MAX % 2;
	lines_split((const char *)data + 1, size - 1);
	read_frontend(&device);
	read_limits(&device);
	params = store_read(&sup.store, "b/params");
	if (params) {
		parse_target(params);
		parse_number(params, UINT64_MAX);
		parse_number(params, UINT32_MAX);
		parse_number(params, data[0]);
	}
	free(params);
	return 0;
}
