// SPDX-License-Identifier: MIT
/*
 * A ring's slots are laid out as the *guest's* compiler does it: x86_64 aligns 64-bit fields to 8
 * bytes, x86_32 to 4.  The layouts are written out here as packed structs, so that they mean the
 * same in whatever mode we are compiled; the x86_64 one is checked against blkif.h.
 *
 * A whole slot is copied out before anything in it is looked at (XSA-155), and a response is
 * written with its padding zeroed, so that none of our stack gets to the guest (XSA-216).
 */
#include "blkback/abi.h"

#include <assert.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/io/blkif.h>
#include <xen/io/protocols.h>

static_assert(sizeof(struct slot_segment) == sizeof(struct blkif_request_segment) &&
		      offsetof(struct slot_segment, last_sect) ==
			      offsetof(struct blkif_request_segment, last_sect),
	      "a segment is blkif.h's");

#define WIRE(suffix, pad_request, pad_response)                                                    \
	struct wire_request##suffix {                                                              \
		uint8_t operation, nr_segments; /* or, of an indirect one, its operation */        \
		uint16_t handle;		/* or, of an indirect one, its segments */         \
		pad_request uint64_t id;                                                           \
		uint64_t sector_number;                                                            \
		union {                                                                            \
			struct slot_segment segments[SLOT_SEGMENTS];                               \
			uint64_t nr_sectors;                                                       \
			struct {                                                                   \
				uint16_t handle, pad;                                              \
				uint32_t refs[BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST];               \
			} indirect;                                                                \
		};                                                                                 \
	} __attribute__((packed, aligned(4)));                                                     \
	struct wire_response##suffix {                                                             \
		uint64_t id;                                                                       \
		uint8_t operation, pad8;                                                           \
		int16_t status;                                                                    \
		pad_response                                                                       \
	} __attribute__((packed, aligned(4)))

WIRE(_64, uint32_t pad;, uint32_t pad32;);
WIRE(_32, , );

static_assert(sizeof(struct wire_request_64) == sizeof(struct blkif_request), "x86_64 request");
static_assert(sizeof(struct wire_response_64) == sizeof(struct blkif_response), "x86_64 response");
static_assert(offsetof(struct wire_request_64, segments) == offsetof(struct blkif_request, seg),
	      "x86_64 segments");
static_assert(offsetof(struct wire_request_64, nr_sectors) ==
		      offsetof(struct blkif_request_discard, nr_sectors),
	      "x86_64 discard");
static_assert(offsetof(struct wire_request_64, indirect.refs) ==
			      offsetof(struct blkif_request_indirect, indirect_grefs) &&
		      offsetof(struct wire_request_64, handle) ==
			      offsetof(struct blkif_request_indirect, nr_segments),
	      "x86_64 indirect");
static_assert(sizeof(struct wire_request_32) == 108 && sizeof(struct wire_response_32) == 12,
	      "x86_32 sizes, as an i386 compiler gives them");

/* Both ABIs are the same code over two layouts. */
#define ABI_CODE(suffix)                                                                           \
	static void take##suffix(struct slot *slot, const void __guest *from)                      \
	{                                                                                          \
		struct wire_request##suffix wire;                                                  \
                                                                                                   \
		guest_copy_from(&wire, from, sizeof(wire) / 4);                                    \
		slot->operation = wire.operation;                                                  \
		slot->nr_segments = wire.nr_segments;                                              \
		slot->id = wire.id;                                                                \
		slot->sector_number = wire.sector_number;                                          \
		slot->nr_sectors = wire.nr_sectors;                                                \
		slot->indirect_op = wire.nr_segments;                                              \
		slot->indirect_segments = wire.handle;                                             \
		slot->indirect_ref = wire.indirect.refs[0];                                        \
		for (int i = 0; i < wire.nr_segments && i < SLOT_SEGMENTS; i++)                    \
			slot->segments[i] = wire.segments[i];                                      \
	}                                                                                          \
                                                                                                   \
	static void put##suffix(void __guest *to, const struct slot_response *response)            \
	{                                                                                          \
		struct wire_response##suffix wire;                                                 \
                                                                                                   \
		memset(&wire, 0, sizeof(wire));                                                    \
		wire.id = response->id;                                                            \
		wire.operation = response->operation;                                              \
		wire.status = response->status;                                                    \
		guest_copy_to(to, &wire, sizeof(wire) / 4);                                        \
	}

ABI_CODE(_64)
ABI_CODE(_32)

const struct abi abis[ABI_COUNT] = {
	[ABI_X86_64] = {XEN_IO_PROTO_ABI_X86_64, sizeof(struct wire_request_64), take_64, put_64},
	[ABI_X86_32] = {XEN_IO_PROTO_ABI_X86_32, sizeof(struct wire_request_32), take_32, put_32},
};
