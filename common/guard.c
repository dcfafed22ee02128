// SPDX-License-Identifier: MIT
/*
 * Memory that others can take away while we use it: a file that somebody shortens, a guest's page
 * that its guest gives back.  A look at it then ends the process by SIGBUS.  Here the page that is
 * gone is replaced by one of private memory, and what was in it is lost instead.
 */
#include "common/guard.h"

#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

enum {
	PAGE = 4096,
	GUARDS = 256
};

/* For the handler, which may run in any thread. */
static struct guard {
	uintptr_t start; /* 0: free */
	size_t size;
} guards[GUARDS];

static void guard_fault(int sig, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1);

	(void)context;
	for (int i = 0; i < GUARDS; i++) {
		uintptr_t start = __atomic_load_n(&guards[i].start, __ATOMIC_ACQUIRE);

		/* mmap(2) only enters the kernel: safe in a handler, if no standard says so. */
		if (start && at - start < guards[i].size &&
		    mmap((void *)at, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
			return;
	}
	signal(sig, SIG_DFL); /* not ours: the fault comes again and does what it would have */
}

void guard_add(const void *start, size_t size)
{
	const struct sigaction action = {
		.sa_sigaction = guard_fault,
		.sa_flags = SA_SIGINFO,
	};

	sigaction(SIGBUS, &action, NULL);
	for (int i = 0; i < GUARDS; i++)
		if (!guards[i].start) {
			guards[i].size = size;
			__atomic_store_n(&guards[i].start, (uintptr_t)start, __ATOMIC_RELEASE);
			return;
		}
}

void guard_del(const void *start)
{
	for (int i = 0; i < GUARDS; i++)
		if (guards[i].start == (uintptr_t)start)
			__atomic_store_n(&guards[i].start, 0, __ATOMIC_RELEASE);
}
