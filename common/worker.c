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
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/aio.h"
#include "common/crash.h"
#include "common/filter.h"
#include "common/grant.h"
#include "common/log.h"
#include "common/loop_way.h"
#include "common/offload.h"
#include "common/runfile.h"
#include "common/sandbox.h"

enum {
	FILTERS_MAX = 32
};

/* How a supervisor starts a worker; see sup_guest.c. */
struct worker_config {
	uint16_t domid;
	uint32_t uid;
	uint32_t spin_us;
	uint32_t threads; /* at most, 1 to THREADS_MAX */
	enum loop_way way;
	bool verbose;
};

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
		worker->threads[0].loop.stop = true;
}

struct thread *worker_thread_get(struct worker *worker)
{
	struct thread *best = &worker->threads[0];
	int err;

	for (uint32_t i = 1; i < worker->thread_count; i++)
		if (worker->threads[i].load < best->load)
			best = &worker->threads[i];
	err = thread_start(best);
	if (err < 0) {
		log_error("can't start a thread: %s; the main one serves instead", strerror(-err));
		best = &worker->threads[0];
	}
	best->load++;
	return best;
}

void worker_thread_put(struct thread *thread)
{
	thread->load--;
}

static void worker_quit(struct worker *worker)
{
	worker->quitting = true;
	loop_poll_del(&worker->threads[0].loop, worker->chan_poll);
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
	case CHAN_TUNE:
		worker->ops->tune(worker, msg);
		break;
	case CHAN_CLOSE:
		worker->ops->close(worker, msg->devid);
		break;
	case CHAN_RESIZE:
		worker->ops->resize(worker, msg);
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

/* The tables of all that a worker consists of. */
static void worker_filters(const struct filter **list, const struct worker_ops *ops,
			   enum loop_way way)
{
	static const struct filter *const frame[] = {
		&log_filter,  &chan_filter,  &thread_filter,  &loop_filter,
		&port_filter, &grant_filter, &offload_filter, &runfile_filter,
	};

	for (size_t i = 0; i < sizeof(frame) / sizeof(frame[0]); i++)
		*list++ = frame[i];
	*list++ = way == LOOP_URING ? &loop_uring_filter : &loop_epoll_filter;
	if (way == LOOP_EPOLL)
		*list++ = &aio_filter;
	for (const struct filter *const *own = ops->filters[way]; *own; own++)
		*list++ = *own;
#ifdef CRASH_POINTS
	*list++ = &crash_filter;
#endif
	*list = NULL;
}

static int worker_open(struct worker *worker, const struct worker_config *config,
		       const struct filter *const *filters)
{
	int err = 0;

	worker->thread_count = config->threads;
	for (uint32_t i = 0; i < config->threads && err == 0; i++) {
		err = thread_open(&worker->threads[i], config->domid, config->way, filters);
		worker->threads[i].loop.spin_us = config->spin_us;
	}
	if (err < 0)
		return err;
	log_debug("%s guest %u",
		  worker->threads[0].ports.restricted
			  ? "event channels are restricted to"
			  : "this kernel can't restrict event channels to",
		  config->domid);
	return 0;
}

/* Opens what the sandbox would refuse, then enters it. */
static int worker_confine(struct worker *worker, const struct worker_config *config)
{
	const struct filter *filters[FILTERS_MAX];
	int err;

	worker_filters(filters, worker->ops, config->way);
	err = worker_open(worker, config, filters);
	if (err == 0 && worker->ops->open)
		err = worker->ops->open(worker, config->domid);
	if (err < 0)
		return err;
	err = sandbox_limits(config->threads);
	if (err == 0)
		err = sandbox_enter(config->uid);
	if (err == 0)
		err = filter_load(filters);
	if (err < 0)
		log_error("can't enter the sandbox: %s", strerror(-err));
	return err;
}

static bool worker_config_read(struct worker_config *config, int argc, char **argv)
{
	if (argc < 7)
		return false;
	config->domid = (uint16_t)strtoul(argv[2], NULL, 10);
	config->uid = (uint32_t)strtoul(argv[3], NULL, 10);
	config->spin_us = (uint32_t)strtoul(argv[4], NULL, 10);
	config->threads = (uint32_t)strtoul(argv[5], NULL, 10);
	config->way = strcmp(argv[6], "epoll") == 0 ? LOOP_EPOLL : LOOP_URING;
	config->verbose = argc > 7;
	return config->threads >= 1 && config->threads <= THREADS_MAX;
}

int worker_main(const struct worker_ops *ops, int argc, char **argv)
{
	static struct worker worker;
	struct thread *main_thread = &worker.threads[0];
	struct worker_config config;
	int err;

	if (!worker_config_read(&config, argc, argv)) {
		fprintf(stderr, "%s: --worker is for its own use; start it without\n", argv[0]);
		return 2;
	}
	log_open(argv[0], config.verbose);
	crash_open();
	worker.ops = ops;
	if (worker_confine(&worker, &config) < 0)
		return 1;
	main_thread->running = true;
	err = thread_begin(main_thread);
	if (err < 0)
		log_panic("can't enable a loop: %s", strerror(-err));
	worker.chan_poll =
		loop_poll_add(&main_thread->loop, WORKER_CHAN, worker_chan_ready, &worker);
	err = loop_run(&main_thread->loop);
	if (err < 0)
		log_panic("the loop failed: %s", strerror(-err));
	/* The kernel takes back maps, ports and files; a sandboxed exit has nothing to look up. */
	_exit(0);
}
