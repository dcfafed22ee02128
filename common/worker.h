/* SPDX-License-Identifier: MIT */
/* The frame of a worker process: one guest, one loop.  See worker.c. */
#ifndef COMMON_WORKER_H
#define COMMON_WORKER_H

#include <stdint.h>

#include <xengnttab.h>

#include "common/chan.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/port.h"

enum {
	WORKER_CHAN = 3
}; /* the channel's descriptor, as the supervisor leaves it */

struct worker {
	struct loop loop;
	xengnttab_handle *xgt;
	struct port_set ports;
	struct loop_poll *chan_poll;
	const struct worker_ops *ops;
	void *devices; /* the backend's list */
	uint16_t domid;
	struct log_limit
		limit; /* of lines that the guest causes: a new connection gives no new budget */
	bool quitting; /* leave when the last device is closed */
};

/* What a backend does in its workers. */
struct worker_ops {
	/* Serves a device; answers with worker_answer(CHAN_CONNECTED or CHAN_FAILED). Owns the fds.
	 */
	void (*connect)(struct worker *worker, struct chan_msg *msg);
	/* Finishes what is under way, lets go of the device, then answers CHAN_CLOSED. */
	void (*close)(struct worker *worker, uint32_t devid);
	/* As close(), for all, with nobody to answer. */
	void (*close_all)(struct worker *worker);
};

/* How a supervisor starts a worker; see sup.c. */
struct worker_config {
	uint16_t domid;
	uint32_t uid;
	uint32_t spin_us;
	bool verbose;
};

/* Runs a worker to its end; gives the process's exit status. */
int worker_main(const struct worker_ops *ops, const struct worker_config *config, const char *name);

/* Tells the supervisor about a device.  `text` may be NULL. */
void worker_answer(enum chan_type type, uint32_t devid, uint32_t serial, const char *text);

/* A device is gone: the worker ends if that was asked and it was the last. */
void worker_device_gone(struct worker *worker);

#endif
