// SPDX-License-Identifier: MIT
/*
 * The life of a device, control side: read both states, ask the table (bus.c), do it.  A device
 * does one thing at a time; what changes meanwhile makes it dirty, and it looks again afterwards.
 * So a guest that toggles its state a million times costs as many looks as we find time for.  How
 * it is found and forgotten is device_birth.c's.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bus.h"
#include "common/sup.h"

static void device_connect(struct device *device);

/* ---- offer ------------------------------------------------------------------------------ */

void device_offer(struct device *device)
{
	const char *rival = device->sup->backend->rival(device);

	device->phase = DEVICE_OFFERING;
	device->failed = false;
	device_clear_error(device);
	if (rival)
		device_offered(device, rival);
	else if (device_is_itself(device))
		device->sup->backend->offer(device);
	else
		device_offered(device,
			       "its nodes frontend and frontend-id don't name the guest and "
			       "number of its path; let the toolstack make it again");
}

static void device_close_states(struct device *device)
{
	if (device_switch(device, XenbusStateClosing, NULL) == 0)
		device_switch(device, XenbusStateClosed, NULL);
}

void device_offered(struct device *device, const char *error)
{
	device->phase = DEVICE_IDLE;
	device->dirty = true;
	if (device->sup->stopping) {
		device_free(device);
		return;
	}
	if (device->forgotten)
		return;
	device->offered = !error;
	if (device->resume && !error) {
		device_connect(device);
		return;
	}
	if (device->resume)
		device_journal_remove(device);
	if (error) {
		device->failed = true;
		device->refused = true;
		device_error(device, EINVAL, "%s", error);
		/* A hotplug script runs only at InitWait, and it alone can tell xl the reason. */
		if (device_script(device) == SCRIPT_NONE ||
		    device_hotplug_is(device, "connected")) {
			device_close_states(device);
			return;
		}
	}
	device_switch(device, XenbusStateInitWait, device->sup->backend->write_features);
}

/* ---- connect ---------------------------------------------------------------------------- */

static int device_read_frontend(struct device *device, struct chan_msg *msg, const char **why)
{
	struct store *store = &device->sup->store;
	int tries = 0, err;

	do {
		*why = NULL;
		store_begin(store);
		err = device->sup->backend->connect(device, msg, why);
	} while (store_commit(store, &err, &tries));
	if (err < 0 && !*why)
		*why = err == -EBUSY ? "the guest keeps changing the nodes that name its ring"
				     : "can't read the nodes that name the guest's ring";
	return err;
}

/* A connection that was served before needs no script; a new one waits for what is left of it. */
static bool device_may_connect(struct device *device)
{
	if (guest_rests(device->guest))
		return false; /* its end will wake us, as the script's write will */
	return device->resume ||
	       ((device_script(device) == SCRIPT_NONE || device_hotplug_is(device, "connected")) &&
		!device_journal_is_busy(device));
}

static void device_connect_failed(struct device *device, int err, const char *why)
{
	device_error(device, err, "%s", why);
	device_stats_close(device);
	device_journal_remove(device);
	device_close_states(device);
}

static void device_connect(struct device *device)
{
	struct chan_msg msg = {.type = CHAN_CONNECT, .devid = device->number};
	char sentence[160];
	const char *why;
	int err;

	if (!device_may_connect(device))
		return;
	if (!device->sup->backend->ready(device)) {
		device_offer(device); /* the script has said what is to be opened */
		return;
	}
	err = device_read_frontend(device, &msg, &why);
	if (err < 0) {
		device_connect_failed(device, err, why);
		return;
	}
	msg.serial = ++device->serial;
	device_journal_open(device, &msg);
	device_stats_open(device, &msg);
	err = guest_worker(device->guest);
	/* A worker that does not take it is dying or as good as dead: the next one gets it. */
	if (err == 0 && guest_send(device->guest, &msg) < 0)
		kill(device->guest->pid, SIGKILL);
	device_files_sent(&msg);
	if (err < 0) {
		snprintf(sentence, sizeof(sentence), "can't start a worker for it: %s",
			 strerror(-err));
		device_connect_failed(device, err, sentence);
		return;
	}
	device->phase = DEVICE_CONNECTING;
}

/* ---- close ------------------------------------------------------------------------------ */

void device_closed(struct device *device)
{
	device->phase = DEVICE_IDLE;
	device->connected = false;
	device->dirty = true;
	device_stats_close(device);
	if (device->then != BUS_NONE)
		device_journal_remove(device);
	switch (device->then) {
	case BUS_CLOSING:
		device_switch(device, XenbusStateClosing, NULL);
		break;
	case BUS_CLOSE:
		device->sup->backend->release(device);
		device->offered = false;
		device_close_states(device);
		break;
	case BUS_RESTART:
		device_close_states(device);
		if (!device->sup->stopping) {
			device_offer(device);
			return;
		}
		break;
	default: /* forgotten: the step that follows frees it; or handed over */
		break;
	}
	if (device->sup->stopping) /* there are no more steps */
		device_free(device);
}

/* A guest that lets go of its disk may have been made to: the log is to name who did it. */
static void device_blame_rival(struct device *device, int then)
{
	const char *rival = device->sup->backend->rival(device);

	if (rival && device->connected && (then == BUS_CLOSING || then == BUS_CLOSE))
		device_error(device, EALREADY, "%s", rival);
}

void device_stop(struct device *device, int then)
{
	struct chan_msg msg = {.type = CHAN_CLOSE, .devid = device->number};

	device->then = then;
	device_blame_rival(device, then);
	if (device->connected && device->guest->pid > 0) {
		device->phase = DEVICE_CLOSING;
		if (guest_send(device->guest, &msg) == 0)
			return; /* else it is dying, and closes so */
	}
	device_closed(device);
}

void device_hand_over(struct device *device)
{
	if (device->phase == DEVICE_CLOSING || device->phase == DEVICE_OFFERING)
		return; /* ends by itself */
	if (device->connected)
		device_stop(device, BUS_NONE);
	else
		device_free(device);
}

/* ---- the step --------------------------------------------------------------------------- */

static void device_give_up(struct device *device)
{
	const char *rival = device->sup->backend->rival(device);

	device->foreign = true;
	device_error(device, EALREADY, "%s",
		     rival ? rival
			   : "another backend has taken it; stop that one and attach it again");
	device->sup->backend->release(device);
}

/* It waits for our 8, which says that its new nodes count. */
static void device_reconfigure(struct device *device)
{
	if (device_tune(device))
		device->phase = DEVICE_RECONFIGURING;
	else
		device_switch(device, XenbusStateReconfigured, NULL);
}

static void device_act(struct device *device, enum bus_action action, int frontend)
{
	switch (action) {
	case BUS_NONE:
		device_resize(device);
		break;
	case BUS_OFFER:
		device_offer(device);
		break;
	case BUS_CONNECT:
		if (device->failed || !device->offered)
			break;
		device_connect(device);
		break;
	case BUS_RECONFIGURE:
		device_reconfigure(device);
		break;
	case BUS_RECONFIGURED:
		device_switch(device, XenbusStateConnected, NULL);
		break;
	case BUS_FAIL:
		device_error(device, EINVAL,
			     "its frontend's state is none that a frontend has; the guest has to "
			     "write 1 to 6");
		device_stop(device, BUS_CLOSE);
		break;
	case BUS_FOREIGN:
		device_give_up(device);
		break;
	case BUS_FORGET:
		device->forgotten = true;
		device_stop(device, action);
		break;
	default:
		log_debug("%s: frontend is %s", device->path, bus_state_name(frontend));
		device_stop(device, action);
	}
}

/* A toolstack that gave up waiting, or a closed device that is not to come back. */
static bool device_over(struct device *device, int backend, enum bus_action action)
{
	uint64_t online = 1;

	if (backend != XenbusStateClosed || action == BUS_FORGET)
		return false;
	store_read_number(&device->sup->store, 1, &online, "%s/online", device->path);
	return online == 0;
}

/* A state node as the table knows it; -errno if the store can't tell, which is not "gone". */
static int device_state(struct device *device, const char *dir)
{
	char *text = store_read(&device->sup->store, "%s/state", dir);
	int state = bus_state(text);

	if (!text && (errno == EINVAL || errno == EACCES))
		state = BUS_BAD;
	else if (!text && errno != ENOENT)
		state = -errno;
	free(text);
	/* Only some frontends have these. */
	if (!device->sup->backend->reconfigures &&
	    (state == XenbusStateReconfiguring || state == XenbusStateReconfigured))
		state = BUS_BAD;
	return state;
}

void device_step(struct device *device)
{
	struct store *store = &device->sup->store;
	enum bus_action action;
	int backend, frontend;

	if (device->phase != DEVICE_IDLE || !device->dirty || !store->xs)
		return;
	device->dirty = false;
	if (device->forgotten) {
		device_free(device);
		return;
	}
	if (device->rest)
		return;
	if (device->tuned)
		device_tune(device);
	backend = device_state(device, device->path);
	if (device->wrote == 0 && backend != BUS_GONE && !device->sup->backend->wanted(device))
		return;
	if (backend < 0 || (device->foreign && backend != BUS_GONE))
		return;
	if (device->orphan && backend == BUS_GONE && device->connected)
		return;
	/* A slip of somebody's hand; the guest must not pay for it. */
	if (device->connected && backend >= XenbusStateInitWait && backend < XenbusStateConnected)
		backend = XenbusStateConnected;
	/* Whoever died, its frontend has its answer. */
	if (!device->connected && backend == XenbusStateReconfigured)
		backend = XenbusStateConnected;
	device->orphan = false;
	if (device->connected && backend == XenbusStateConnected && device->wrote != backend)
		device_switch(device, backend, device_write_connected); /* refused before */
	device_watch(device);
	frontend = device_state(device, device->frontend);
	if (frontend < 0)
		return; /* xenstored is going: what is served is served on */
	action = bus_step(backend, frontend);
	/* Unplugged: the toolstack wrote our 5, and the frontend has answered it. */
	if (device->connected && backend == XenbusStateClosing && frontend == XenbusStateClosing)
		action = BUS_CLOSING;
	if (device_is_foreign(device, backend))
		action = BUS_FOREIGN;
	if (device->refused && backend == XenbusStateClosed && action == BUS_OFFER)
		action = BUS_NONE;
	if (device->failed && backend == XenbusStateInitWait && device_hotplug_is(device, "error"))
		action = BUS_CLOSE;
	if (backend == XenbusStateConnected && !device->connected &&
	    (action == BUS_NONE || action == BUS_RECONFIGURE))
		device_take_over(device);
	else if (backend == XenbusStateInitWait && !device->offered && !device->failed &&
		 (action == BUS_NONE || action == BUS_CONNECT))
		device_offer(device); /* left so by the supervisor before us */
	else if (!device_over(device, backend, action))
		device_act(device, action, frontend);
}

/* ---- the worker's word ------------------------------------------------------------------ */

/* A guest may connect and close all day: within a budget, too. */
static void device_moved(struct device *device, const char *how)
{
	uint32_t held;

	if (log_limit_pass(&device->moves, loop_now_ns() / 1000000, &held))
		log_info("%s %u of guest %u %s", device->kind, device->devid, device->guest->domid,
			 how);
}

static void device_connected(struct device *device)
{
	bool resumed = device->resume, announce = device->announce;
	int err;

	device->phase = DEVICE_IDLE;
	device->connected = true;
	device->dirty = true;
	device->announce = false;
	device_resume_drop(device);
	err = (announce ? device_announce : device_switch)(device, XenbusStateConnected,
							   device_write_connected);
	if (err == 0)
		device_moved(device, resumed ? "goes on" : "connected");
}

void device_message(struct device *device, const struct chan_msg *msg)
{
	if (msg->type != CHAN_CLOSED && msg->serial != device->serial)
		return; /* of a connection that is over */
	if (msg->type == CHAN_CONNECTED && device->phase == DEVICE_CONNECTING) {
		device_connected(device);
	} else if (msg->type == CHAN_TUNED && device->phase == DEVICE_RECONFIGURING) {
		device->phase = DEVICE_IDLE;
		device->dirty = true;
		device_switch(device, XenbusStateReconfigured, NULL);
	} else if (msg->type == CHAN_RESIZED && device->phase == DEVICE_RESIZING) {
		device_resized(device);
	} else if (msg->type == CHAN_CLOSED && device->phase == DEVICE_CLOSING) {
		device_moved(device, "closed");
		device_closed(device);
	} else if (msg->type == CHAN_FAILED && device->phase != DEVICE_CLOSING) {
		device_error(device, EIO, "%.*s", CHAN_TEXT_MAX - 1, msg->text);
		device_stop(device, BUS_CLOSE);
	}
}
