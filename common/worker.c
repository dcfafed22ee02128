// SPDX-License-Identifier: MIT
/*
 * A worker serves one guest.  It opens the grant and event channel devices while it still can, then
 * gives up everything else (sandbox.c) before it hears of the first device.  It never touches
 * xenstore, a path or a name: what it needs comes through its channel.
 *
 * If the supervisor dies the worker finishes what is under way and ends; the guest's devices wait
 * for the next supervisor.
 */
#include "common/worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/log.h"
#include "common/sandbox.h"

void worker_answer(enum chan_type type, uint32_t devid, uint32_t serial, const char *text)
{
	struct chan_msg msg = {.type = type, .devid = devid, .serial = serial};

	if (text)
		snprintf(msg.text, sizeof(msg.text), "%s", text);
	chan_send(WORKER_CHAN, &msg);
}

void worker_device_gone(struct worker *worker)
{
	if (worker->quitting && !worker->devices)
		worker->loop.stop = true;
}

static void worker_quit(struct worker *worker)
{
	worker->quitting = true;
	loop_poll_del(&worker->loop, worker->chan_poll);
	worker->chan_poll = NULL;
	worker->ops->close_all(worker);
	worker_device_gone(worker);
}

static void worker_handle(struct worker *worker, struct chan_msg *msg)
{
	switch (msg->type) {
	case CHAN_CONNECT:
		worker->ops->connect(worker, msg);
		break;
	case CHAN_CLOSE:
		worker->ops->close(worker, msg->devid);
		break;
	case CHAN_QUIT:
		worker_quit(worker);
		break;
	default:
		log_panic("the supervisor sent message type %u", msg->type);
	}
}

static void worker_chan_ready(void *arg, int events)
{
	struct worker *worker = arg;
	struct chan_msg msg;
	int n = 0;

	(void)events;
	while (!worker->quitting && (n = chan_recv(WORKER_CHAN, &msg)) > 0)
		worker_handle(worker, &msg);
	if (worker->quitting || n == 0)
		return;
	log_warn("the supervisor is gone; finishing what is under way");
	worker_quit(worker);
}

/* Opens what the sandbox would refuse, then enters it. */
static int worker_confine(struct worker *worker, uint32_t uid)
{
	int err;

	worker->xgt = xengnttab_open(NULL, 0);
	if (!worker->xgt) {
		log_error("can't open the grant device: %s; is xen-gntdev loaded?",
			  strerror(errno));
		return -1;
	}
	err = port_set_open(&worker->ports);
	if (err < 0) {
		log_error("can't open the event channel device: %s; is xen-evtchn loaded?",
			  strerror(-err));
		return -1;
	}
	err = sandbox_enter(uid);
	if (err < 0)
		log_error("can't enter the sandbox: %s", strerror(-err));
	return err;
}

int worker_main(const struct worker_ops *ops, const struct worker_config *config, const char *name)
{
	static struct worker worker;
	int err;

	log_open(name, config->verbose);
	worker.ops = ops;
	worker.domid = config->domid;
	if (worker_confine(&worker, config->uid) < 0)
		return 1;
	err = loop_init(&worker.loop, 256);
	if (err < 0) {
		log_error("can't make an io_uring: %s; see kernel.io_uring_disabled",
			  strerror(-err));
		return 1;
	}
	worker.loop.spin_us = config->spin_us;
	err = port_set_start(&worker.ports, &worker.loop, worker.domid);
	if (err < 0)
		log_panic("can't restrict the event channels to domain %u: %s", worker.domid,
			  strerror(-err));
	worker.chan_poll = loop_poll_add(&worker.loop, WORKER_CHAN, worker_chan_ready, &worker);
	err = loop_run(&worker.loop);
	if (err < 0)
		log_panic("the io_uring failed: %s", strerror(-err));
	/* The kernel takes back maps, ports and files; a sandboxed exit has nothing to look up. */
	_exit(0);
}
