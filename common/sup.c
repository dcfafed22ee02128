// SPDX-License-Identifier: MIT
/*
 * The supervisor: one loop over xenstore's watches, the workers' channels and deaths, and signals.
 * It owns the list of guests and the list of devices; it holds no ring and never maps a page of a
 * guest.  sup_guest.c has the guests and their workers.
 */
#include "common/sup.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/stats.h"

enum {
	RETRY_MS = 1000,
	STOP_MS = 5000,	  /* less than who stops a daemon waits before it kills it */
	OFFLOAD_MAX = 64, /* stores that may hang before they hold up others */
};

static const char backend_token[] = "backend";

/* ---- the store -------------------------------------------------------------------------- */

/* A watch fired: remember who, act when all has been read. */
static void sup_changed(struct store *store, const char *path, const char *token)
{
	struct sup *sup = (struct sup *)((char *)store - offsetof(struct sup, store));
	struct device *device;

	if (sup->stopping) /* nothing may make devices anew */
		return;
	if (upgrade_is_token(token)) {
		upgrade_wished(sup);
		return;
	}
	/* Frontend watches carry the device's path. */
	if (strcmp(token, backend_token) != 0) {
		const char *key = strrchr(path, '/');
		bool tuned = !key || strcmp(key, "/state") != 0;

		for (device = sup->devices; device; device = device->next)
			if (strcmp(device->path, token) == 0 && tuned)
				device->tuned = device->dirty = true;
			else if (strcmp(device->path, token) == 0)
				device_frontend_changed(device);
		return;
	}
	/* A directory above devices that vanished took its devices with it. */
	for (device = sup->devices; device; device = device->next)
		if (strncmp(device->path, path, strlen(path)) == 0)
			device->dirty = true;
	/* Nodes of a device that vanished count, too: a limit may be taken away. */
	for (device = sup->devices; device; device = device->next) {
		size_t len = strlen(device->path);

		if (strncmp(device->path, path, len) == 0 && path[len] == '/' &&
		    strcmp(path + len, "/state") != 0)
			device->tuned = device->dirty = true;
	}
	/* Only what is really there becomes a device. */
	if (!store_exists(store, "%s", path))
		return;
	device = device_get(sup, path);
	if (!device)
		return;
	device->dirty = true;
	if (strcmp(path + strlen(device->path), "/resize") == 0)
		sup->backend->look(device);
}

/* The end of each turn: look at the devices that something happened to. */
static void sup_turn(struct loop_hook *hook)
{
	struct sup *sup = (struct sup *)((char *)hook - offsetof(struct sup, hook));
	bool again = true;

	while (again && !sup->stopping) {
		again = false;
		for (struct device *device = sup->devices; device; device = sup->step_next) {
			sup->step_next = device->next;
			if (!device->dirty || device->phase != DEVICE_IDLE || !sup->store.xs)
				continue;
			device_step(device);
			again = true;
		}
	}
	if (!sup->stopping)
		upgrade_turn(sup);
}

static bool sup_no_work(struct loop_hook *hook)
{
	(void)hook;
	return false;
}

/* Makes devices of all that is there already. */
static void sup_scan(struct sup *sup, const char *kind)
{
	char path[STORE_PATH_MAX];
	unsigned int guests, devices;
	char **guest, **devid;

	snprintf(path, sizeof(path), "/local/domain/%u/backend/%s", sup->store.domid, kind);
	guest = store_list(&sup->store, path, &guests);
	for (unsigned int i = 0; i < guests; i++) {
		snprintf(path, sizeof(path), "/local/domain/%u/backend/%s/%s", sup->store.domid,
			 kind, guest[i]);
		devid = store_list(&sup->store, path, &devices);
		for (unsigned int k = 0; k < devices; k++) {
			char leaf[STORE_PATH_MAX + 32];
			struct device *device;

			snprintf(leaf, sizeof(leaf), "%s/%s", path, devid[k]);
			device = device_get(sup, leaf);
			if (device)
				device->found = device->dirty = true;
		}
		free(devid);
	}
	free(guest);
}

static void sup_retry(void *arg);

/* Connects to xenstored and catches up with it; tries again later if it is away. */
static int sup_open_store(struct sup *sup)
{
	int err = store_open(&sup->store, &sup->loop);

	if (err < 0)
		return err;
	for (int i = 0; i < SUP_KINDS_MAX && sup->kinds[i]; i++) {
		char path[STORE_PATH_MAX];

		snprintf(path, sizeof(path), "/local/domain/%u/backend/%s", sup->store.domid,
			 sup->kinds[i]);
		err = store_watch(&sup->store, path, backend_token);
		if (err < 0) {
			store_close(&sup->store);
			return err;
		}
		sup_scan(sup, sup->kinds[i]);
	}
	err = upgrade_watch(sup);
	if (err < 0)
		store_close(&sup->store);
	return err;
}

static void sup_lost(struct store *store)
{
	struct sup *sup = (struct sup *)((char *)store - offsetof(struct sup, store));

	log_warn("lost xenstored; guests are served on, changes wait until it is back");
	for (struct device *device = sup->devices; device; device = device->next)
		device->watched = false;
	sup->retry = loop_timer_add(&sup->loop, RETRY_MS, sup_retry, sup);
}

/*
 * A store that came back empty has forgotten every guest; they still run, so their devices are
 * served on.  One that still knows a guest has the truth about its devices, too.
 */
static void sup_retry(void *arg)
{
	struct sup *sup = arg;
	uint32_t orphans = 0;

	sup->retry = NULL;
	if (sup_open_store(sup) < 0) {
		sup->retry = loop_timer_add(&sup->loop, RETRY_MS, sup_retry, sup);
		return;
	}
	for (struct device *device = sup->devices; device; device = device->next) {
		device->dirty = true;
		device->orphan =
			!store_exists(&sup->store, "/local/domain/%u", device->guest->domid);
		orphans += device->orphan;
	}
	if (orphans > 0)
		log_warn("xenstored is back, but has forgotten %u devices; they are served on",
			 orphans);
	else
		log_info("xenstored is back");
}

/* ---- signals and main ------------------------------------------------------------------- */

/*
 * What is under way ends in no time, but on a store that hangs, or in a worker that its guest has
 * captured.  Its journal makes it safe to kill.
 */
static void sup_stop_late(void *arg)
{
	struct sup *sup = arg;

	for (const struct guest *guest = sup->guests; guest; guest = guest->next) {
		if (guest->pid == 0)
			continue;
		log_warn("the worker of guest %u has not ended within %d s and is killed; the next "
			 "%s goes on where it was",
			 guest->domid, STOP_MS / 1000, sup->backend->name);
		kill(guest->pid, SIGKILL);
	}
}

void sup_stop(struct sup *sup, const char *why)
{
	log_info("%s; connected devices wait for the next %s", why, sup->backend->name);
	sup->stopping = true;
	loop_timer_add(&sup->loop, STOP_MS, sup_stop_late, sup);
	for (struct device *device = sup->devices; device; device = sup->step_next) {
		sup->step_next = device->next;
		device_hand_over(device);
	}
	if (!sup->guests)
		sup->loop.stop = true;
}

static void sup_signal(void *arg, int events)
{
	struct sup *sup = arg;
	struct signalfd_siginfo info;
	char why[40];

	(void)events;
	if (read(sup->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	sup->upgrade.exec = false; /* who wants us to end does not want a successor */
	if (sup->stopping)
		return;
	snprintf(why, sizeof(why), "stopping on signal %u", info.ssi_signo);
	sup_stop(sup, why);
}

static int sup_signals(struct sup *sup)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	sup->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return sup->signal_fd < 0 ? -errno : 0;
}

/* kernel.io_uring_disabled: 1 forbids it to our workers, which have no privileges, 2 to all. */
static bool uring_is_forbidden(void)
{
	char text[4] = "0";
	int fd = open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false; /* a kernel before 6.6 */
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '0';
	close(fd);
	return text[0] != '0';
}

/* All processes wait in one way, so that what works here works in the workers. */
static int sup_loop_init(struct sup *sup)
{
	const char *instead = sup->backend->no_uring;
	int err;

	if (sup->no_uring) {
		log_info("io_uring is not used: %s, as --no-io-uring says", instead);
	} else if (uring_is_forbidden()) {
		log_warn("kernel.io_uring_disabled forbids io_uring: %s", instead);
	} else {
		err = loop_init(&sup->loop, 64, LOOP_URING);
		if (err == 0)
			return 0;
		log_warn("io_uring can't be used (%s): %s", strerror(-err), instead);
	}
	return loop_init(&sup->loop, 64, LOOP_EPOLL);
}

int sup_main(struct sup *sup)
{
	int err;

	/* First of all: libxenstore's thread must not take our signals. */
	err = sup_signals(sup);
	if (err == 0)
		err = sup_loop_init(sup);
	if (err == 0)
		err = offload_init(&sup->offload, &sup->loop, OFFLOAD_MAX, 0);
	if (err < 0) {
		log_error("can't start: %s", strerror(-err));
		return 1;
	}
	loop_poll_add(&sup->loop, sup->signal_fd, sup_signal, sup);
	stats_sweep(sup->backend->name);
	sup->store.changed = sup_changed;
	sup->store.lost = sup_lost;
	err = sup_open_store(sup);
	if (err == 0) {
		sup_sweep_journals(sup);
		if (sup->backend->sweep)
			sup->backend->sweep(sup);
		upgrade_resume(sup);
	}
	if (err < 0) {
		log_error("can't reach xenstored: %s; is it running?", strerror(-err));
		return 1;
	}
	for (int i = 0; i < SUP_KINDS_MAX && sup->kinds[i]; i++)
		log_info("serving %s for domain %u", sup->kinds[i], sup->store.domid);
	sup->hook = (struct loop_hook){sup_turn, sup_no_work, sup_no_work, NULL};
	loop_hook_add(&sup->loop, &sup->hook);
	sup_turn(&sup->hook);
	err = loop_run(&sup->loop);
	if (err < 0)
		log_panic("the loop failed: %s", strerror(-err));
	store_close(&sup->store);
	close(sup->signal_fd);
	/* A thread that still hangs on a store is left to the end of the process. */
	if (offload_free(&sup->offload))
		loop_free(&sup->loop);
	return 0;
}
