// SPDX-License-Identifier: MIT
/*
 * Parsing is pure: from a private copy of a slot, and what is known of the disk, to a list of steps
 * or a refusal.  Nothing here trusts a number: counts are bounded before they index, sums can't
 * wrap.  All sector numbers are in units of 512 bytes, whatever the disk's own sectors are.
 */
#include "blkback/request.h"

#include <stddef.h>

#include <xen/xen.h>
#include <xen/io/blkif.h>

/* What an operation needs; an entry without steps is an operation that we don't have. */
static const struct operation {
	const char *name;
	uint8_t steps;	    /* with or without data */
	uint8_t data_steps; /* if there are segments */
	bool must_have_data;
	bool writes;
	bool alone;
} operations[] = {
	[BLKIF_OP_READ] = {.name = "read",
			   .steps = STEP_DATA,
			   .data_steps = STEP_COPY_OUT,
			   .must_have_data = true},
	[BLKIF_OP_WRITE] = {.name = "write",
			    .steps = STEP_DATA,
			    .data_steps = STEP_COPY_IN,
			    .must_have_data = true,
			    .writes = true},
	[BLKIF_OP_WRITE_BARRIER] = {.name = "write-barrier",
				    .steps = STEP_FLUSH_BEFORE,
				    .data_steps = STEP_COPY_IN | STEP_DATA | STEP_FLUSH_AFTER,
				    .writes = true,
				    .alone = true},
	[BLKIF_OP_FLUSH_DISKCACHE] = {.name = "flush",
				      .steps = STEP_FLUSH_BEFORE,
				      .data_steps = STEP_COPY_IN | STEP_DATA},
	[BLKIF_OP_DISCARD] = {.name = "discard", .steps = STEP_DATA, .writes = true},
};

static int refuse(const char **why, int status, const char *reason)
{
	*why = reason;
	return status;
}

/* `count` sectors from `first` lie within the disk; no sum that could wrap. */
static bool sectors_inside(const struct disk_spec *disk, uint64_t first, uint64_t count)
{
	return count <= disk->sectors && first <= disk->sectors - count;
}

/*
 * A store of larger sectors is told only of whole ones; that the rest keeps its data is within what
 * a discard is, but not a secure one.  A guest may ask for that only where it was offered
 * (blkif.h).
 */
static int parse_discard(struct request *request, const struct slot *slot,
			 const struct disk_spec *disk, const char **why)
{
	uint64_t unit = disk->discard_unit > DISK_SECTOR ? disk->discard_unit / DISK_SECTOR : 1;
	uint64_t first = slot->sector_number, end = first + slot->nr_sectors;

	if (!disk->discard)
		return refuse(why, BLKIF_RSP_EOPNOTSUPP, "this disk has no discard");
	if (!sectors_inside(disk, slot->sector_number, slot->nr_sectors))
		return refuse(why, BLKIF_RSP_ERROR, "it ends past the disk's last sector");
	request->io.secure = disk->discard_secure && slot->nr_segments & BLKIF_DISCARD_SECURE;
	if (request->io.secure && (first % unit || end % unit))
		return refuse(why, BLKIF_RSP_ERROR,
			      "a secure discard has to be of the store's whole sectors");
	first = (first + unit - 1) / unit * unit;
	end = end / unit * unit;
	if (end <= first) {
		request->steps = 0;
		end = first;
	}
	request->io.offset = first * DISK_SECTOR;
	request->io.bytes = (end - first) * DISK_SECTOR;
	return BLKIF_RSP_OKAY;
}

/* Checks the segments that are in the buffer; `sector` is where on the disk they start. */
static int parse_segments(struct request *request, uint64_t sector, const struct disk_spec *disk,
			  const char **why)
{
	uint64_t sectors = 0;

	for (int i = 0; i < request->segment_count; i++) {
		const struct slot_segment *segment = &request->buffer.segments[i];

		if (segment->first_sect > segment->last_sect ||
		    segment->last_sect >= BUFFER_PAGE / DISK_SECTOR)
			return refuse(why, BLKIF_RSP_ERROR,
				      "a segment's sectors are not in its page");
		sectors += segment->last_sect - segment->first_sect + 1u;
	}
	if (sectors > 0 && !sectors_inside(disk, sector, sectors))
		return refuse(why, BLKIF_RSP_ERROR, "it ends past the disk's last sector");
	request->io.offset = sector * DISK_SECTOR;
	request->io.bytes = sectors * DISK_SECTOR;
	return BLKIF_RSP_OKAY;
}

static int parse_direct(struct request *request, const struct slot *slot,
			const struct disk_spec *disk, const char **why)
{
	if (slot->nr_segments > SLOT_SEGMENTS)
		return refuse(why, BLKIF_RSP_ERROR, "it has more than 11 segments");
	request->segment_count = slot->nr_segments;
	for (int i = 0; i < slot->nr_segments; i++)
		request->buffer.segments[i] = slot->segments[i];
	return parse_segments(request, slot->sector_number, disk, why);
}

/* What can be said before the list of segments is there; the disk's end is checked with them. */
static int parse_indirect(struct request *request, const struct slot *slot,
			  const struct disk_spec *disk, const char **why)
{
	if (slot->indirect_op != BLKIF_OP_READ && slot->indirect_op != BLKIF_OP_WRITE)
		return refuse(why, BLKIF_RSP_ERROR, "an indirect request is a read or a write");
	if (slot->indirect_segments == 0 || slot->indirect_segments > SLOT_INDIRECT_SEGMENTS)
		return refuse(why, BLKIF_RSP_ERROR, "an indirect request has 1 to 256 segments");
	if (disk->read_only && slot->indirect_op == BLKIF_OP_WRITE)
		return refuse(why, BLKIF_RSP_ERROR, "this disk is read-only");
	request->segments_ref = slot->indirect_ref;
	request->segment_count = slot->indirect_segments;
	request->sector = slot->sector_number;
	request->io.offset =
		slot->sector_number * DISK_SECTOR; /* for the log, until it is listed */
	request->io.bytes = 0;
	request->steps = STEP_SEGMENTS;
	return BLKIF_RSP_OKAY;
}

int request_parse_indirect(struct request *request, const struct disk_spec *disk, const char **why)
{
	const struct operation *operation = &operations[request->operation];

	request->steps = operation->steps | operation->data_steps;
	return parse_segments(request, request->sector, disk, why);
}

uint8_t request_operation(const struct slot *slot)
{
	return slot->operation == BLKIF_OP_INDIRECT ? slot->indirect_op : slot->operation;
}

int request_parse(struct request *request, const struct slot *slot, const struct disk_spec *disk,
		  const char **why)
{
	const struct operation *operation = &operations[0];
	bool known = slot->operation < sizeof(operations) / sizeof(operations[0]);
	bool data;

	request->id = slot->id;
	request->operation = request_operation(slot);
	request->error = 0;
	request->segment_count = 0;
	request->steps = 0;
	request->mapped = false;
	request->alone = false;
	if (slot->operation == BLKIF_OP_INDIRECT)
		return parse_indirect(request, slot, disk, why);
	if (known)
		operation = &operations[slot->operation];
	if (!known || !operation->name)
		return refuse(why, BLKIF_RSP_EOPNOTSUPP, "this operation is not supported");

	data = slot->operation != BLKIF_OP_DISCARD && slot->nr_segments > 0;
	if (operation->must_have_data && !data)
		return refuse(why, BLKIF_RSP_ERROR, "it has no segments");
	/* A flush with segments is a write, too. */
	if (disk->read_only &&
	    (operation->writes || (data && operation->data_steps & STEP_COPY_IN)))
		return refuse(why, BLKIF_RSP_ERROR, "this disk is read-only");
	request->alone = operation->alone;
	request->steps = operation->steps | (data ? operation->data_steps : 0);
	if (slot->operation == BLKIF_OP_DISCARD)
		return parse_discard(request, slot, disk, why);
	return parse_direct(request, slot, disk, why);
}

void request_prepare_io(struct request *request, enum disk_verb verb,
			const struct grant_cache *cache)
{
	struct disk_io *io = &request->io;
	char *end = NULL;

	io->verb = verb;
	io->iov = request->buffer.iov;
	io->iov_count = 0;
	for (int i = 0; i < request->segment_count; i++) {
		const struct slot_segment *segment = &request->buffer.segments[i];
		char *page = request->mapped ? grant_page(cache, segment->map)
					     : request->buffer.data + i * BUFFER_PAGE;
		char *start = page + segment_offset(segment);

		if (start == end)
			io->iov[io->iov_count - 1].iov_len += segment_bytes(segment);
		else
			io->iov[io->iov_count++] = (struct iovec){start, segment_bytes(segment)};
		end = start + segment_bytes(segment);
	}
}
