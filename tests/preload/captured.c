// SPDX-License-Identifier: MIT
/*
 * A worker that its guest has captured: when it maps a ring, which it does confined, it tries the
 * things that CAPTURED names, separated by commas, and says what came of each that it survived.
 * CAPTURED_GUEST=N: only that guest has captured its own.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <liburing.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#include <xen/evtchn.h>
#include <xen/gntdev.h>

#include "common/chan.h"
#include "common/loop.h"
#include "common/worker.h"

#pragma weak xenevtchn_bind_interdomain

enum {
	HANDLES = 16,
	OTHER_GUEST = 30000,
	FDS = 64, /* among these is a disk's line, if it has one */
};

static struct io_uring *main_ring; /* of the process's first thread */
static xenevtchn_handle *handles[HANDLES];
static unsigned int handle_count;

static void say(const char *what, long gave)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "captured: %s gave %ld\n", what, gave);

	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		abort();
}

/* ---- operations of an io_uring: the worker's own loop submits them ------------------------- */

struct try_op {
	struct op op; /* first */
	const char *name;
};

static void op_done(struct op *op, int res, uint32_t flags)
{
	(void)flags;
	say(((struct try_op *)op)->name, res);
}

static struct io_uring_sqe *op_start(const char *name)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(main_ring);
	struct try_op *op = malloc(sizeof(*op));

	*op = (struct try_op){{op_done}, name};
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data(sqe, op);
	return sqe;
}

static void op_code(const char *name, uint8_t code)
{
	struct io_uring_sqe *sqe = op_start(name);

	sqe->opcode = code;
	sqe->fd = AT_FDCWD;
	sqe->addr = (uint64_t)(uintptr_t) "/";
}

static void op_link(const char *name)
{
	op_start(name)->flags |= IOSQE_IO_LINK;
}

/* ---- what can be tried ------------------------------------------------------------------- */

/* What each handle says to another guest's port; one that is no better than the worst is told. */
static long ports_of_others(void)
{
	long worst = -EACCES;

	for (unsigned int i = 0; i < handle_count; i++)
		if (xenevtchn_bind_interdomain(handles[i], OTHER_GUEST, 1) >= 0 || errno != EACCES)
			worst = errno;
	return handle_count > 1 ? worst : 0;
}

/* The calls that kill; each does harm, or would if it were let through. */
static long try_call(const char *name)
{
	static long page[512] __attribute__((aligned(4096)));
	char *argv[] = {NULL};

#define TRY(word, ...)                                                                             \
	if (strcmp(name, word) == 0)                                                               \
	return syscall(__VA_ARGS__) < 0 ? -errno : 0
	TRY("open", SYS_openat, AT_FDCWD, "/", O_RDONLY);
	TRY("socket", SYS_socket, 1, 1, 0);
	TRY("connect", SYS_connect, 3, "", 0);
	TRY("execve", SYS_execve, "/proc/self/exe", argv, argv);
	TRY("fork", SYS_clone, SIGCHLD, 0, 0, 0, 0);
	TRY("clone3", SYS_clone3, page, 64);
	TRY("namespace", SYS_unshare, CLONE_NEWUSER);
	TRY("map-code", SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	    0);
	TRY("make-code", SYS_mprotect, page, 4096, PROT_READ | PROT_EXEC);
	TRY("ptrace", SYS_ptrace, 0, 0, 0, 0);
	TRY("kill", SYS_kill, getpid(), 0);
	TRY("signal", SYS_tgkill, getpid(), (int)gettid(), SIGUSR1);
	TRY("prctl", SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
	TRY("keyring", SYS_keyctl, 0, 0, 0, 0, 0);
	TRY("dup", SYS_dup, 3);
	TRY("x32", 0x40000000 | SYS_getpid);
	TRY("virq", SYS_ioctl, 3, IOCTL_EVTCHN_BIND_VIRQ, page);
	TRY("dmabuf", SYS_ioctl, 3, IOCTL_GNTDEV_DMABUF_EXP_FROM_REFS, page);
	TRY("terminal", SYS_ioctl, 0, TIOCSTI, "x");
	TRY("owner", SYS_fcntl, 3, F_SETOWN, getpid());
	TRY("pi-futex", SYS_futex, page, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	TRY("sendmsg", SYS_sendmsg, 3, page, 0);
	TRY("new-ring", SYS_io_uring_setup, 8, page);
	TRY("aio", SYS_io_setup, 16, page);
	TRY("ring-buffers", SYS_io_uring_register, main_ring ? main_ring->ring_fd : 3,
	    IORING_REGISTER_BUFFERS, page, 1);
	TRY("enter", SYS_io_uring_enter, 3, 0, 0, 0, NULL, 0);
	TRY("ring-again", SYS_io_uring_register, main_ring->ring_fd, IORING_REGISTER_RING_FDS, page,
	    0);
#undef TRY
	return 1;
}

/* Messages without end, of what a worker may say; its supervisor reads as fast as we write. */
static long flood(int fd, uint32_t type)
{
	struct chan_msg msg = {.type = type};
	long n = 0;

	snprintf(msg.text, sizeof(msg.text), "a flood");
	while (send(fd, &msg, sizeof(msg), MSG_NOSIGNAL) >= 0 || errno == EINTR)
		n++;
	return n;
}

/* On each socket that could be the line of a disk behind an NBD server; one that does not read. */
static long flood_lines(void)
{
	struct chan_msg msg = {.type = CHAN_WANT};
	long n = 0;

	snprintf(msg.text, sizeof(msg.text), "a flood");
	for (int round = 0; round < 1000000; round++)
		for (int fd = WORKER_CHAN + 1; fd < FDS; fd++)
			n += send(fd, &msg, sizeof(msg), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
	return n;
}

static void try_one(const char *name)
{
	if (strcmp(name, "op-open") == 0)
		op_code(name, IORING_OP_OPENAT);
	else if (strcmp(name, "op-connect") == 0)
		op_code(name, IORING_OP_CONNECT);
	else if (strcmp(name, "op-send") == 0)
		op_code(name, IORING_OP_SENDMSG);
	else if (strcmp(name, "op-socket") == 0)
		op_code(name, IORING_OP_SOCKET);
	else if (strcmp(name, "op-link") == 0)
		op_link(name);
	else if (strcmp(name, "ports") == 0)
		say(name, ports_of_others());
	else if (strcmp(name, "flood") == 0)
		say(name, flood(WORKER_CHAN, CHAN_FAILED));
	else if (strcmp(name, "nonsense") == 0)
		say(name, send(WORKER_CHAN, name, 1, 0));
	else if (strcmp(name, "flood-line") == 0)
		say(name, flood_lines());
	else
		say(name, try_call(name));
}

/* ---- the way in -------------------------------------------------------------------------- */

__attribute__((visibility("default"))) void *
xengnttab_map_domain_grant_refs(xengnttab_handle *xgt, uint32_t count, uint32_t domid,
				uint32_t *refs, int prot)
{
	void *(*map)(xengnttab_handle *, uint32_t, uint32_t, uint32_t *, int);
	const char *guest = getenv("CAPTURED_GUEST");
	static char wanted[256];

	if (!guest || strtoul(guest, NULL, 10) == domid)
		snprintf(wanted, sizeof(wanted), "%s", getenv("CAPTURED"));
	else
		wanted[0] = '\0';
	for (char *at = wanted, *name; *wanted && (name = strsep(&at, ","));)
		try_one(name);
	*(void **)&map = dlsym(RTLD_NEXT, "xengnttab_map_domain_grant_refs");
	return map(xgt, count, domid, refs, prot);
}

__attribute__((visibility("default"))) xenevtchn_handle *
xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
	xenevtchn_handle *(*open_handle)(struct xentoollog_logger *, unsigned int);

	*(void **)&open_handle = dlsym(RTLD_NEXT, "xenevtchn_open");
	handles[handle_count] = open_handle(logger, flags);
	return handles[handle_count++];
}

__attribute__((visibility("default"))) int
io_uring_queue_init_params(unsigned int entries, struct io_uring *ring,
			   struct io_uring_params *params)
{
	int (*init)(unsigned int, struct io_uring *, struct io_uring_params *);

	if (!main_ring)
		main_ring = ring;
	*(void **)&init = dlsym(RTLD_NEXT, "io_uring_queue_init_params");
	return init(entries, ring, params);
}
