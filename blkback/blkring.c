// SPDX-License-Identifier: MIT
/*
 * The ring of a disk: common/ring.c's, with slots of the layout that the guest speaks.
 */
#include "blkback/blkring.h"

uint32_t blkring_slots(uint32_t order, const struct abi *abi)
{
	return ring_slots(order, abi->slot_size);
}

int blkring_map(struct blkring *ring, xengnttab_handle *xgt, uint16_t domid, const uint32_t *refs,
		uint32_t order, const struct abi *abi, bool resume)
{
	ring->abi = abi;
	return ring_map(&ring->base, xgt, domid, refs, order, abi->slot_size, resume, NULL);
}

void blkring_take(struct blkring *ring, struct slot *slot)
{
	ring->abi->take(slot, ring_slot(&ring->base, ring->base.req_cons));
	ring->base.req_cons++;
}

void blkring_respond(struct blkring *ring, const struct slot_response *response)
{
	/* This slot's request was taken: at most as many responses as requests, in ring order. */
	ring->abi->put(ring_slot(&ring->base, ring->base.rsp_prod_pvt), response);
	ring->base.rsp_prod_pvt++;
}
