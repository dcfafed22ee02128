// SPDX-License-Identifier: MIT
/*
 * A libFuzzer target: any bytes as a ring's slot, in both layouts, on a disk of any size.  Whatever
 * request_parse() lets pass, and whatever an indirect page of any bytes makes of it, must lie
 * within the disk and within the request's pages, and on a read-only disk it must not write.  `make
 * fuzz` runs it for a while.
 */
#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/blkif.h>

#include "blkback/request.h"
#include "tests/fuzz/fuzz.h"

struct input {
	uint8_t abi, read_only, discard, log2_sectors;
	uint32_t slot[28];
	struct slot_segment indirect[SLOT_INDIRECT_SEGMENTS];
};

static char pages[SLOT_INDIRECT_SEGMENTS * BUFFER_PAGE];
static struct slot_segment segments[SLOT_INDIRECT_SEGMENTS];
static struct iovec iov[SLOT_INDIRECT_SEGMENTS];

static void check_pieces(struct request *request, uint64_t bytes)
{
	uint64_t sum = 0;

	request_prepare_io(request, DISK_READ, NULL);
	check(request->io.iov_count >= 1 && request->io.iov_count <= request->segment_count);
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
	struct request request = {
		.buffer = {.data = pages, .segments = segments, .iov = iov},
	};
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
	check(request.id == slot.id);
	if (request.steps & STEP_SEGMENTS) {
		check(request.segment_count <= SLOT_INDIRECT_SEGMENTS);
		memcpy(segments, in.indirect, request.segment_count * sizeof(segments[0]));
		if (request_parse_indirect(&request, &disk, &why) != BLKIF_RSP_OKAY) {
			check(why != NULL);
			return 0;
		}
	} else {
		check(request.operation == slot.operation);
	}
	if (disk.read_only)
		check(request.operation == BLKIF_OP_READ || !(request.steps & STEP_DATA));
	if (!(request.steps & STEP_DATA))
		return 0;
	check(request.io.offset % DISK_SECTOR == 0 && request.io.bytes % DISK_SECTOR == 0);
	check(request.io.bytes / DISK_SECTOR <= disk.sectors);
	check(request.io.offset / DISK_SECTOR <= disk.sectors - request.io.bytes / DISK_SECTOR);
	if (slot.operation != BLKIF_OP_DISCARD)
		check_pieces(&request, request.io.bytes);
	return 0;
}
