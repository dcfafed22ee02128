// SPDX-License-Identifier: MIT
/*
 * The two layouts of a ring's slots, byte by byte.  The offsets are literals, taken from what
 * compilers for i386 and x86_64 make of xen/io/blkif.h; nothing here is computed from our structs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "blkback/abi.h"

static const struct layout {
	enum abi_name name;
	const char *protocol;
	size_t slot, response;		      /* sizes */
	size_t id, sector, segments, discard; /* offsets of a request's fields */
} layouts[] = {
	{ABI_X86_64, "x86_64-abi", 112, 16, 8, 16, 24, 24},
	{ABI_X86_32, "x86_32-abi", 108, 12, 4, 12, 20, 20},
};

static uint32_t memory[32]; /* aligned as a ring's slot is */
static uint8_t *const bytes = (uint8_t *)memory;

static void put(size_t at, uint64_t value, size_t len)
{
	memcpy(bytes + at, &value, len); /* little-endian, as both ABIs are */
}

static void the_names_and_sizes_are_the_protocols(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct layout *l = &layouts[i];

		assert_string_equal(abis[l->name].protocol, l->protocol);
		assert_int_equal(abis[l->name].slot_size, l->slot);
	}
}

static void each_field_is_read_from_its_place(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct layout *l = &layouts[i];
		struct slot slot;

		memset(memory, 0xee, sizeof(memory));
		bytes[0] = 1;
		bytes[1] = 11;
		put(l->id, 0x1122334455667788u, 8);
		put(l->sector, 0x99aabbccddeeff00u, 8);
		for (uint32_t s = 0; s < 11; s++) {
			put(l->segments + 8 * s, 0xa0b0c000u + s, 4);
			bytes[l->segments + 8 * s + 4] = (uint8_t)s;
			bytes[l->segments + 8 * s + 5] = (uint8_t)(200 + s);
		}
		abis[l->name].take(&slot, guest_mark(memory));
		assert_int_equal(slot.operation, 1);
		assert_int_equal(slot.nr_segments, 11);
		assert_true(slot.id == 0x1122334455667788u);
		assert_true(slot.sector_number == 0x99aabbccddeeff00u);
		for (uint32_t s = 0; s < 11; s++) {
			assert_int_equal(slot.segments[s].ref, 0xa0b0c000u + s);
			assert_int_equal(slot.segments[s].first_sect, s);
			assert_int_equal(slot.segments[s].last_sect, 200 + s);
		}
	}
}

static void a_discards_length_is_where_segments_would_be(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct slot slot;

		memset(memory, 0, sizeof(memory));
		put(layouts[i].discard, 0x0123456789abcdefu, 8);
		abis[layouts[i].name].take(&slot, guest_mark(memory));
		assert_true(slot.nr_sectors == 0x0123456789abcdefu);
	}
}

static void an_indirect_request_has_its_own_fields(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct layout *l = &layouts[i];
		struct slot slot;

		memset(memory, 0xee, sizeof(memory));
		bytes[0] = 6;
		bytes[1] = 1;
		put(2, 256, 2);
		put(l->id, 0x1122334455667788u, 8);
		put(l->sector, 0x99aabbccddeeff00u, 8);
		put(l->segments + 4, 0xa0b0c0d0u, 4); /* behind the handle and its padding */
		abis[l->name].take(&slot, guest_mark(memory));
		assert_int_equal(slot.operation, 6);
		assert_int_equal(slot.indirect_op, 1);
		assert_int_equal(slot.indirect_segments, 256);
		assert_int_equal(slot.indirect_ref, 0xa0b0c0d0u);
		assert_true(slot.id == 0x1122334455667788u);
		assert_true(slot.sector_number == 0x99aabbccddeeff00u);
	}
}

/* XSA-216: bytes 9, and in the 64-bit layout 12 to 15, are padding. */
static void an_answer_fills_its_bytes_and_no_others(void **state)
{
	const struct slot_response response = {0x1122334455667788u, 5, -2};

	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct layout *l = &layouts[i];
		uint64_t id;

		memset(memory, 0xaa, sizeof(memory));
		abis[l->name].put(guest_mark(memory), &response);
		memcpy(&id, bytes, 8);
		assert_true(id == 0x1122334455667788u);
		assert_int_equal(bytes[8], 5);
		assert_int_equal(bytes[9], 0);
		assert_int_equal(bytes[10], 0xfe);
		assert_int_equal(bytes[11], 0xff);
		for (size_t at = 12; at < l->response; at++)
			assert_int_equal(bytes[at], 0);
		for (size_t at = l->response; at < sizeof(memory); at++)
			assert_int_equal(bytes[at], 0xaa);
	}
}

static void a_request_is_read_no_further_than_its_slot(void **state)
{
	static uint32_t slots[2][28];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct slot a, b;
		size_t words = layouts[i].slot / 4;

		memset(&a, 0, sizeof(a));
		memset(&b, 0, sizeof(b));
		memset(slots, 0x11, sizeof(slots));
		abis[layouts[i].name].take(&a, guest_mark(slots));
		memset((uint32_t *)slots + words, 0x22, sizeof(slots) - words * 4);
		abis[layouts[i].name].take(&b, guest_mark(slots));
		assert_memory_equal(&a, &b, sizeof(a));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_names_and_sizes_are_the_protocols),
		cmocka_unit_test(each_field_is_read_from_its_place),
		cmocka_unit_test(a_discards_length_is_where_segments_would_be),
		cmocka_unit_test(an_indirect_request_has_its_own_fields),
		cmocka_unit_test(an_answer_fills_its_bytes_and_no_others),
		cmocka_unit_test(a_request_is_read_no_further_than_its_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
