/* SPDX-License-Identifier: MIT */
/*
 * Files in /run/halfback, one of a kind for a device: made by its supervisor, mapped by its worker.
 * See runfile.c.
 */
#ifndef COMMON_RUNFILE_H
#define COMMON_RUNFILE_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* DAEMON-DOMID-DEVID.KIND */
struct runfile {
	const char *daemon;
	uint32_t domid;
	uint32_t devid;
	const char *kind;
};

void runfile_path(char path[PATH_MAX], const struct runfile *name);

/*
 * Makes the file, in place of one that is there, with all its memory: who maps it gets no SIGBUS
 * when /run is full.  A descriptor, owned by the caller, or -errno.
 */
int runfile_create(const struct runfile *name, mode_t mode, size_t size);
void runfile_remove(const struct runfile *name);

/* Calls found() for each file of this daemon and kind; name->kind is the one that was given. */
void runfile_each(const char *daemon, const char *kind,
		  void (*found)(const struct runfile *name, void *arg), void *arg);

/*
 * Maps `size` bytes of it, shared, and closes `fd`.  If somebody shortens the file later, what is
 * gone is replaced by memory of our own.  NULL if there is no such file (fd < 0) or memory.
 */
void *runfile_map(int fd, size_t size);
void runfile_unmap(void *memory, size_t size); /* NULL is fine */

/* What it asks of the kernel when it is confined: filter.h. */
extern const struct filter runfile_filter;

#endif
