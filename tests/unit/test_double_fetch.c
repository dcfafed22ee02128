// SPDX-License-Identifier: MIT
/*
 * A ring that changes after each single read of it (XSA-155, XSA-197): our view of its page is not
 * accessible, so that each instruction that touches it is seen; it is let through alone, by the
 * processor's trap flag, and then the word that it read is another one.  What we took must be what
 * was there at first, and no word may have been read twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "blkback/blkring.h"

#define PAGE	  4096
#define TRAP_FLAG 0x100
#define WRITTEN	  2 /* in a page fault's error code */

static char *view;	 /* ours */
static uint32_t *guests; /* the guest's, of the same page */
static volatile sig_atomic_t at;
static volatile unsigned int reads[PAGE / 4], writes[PAGE / 4];
static struct blkring ring;

static void touched(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	size_t offset = (size_t)((char *)info->si_addr - view);

	(void)sig;
	if (offset >= PAGE)
		_exit(1);
	at = (sig_atomic_t)(offset / 4);
	if (uc->uc_mcontext.gregs[REG_ERR] & WRITTEN) {
		writes[at]++;
		at = -1;
	} else {
		reads[at]++;
	}
	mprotect(view, PAGE, PROT_READ | PROT_WRITE);
	uc->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void stepped(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
	if (at >= 0)
		guests[at] = ~guests[at];
	mprotect(view, PAGE, PROT_NONE);
}

static int setup(void **state)
{
	int fd = memfd_create("ring", 0);

	(void)state;
	if (fd < 0 || ftruncate(fd, PAGE) < 0)
		return -1;
	view = mmap(NULL, PAGE, PROT_NONE, MAP_SHARED, fd, 0);
	guests = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return view == MAP_FAILED || guests == MAP_FAILED ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	munmap(view, PAGE);
	munmap(guests, PAGE);
	return 0;
}

/* cmocka has handlers of its own before each test. */
static void ring_begin(int abi)
{
	struct sigaction sa = {.sa_sigaction = touched, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &sa, NULL);
	sa.sa_sigaction = stepped;
	sigaction(SIGTRAP, &sa, NULL);
	memset(guests, 0, PAGE);
	memset((void *)reads, 0, sizeof(reads));
	memset((void *)writes, 0, sizeof(writes));
	ring = (struct blkring){.base = {.shared = guest_mark(view),
					 .pages = 1,
					 .slot_size = abis[abi].slot_size,
					 .slots = blkring_slots(0, &abis[abi])},
				.abi = &abis[abi]};
}

static void nothing_was_read_twice(void)
{
	for (size_t i = 0; i < PAGE / 4; i++)
		assert_in_range(reads[i], 0, 1);
}

/* Where the guest writes request `index`. */
static unsigned char *entry(uint32_t index)
{
	return (unsigned char *)guests + 64 + index % ring.base.slots * ring.abi->slot_size;
}

static void a_slot_is_what_it_was_at_the_first_look(void **state)
{
	(void)state;
	for (int abi = 0; abi < ABI_COUNT; abi++) {
		for (uint32_t index = 0; index < 8; index++) {
			struct slot slot;
			size_t id = abi == ABI_X86_32 ? 4 : 8;

			ring_begin(abi);
			ring.base.req_cons = index;
			entry(index)[0] = 1;
			entry(index)[1] = 11;
			entry(index)[id] = 77;
			for (int i = 0; i < 11; i++)
				entry(index)[id + 16 + 8 * (size_t)i + 5] = (unsigned char)(i % 8);
			blkring_take(&ring, &slot);
			assert_int_equal(slot.operation, 1);
			assert_int_equal(slot.nr_segments, 11);
			assert_int_equal(slot.id, 77);
			assert_int_equal(slot.sector_number, 0);
			for (int i = 0; i < 11; i++)
				assert_int_equal(slot.segments[i].last_sect, i % 8);
			nothing_was_read_twice();
		}
	}
}

static void the_producers_index_is_read_once(void **state)
{
	(void)state;
	ring_begin(ABI_X86_64);
	guests[0] = 5;
	assert_int_equal(ring_pending(&ring.base), 5);
	nothing_was_read_twice();
	assert_int_equal(reads[0], 1);
}

static void an_answer_reads_nothing(void **state)
{
	struct slot_response response = {.id = 5, .operation = 1, .status = -1};

	(void)state;
	for (int abi = 0; abi < ABI_COUNT; abi++) {
		unsigned int written = 0;

		ring_begin(abi);
		blkring_respond(&ring, &response);
		for (size_t i = 0; i < PAGE / 4; i++) {
			assert_int_equal(reads[i], 0);
			assert_in_range(writes[i], 0, 1);
			written += writes[i];
		}
		assert_int_equal(written, abi == ABI_X86_32 ? 3 : 4);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_slot_is_what_it_was_at_the_first_look),
		TEST(the_producers_index_is_read_once),
		TEST(an_answer_reads_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
