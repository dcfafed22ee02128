/* SPDX-License-Identifier: MIT */
#ifndef LOOPBACK_GUEST_H
#define LOOPBACK_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xengnttab.h>
#include <xenstore.h>
#include <xen/grant_table.h>
#include <xen/io/xenbus.h>

#define GUEST_TIMEOUT 10000 /* ms that a backend gets for each change of state */

/* Sets of backend states for front_wait(). */
#define FRONT_STATE(state) (1U << (state))
#define FRONT_GONE	   FRONT_STATE(XenbusStateUnknown) /* no backend node, or no number in it */

/* What a guest program has open, of stock Xen's libraries; event channels are each thread's own. */
struct guest {
	struct xs_handle *xs;
	xengntshr_handle *gntshr;
};

/* 0 or -errno; a failure is reported on stderr in one sentence that names what to do. */
int guest_open(struct guest *g);
void guest_close(struct guest *g);

/* One frontend device: device/KIND/DEVID of our own domain, and its backend's directory. */
struct front {
	struct guest *guest;
	unsigned int devid;
	uint32_t backend_id;
	bool watching;
	char path[64];	   /* relative to our domain's home, as a real guest uses it */
	char backend[160]; /* absolute */
};

struct front_key {
	const char *key;
	const char *value; /* NULL: remove the key */
};

/* Find the device and watch its backend's state.  0, -ENOENT if there is no such device, -errno. */
int front_open(struct front *f, struct guest *g, const char *kind, unsigned int devid);
void front_close(struct front *f);

/* Devices of @kind in our domain: their numbers, ascending.  Count (at most @max) or -errno. */
int front_list(struct guest *g, const char *kind, unsigned int *devid, int max);

/* The state nodes; XenbusStateUnknown when there is none. */
enum xenbus_state front_state(const struct front *f);
enum xenbus_state front_backend_state(const struct front *f);

/*
 * Write our keys and our state in one transaction; nothing is written when the device directory has
 * gone.  Keys of an earlier connection that start with one of @stale (NULL-terminated; may be NULL)
 * are removed first.  0, -ENOENT (device gone) or -errno.
 */
int front_publish(struct front *f, const char *const *stale, const struct front_key *keys, size_t n,
		  enum xenbus_state state);

/* Only the state.  Returns as front_publish() does. */
int front_switch(struct front *f, enum xenbus_state state);

/*
 * Sleep until the backend's state is in @set (FRONT_STATE() bits).
 * Returns the state, or -ETIMEDOUT after @timeout_ms (-1: never), or -EINTR.
 */
int front_wait(struct front *f, unsigned int set, int timeout_ms);

/* The fd that gets readable when the backend's state may have changed, and its acknowledgement. */
int front_fd(const struct front *f);
void front_drain(struct front *f);

/*
 * Bring both ends to "frontend 1, backend 2" whatever an earlier user of the device left behind,
 * as a kexec'ed Linux does.  0 or -errno.
 */
int front_reset(struct front *f, int timeout_ms);

/* Close in order: 5, backend >= 5, 6, backend 6.  0 or -errno; our state is 6 in any case. */
int front_shutdown(struct front *f, int timeout_ms);

/* A number from the backend's directory, or @absent when there is none. */
uint64_t front_read(const struct front *f, const char *key, uint64_t absent);

/* A string from the backend's directory (free it), or NULL. */
char *front_read_string(const struct front *f, const char *key);

/* As that, but from our own directory: what the toolstack or its script wrote for us there. */
char *front_read_own(const struct front *f, const char *key);

#endif
