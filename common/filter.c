// SPDX-License-Identifier: MIT
/*
 * A confined process's seccomp filter, made of its modules' tables: it lets through what one of
 * them names, and anything else kills the process, for no code of ours does it.
 *
 * What is let through with any arguments costs next to nothing: Linux keeps a bitmap of such calls
 * (since 5.11).  The others go through a binary tree.
 */
#include "common/filter.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/sandbox.h"

/* Of any process: its memory, none of it executable; its signals; its end. */
static const struct filter_rule process_rules[] = {
	FILTER_ALLOW(brk),
	FILTER_MASK(mmap, 2, PROT_EXEC, 0),
	FILTER_MASK(mprotect, 2, PROT_EXEC, 0),
	FILTER_ALLOW(mremap),
	FILTER_ALLOW(munmap),
	FILTER_ALLOW(madvise),
	FILTER_ALLOW(close),
	FILTER_ALLOW(rt_sigaction), /* abort, and guard.c */
	FILTER_ALLOW(rt_sigprocmask),
	FILTER_ALLOW(rt_sigreturn),
	FILTER_ALLOW(restart_syscall), /* after a SIGSTOP */
	FILTER_ALLOW(getpid),	       /* abort */
	FILTER_ALLOW(gettid),
	FILTER_ALLOW(clock_gettime), /* where the vDSO can't tell: some clock sources of Xen's */
	FILTER_ALLOW(exit),
	FILTER_ALLOW(exit_group),
};

static const struct filter process_filter = {FILTER_RULES(process_rules)};

/*
 * A sanitizer's run-time needs more.  What it wants to know of the system it does not get: there
 * is no path.  For tests only.
 */
static const struct filter_rule sanitizer_rules[] = {
	FILTER_FAIL(open, ENOENT),     FILTER_FAIL(openat, ENOENT),
	FILTER_FAIL(readlink, ENOENT), FILTER_FAIL(readlinkat, ENOENT),
	FILTER_FAIL(stat, ENOENT),     FILTER_ALLOW(fstat),
	FILTER_ALLOW(newfstatat),      FILTER_INT(ioctl, 1, TCGETS),
	FILTER_ALLOW(sched_yield),     FILTER_ALLOW(sched_getaffinity),
	FILTER_ALLOW(sigaltstack),     FILTER_ALLOW(getrusage),
	FILTER_ALLOW(prlimit64),       FILTER_ALLOW(sysinfo),
	FILTER_ALLOW(write),	       FILTER_ALLOW(getuid),
	FILTER_ALLOW(geteuid),	       FILTER_ALLOW(getcwd),
	FILTER_ALLOW(gettimeofday),    FILTER_ALLOW(time),
	FILTER_ALLOW(clock_nanosleep), FILTER_ALLOW(nanosleep),
};

static const struct filter sanitizer_filter = {FILTER_RULES(sanitizer_rules)};

static int rules_add(scmp_filter_ctx context, const struct filter *filter)
{
	for (uint32_t i = 0; i < filter->rule_count; i++) {
		const struct filter_rule *rule = &filter->rules[i];
		int err = seccomp_rule_add_array(
			context, rule->err ? SCMP_ACT_ERRNO((uint32_t)rule->err) : SCMP_ACT_ALLOW,
			rule->call, rule->count, rule->args);

		/* Two modules may have the same rule. */
		if (err < 0 && err != -EEXIST)
			return err;
	}
	return 0;
}

/* abort() signals its own thread.  Nobody else is within reach anyway, for want of the right user.
 */
static int abort_add(scmp_filter_ctx context)
{
	return seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 2,
				SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)getpid()),
				SCMP_A2(SCMP_CMP_MASKED_EQ, UINT32_MAX, SIGABRT));
}

static int all_add(scmp_filter_ctx context, const struct filter *const *filters)
{
	int err = rules_add(context, &process_filter);

	if (err == 0 && SANITIZED)
		err = rules_add(context, &sanitizer_filter);
	if (err == 0)
		err = abort_add(context);
	for (; err == 0 && *filters; filters++)
		err = rules_add(context, *filters);
	return err;
}

int filter_load(const struct filter *const *filters)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err;

	if (!context)
		return -ENOMEM;
	/* Calls of another architecture's numbers; a sanitizer has threads by now; a binary tree;
	 * and no slower memory accesses, of which older kernels hope that they stop Spectre: no
	 * code of a guest's runs here. */
	seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	seccomp_attr_set(context, SCMP_FLTATR_CTL_TSYNC, 1);
	seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	seccomp_attr_set(context, SCMP_FLTATR_CTL_SSB, 1);
	seccomp_attr_set(context, SCMP_FLTATR_API_SYSRAWRC, 1);
	err = all_add(context, filters);
	if (err == 0)
		err = seccomp_load(context);
	seccomp_release(context);
	return err;
}
