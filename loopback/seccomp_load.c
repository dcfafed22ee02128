// SPDX-License-Identifier: MIT
/*
 * A confined process knows what Xen's libraries ask of the kernel, and lets no other call through.
 * These ask for more: they talk to hv over a socket.  So they add that to any filter that is loaded
 * in their process: this function stands before libseccomp's own, since libraries of Xen's are
 * linked first.  Nothing of the product has to know of it, and on a real Xen nothing is added.
 *
 * A program without libseccomp has none of these functions, and never calls this one.
 */
#include <dlfcn.h>
#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>

#pragma weak seccomp_rule_add_array

/* hvclient.c's calls, events, and dup3 where another process took over the other end of a port. */
static const int calls[] = {
	SCMP_SYS(sendmsg), SCMP_SYS(recvmsg), SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(dup3),
};

__attribute__((visibility("default"))) int seccomp_load(const scmp_filter_ctx context)
{
	scmp_filter_ctx ours = (scmp_filter_ctx)(uintptr_t)context;
	int (*load)(const scmp_filter_ctx);

	/* One that only denies takes no such rules, and needs none. */
	for (unsigned int i = 0; seccomp_rule_add_array && i < sizeof(calls) / sizeof(*calls); i++)
		seccomp_rule_add_array(ours, SCMP_ACT_ALLOW, calls[i], 0, NULL);
	*(void **)&load = dlsym(RTLD_NEXT, "seccomp_load");
	return load ? load(context) : -ENOSYS;
}
