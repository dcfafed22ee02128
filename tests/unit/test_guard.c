// SPDX-License-Identifier: MIT
/* Pages that vanish while they are looked at: they become zeros, and the process lives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/guard.h"

enum {
	PAGE = 4096,
	PAGES = 4
};

/* A file of so many pages of ones, mapped. */
static uint8_t *file_map(int *fd)
{
	uint8_t *at;

	*fd = memfd_create("guard", MFD_CLOEXEC);
	assert_true(*fd >= 0);
	assert_int_equal(ftruncate(*fd, (off_t)PAGES * PAGE), 0);
	at = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	memset(at, 1, (size_t)PAGES * PAGE);
	return at;
}

static void a_page_that_is_gone_is_zeros(void **state)
{
	int fd, other_fd;
	uint8_t *at = file_map(&fd), *other = file_map(&other_fd), copy[2 * PAGE];

	(void)state;
	guard_add(other, (size_t)PAGES * PAGE);
	guard_add(at, (size_t)PAGES * PAGE);
	assert_int_equal(ftruncate(fd, 2 * PAGE), 0);
	/* A copy that reaches into what is gone ends as one that does not. */
	memcpy(copy, at + PAGE, sizeof(copy));
	assert_int_equal(copy[PAGE - 1], 1);
	assert_int_equal(copy[PAGE], 0);
	assert_int_equal(copy[2 * PAGE - 1], 0);
	/* So does a store, which nobody else sees. */
	at[3 * PAGE] = 7;
	assert_int_equal(at[3 * PAGE], 7);
	assert_int_equal(at[0], 1);
	assert_int_equal(other[3 * PAGE], 1);
	guard_del(at);
	guard_del(other);
	munmap(at, (size_t)PAGES * PAGE);
	munmap(other, (size_t)PAGES * PAGE);
	close(fd);
	close(other_fd);
}

/* What nobody guards ends its process as ever: a fault of ours must not become zeros. */
static void other_faults_are_none_of_its_business(void **state)
{
	int fd, other_fd, status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		uint8_t *at = file_map(&fd), *guarded = file_map(&other_fd);

		guard_add(guarded, (size_t)PAGES * PAGE);
		_exit(ftruncate(fd, 0) + *(volatile uint8_t *)at);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_that_is_gone_is_zeros),
		cmocka_unit_test(other_faults_are_none_of_its_business),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
