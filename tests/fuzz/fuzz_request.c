// SPDX-License-Identifier: MIT
/*
 * A libFuzzer target: any bytes as a ring's slot, in both layouts, on a disk of any size.  Whatever
 * request_parse() lets pass must lie within the disk and within the request's pages, and on a
 * read-only disk it must not write.  `make fuzz` runs it for a while.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/io/blkif.h>

#include "blkback/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	uint8_t abi, read_only, discard, log2_sectors;
	uint32_t slot[28];
};

static char pages[REQUEST_DATA];

static void check(int holds)
{
	if (!holds)
		abort();
}

static void check_pieces(struct request *request, uint64_t bytes)
{
	uint64_t sum = 0;

	request_prepare_io(request, DISK_READ);
	check(request->io.iov_count >= 1 && request->io.iov_count <= SLOT_SEGMENTS);
	for (int i = 0; i < request->io.iov_count; i++) {
		const struct iovec *v = &request->io.iov[i];
		size_t from = (size_t)((char *)v->iov_base - pages);

		check(from < sizeof(pages) && v->iov_len <= sizeof(pages) - from);
		sum += v->iov_len;
	}
	check(sum == bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request request = {.data = pages};
	struct input in = {0};
	struct disk_spec disk;
	struct slot slot;
	const char *why = NULL;

	memcpy(&in, data, size < sizeof(in) ? size : sizeof(in));
	disk = (struct disk_spec){
		.read_only = in.read_only & 1,
		.discard = in.discard & 1,
		.sectors = 1ull << in.log2_sectors % 55,
	};
	abis[in.abi % ABI_COUNT].take(&slot, guest_mark(in.slot));
	if (request_parse(&request, &slot, &disk, &why) != BLKIF_RSP_OKAY) {
		check(why != NULL);
		return 0;
	}
	check(request.id == slot.id && request.operation == slot.operation);
	if (disk.read_only)
		check(slot.operation == BLKIF_OP_READ || !(request.steps & STEP_DATA));
	if (!(request.steps & STEP_DATA))
		return 0;
	check(request.io.offset % DISK_SECTOR == 0 && request.io.bytes % DISK_SECTOR == 0);
	check(request.io.bytes / DISK_SECTOR <= disk.sectors);
	check(request.io.offset / DISK_SECTOR <= disk.sectors - request.io.bytes / DISK_SECTOR);
	if (slot.operation != BLKIF_OP_DISCARD)
		check_pieces(&request, request.io.bytes);
	return 0;
}
