// SPDX-License-Identifier: MIT
/*
 * A worker of which one call fails: the N-th of KIND, as the file that HALFBACK_FAIL names says,
 * "KIND N".  The next worker that starts reads it and leaves "taken" there, and "failed" once the
 * call did; those after it work.  KIND: alloc (malloc and its like, anonymous mmap), map, copy (of
 * grants), submit (to io_uring), read, write (of a tap, by io_uring or without).
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>
#include <xenforeignmemory.h>
#include <xengnttab.h>

enum {
	SAID = 64,
	FRAME = 65536, /* only taps are read with so much room */
	NOP_INJECT_RESULT =
		1 << 0 /* IORING_NOP_INJECT_RESULT, Linux 6.9; before, the result is 0 */
};

#define EXPORT __attribute__((visibility("default")))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t align, size_t size);

static char kind[16];
static unsigned int left;     /* calls of it until one fails; 0: none does */
static char *said;	      /* the file, mapped: a confined worker opens and writes none */
static __thread bool copying; /* what a copy allocates is the copy's */

static void say(const char *what)
{
	strcpy(said, what);
}

__attribute__((constructor)) static void begin(int argc, char **argv)
{
	const char *path = getenv("HALFBACK_FAIL");
	char text[SAID] = "";
	int file;

	if (argc < 2 || strcmp(argv[1], "--worker") != 0 || !path)
		return;
	file = open(path, O_RDWR | O_CLOEXEC);
	if (file < 0 || read(file, text, sizeof(text) - 1) <= 0 ||
	    sscanf(text, "%15s %u", kind, &left) != 2) {
		left = 0;
		return;
	}
	said = ftruncate(file, SAID) == 0
		       ? mmap(NULL, SAID, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
		       : MAP_FAILED;
	if (said == MAP_FAILED)
		abort();
	say("taken");
}

static bool fails(const char *what)
{
	if (copying || __atomic_load_n(&left, __ATOMIC_RELAXED) == 0 || strcmp(what, kind) != 0 ||
	    __atomic_sub_fetch(&left, 1, __ATOMIC_RELAXED) != 0)
		return false;
	say("failed");
	errno = ENOMEM;
	return true;
}

EXPORT void *malloc(size_t size)
{
	return fails("alloc") ? NULL : __libc_malloc(size);
}

EXPORT void *calloc(size_t n, size_t size)
{
	return fails("alloc") ? NULL : __libc_calloc(n, size);
}

EXPORT void *realloc(void *old, size_t size)
{
	return fails("alloc") ? NULL : __libc_realloc(old, size);
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
	return fails("alloc") ? NULL : __libc_memalign(align, size);
}

EXPORT int posix_memalign(void **to, size_t align, size_t size)
{
	*to = aligned_alloc(align, size);
	return *to ? 0 : ENOMEM;
}

EXPORT void *mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	void *(*real)(void *, size_t, int, int, int, off_t);

	if (flags & MAP_ANONYMOUS && fails("alloc"))
		return MAP_FAILED;
	*(void **)&real = dlsym(RTLD_NEXT, "mmap");
	return real(at, size, prot, flags, fd, offset);
}

EXPORT void *xengnttab_map_domain_grant_refs(xengnttab_handle *xgt, uint32_t count, uint32_t domid,
					     uint32_t *refs, int prot)
{
	void *(*real)(xengnttab_handle *, uint32_t, uint32_t, uint32_t *, int);

	if (fails("map"))
		return NULL;
	*(void **)&real = dlsym(RTLD_NEXT, "xengnttab_map_domain_grant_refs");
	return real(xgt, count, domid, refs, prot);
}

EXPORT void *xengnttab_map_grant_ref(xengnttab_handle *xgt, uint32_t domid, uint32_t ref, int prot)
{
	void *(*real)(xengnttab_handle *, uint32_t, uint32_t, int);

	if (fails("map"))
		return NULL;
	*(void **)&real = dlsym(RTLD_NEXT, "xengnttab_map_grant_ref");
	return real(xgt, domid, ref, prot);
}

/* Screens are mapped by frame number. */
EXPORT void *xenforeignmemory_map(xenforeignmemory_handle *fmem, uint32_t domid, int prot,
				  size_t count, const xen_pfn_t *frames, int *errors)
{
	void *(*real)(xenforeignmemory_handle *, uint32_t, int, size_t, const xen_pfn_t *, int *);

	if (fails("map"))
		return NULL;
	*(void **)&real = dlsym(RTLD_NEXT, "xenforeignmemory_map");
	return real(fmem, domid, prot, count, frames, errors);
}

EXPORT int xengnttab_grant_copy(xengnttab_handle *xgt, uint32_t count,
				xengnttab_grant_copy_segment_t *segments)
{
	int (*real)(xengnttab_handle *, uint32_t, xengnttab_grant_copy_segment_t *), err;

	if (fails("copy"))
		return -1;
	*(void **)&real = dlsym(RTLD_NEXT, "xengnttab_grant_copy");
	copying = true;
	err = real(xgt, count, segments);
	copying = false;
	return err;
}

/* What is about to be submitted and is to fail becomes a nop that gives its error. */
static void spoil(struct io_uring *ring)
{
	for (unsigned int i = ring->sq.sqe_head; i != ring->sq.sqe_tail; i++) {
		struct io_uring_sqe *sqe = &ring->sq.sqes[i & *ring->sq.kring_mask];
		bool is_read = sqe->opcode == IORING_OP_READ && sqe->len >= FRAME;
		bool is_write = sqe->opcode == IORING_OP_WRITE || sqe->opcode == IORING_OP_WRITEV;

		if (!(is_read && fails("read")) && !(is_write && fails("write")))
			continue;
		sqe->opcode = IORING_OP_NOP;
		sqe->rw_flags = NOP_INJECT_RESULT;
		sqe->len = (uint32_t)-ENOMEM;
	}
}

static int submit(struct io_uring *ring, const char *how)
{
	int (*real)(struct io_uring *);

	if (fails("submit"))
		return -ENOMEM;
	spoil(ring);
	*(void **)&real = dlsym(RTLD_NEXT, how);
	return real(ring);
}

EXPORT int io_uring_submit(struct io_uring *ring)
{
	return submit(ring, "io_uring_submit");
}

EXPORT int io_uring_submit_and_get_events(struct io_uring *ring)
{
	return submit(ring, "io_uring_submit_and_get_events");
}

EXPORT int io_uring_submit_and_wait(struct io_uring *ring, unsigned int count)
{
	int (*real)(struct io_uring *, unsigned int);

	if (fails("submit"))
		return -ENOMEM;
	spoil(ring);
	*(void **)&real = dlsym(RTLD_NEXT, "io_uring_submit_and_wait");
	return real(ring, count);
}

EXPORT ssize_t read(int fd, void *to, size_t size)
{
	ssize_t (*real)(int, void *, size_t);

	if (size >= FRAME && fails("read"))
		return -1;
	*(void **)&real = dlsym(RTLD_NEXT, "read");
	return real(fd, to, size);
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int count)
{
	ssize_t (*real)(int, const struct iovec *, int);

	if (fails("write"))
		return -1;
	*(void **)&real = dlsym(RTLD_NEXT, "writev");
	return real(fd, iov, count);
}
