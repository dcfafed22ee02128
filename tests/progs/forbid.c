// SPDX-License-Identifier: MIT
/*
 * forbid {ERRNO|kill} SYSCALL [{ERRNO|kill} SYSCALL]... -- COMMAND [ARGUMENT]...
 *
 * Runs a command for which system calls fail with an error number, or end the process, as in a
 * container whose seccomp filter forbids them.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void __attribute__((noreturn)) fail(const char *what, const char *why)
{
	fprintf(stderr, "forbid: %s: %s\n", what, why);
	exit(125);
}

static void forbid(scmp_filter_ctx filter, const char *how, const char *name)
{
	uint32_t action = strcmp(how, "kill") == 0
				  ? SCMP_ACT_KILL_PROCESS
				  : SCMP_ACT_ERRNO((uint32_t)strtoul(how, NULL, 10));
	int number = seccomp_syscall_resolve_name(name);
	int err = number == __NR_SCMP_ERROR ? -EINVAL : seccomp_rule_add(filter, action, number, 0);

	if (err < 0)
		fail(name, strerror(-err));
}

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int i, err;

	if (!filter)
		fail("seccomp", "out of memory");
	for (i = 1; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2)
		forbid(filter, argv[i], argv[i + 1]);
	if (i + 1 >= argc || strcmp(argv[i], "--") != 0)
		fail("usage", "forbid {ERRNO|kill} SYSCALL... -- COMMAND [ARGUMENT]...");
	/* What the command may gain by executing others is not our business. */
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	err = seccomp_load(filter);
	if (err < 0)
		fail("seccomp", strerror(-err));
	execvp(argv[i + 1], argv + i + 1);
	fail(argv[i + 1], strerror(errno));
}
