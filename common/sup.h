/* SPDX-License-Identifier: MIT */
/*
 * The supervisor of one backend kind: what all backends have in common on the control side.
 * sup_guest.c has guests and their workers, device.c the life of each device; a backend adds what
 * is its own through struct backend.
 */
#ifndef COMMON_SUP_H
#define COMMON_SUP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/chan.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/offload.h"
#include "common/respawn.h"
#include "common/store.h"
#include "common/upgrade.h"

enum {
	DEVICE_PATH_MAX = 96,
	SUP_KINDS_MAX = 4,
	DEVICE_ERROR_MAX = 512,
	GUEST_PROGRAM_MAX = 48,
};

struct device;
struct resume_connection;
struct sup;

/* What a backend adds.  All calls are made from the supervisor's loop. */
struct backend {
	const char *name; /* the daemon's, "blkback" */
	const char
		*kinds[SUP_KINDS_MAX]; /* xenstore directories below backend/ that it can serve */
	const char *frontend;	       /* the frontends' directory below device/; NULL: the kind */
	bool kinds_apart;	/* each kind counts its devices from 0, so their numbers meet */
	uint32_t connect_bytes; /* of what connect() puts in a CONNECT's body */
	const char *script;	/* its own hotplug script: it needs nothing from it.  NULL: none */
	const char
		*no_uring; /* what is done where there is no io_uring, as the end of a sentence */
	/* Which other backend claims devices of its kind and what to do, in a sentence; or NULL. */
	const char *(*rival)(const struct device *device);
	/* False: not yet or never ours; a change of its directory has it asked again. */
	bool (*wanted)(struct device *device);
	/*
	 * Checks what the toolstack asks for; may take its time.  Ends with device_offered().
	 * Called again for each new offer; keeps what it has open.
	 */
	void (*offer)(struct device *device);
	/* True if offer() has taken all it needs; else it is called again before the connect. */
	bool (*ready)(const struct device *device);
	/* Writes the nodes that must be there at InitWait.  In a transaction; 0 or -errno. */
	int (*write_features)(struct device *device);
	/*
	 * Fills a CHAN_CONNECT from the frontend's nodes, or from device->saved if that is to be
	 * resumed, and of the device what is marked so.  In a transaction; 0 or -errno + *why.
	 */
	int (*connect)(struct device *device, struct chan_msg *msg, const char **why);
	/* A node of the frontend's that may change while it is connected: tune() is called.  Or
	 * NULL. */
	const char *tuned_by;
	/* Its frontends may go to Reconfiguring: tune() is called, and the worker answers TUNED. */
	bool reconfigures;
	/*
	 * The toolstack changed a node of a connected device: fills a CHAN_TUNE; false if there is
	 * nothing that its worker has to know.
	 */
	bool (*tune)(struct device *device, struct chan_msg *msg);
	/* Writes the nodes that must be there at Connected.  In a transaction; 0 or -errno. */
	int (*write_connected)(struct device *device);
	/*
	 * Fills a CHAN_RESIZE if a connected device has another size than its guest was told, and
	 * takes that size as told: write_connected() follows.  False if there is nothing to tell.
	 */
	bool (*resize)(struct device *device, struct chan_msg *msg);
	/* The admin wrote the device's node `resize`: look at its size, or change it. */
	void (*look)(struct device *device);
	/* Lets go of what offer() took: called when the device is closed.  May be called twice. */
	void (*release)(struct device *device);
	/* Removes what an earlier daemon left of devices that are no more; NULL: nothing. */
	void (*sweep)(struct sup *sup);
};

/* Owned by sup; freed with its last device when its worker is reaped. */
struct guest {
	struct sup *sup;
	struct guest *next;
	uint16_t domid;
	uint32_t devices;
	int pid; /* of the worker; 0 = none */
	int pidfd;
	int chan;
	struct loop_poll *pid_poll, *chan_poll;
	uint32_t due;  /* what its worker may still say; guest_send() */
	bool deaf;     /* to its worker, which is being killed for what it said */
	bool quitting; /* CHAN_QUIT was sent */
	struct respawn respawn;
	struct loop_timer *rest; /* until then it gets no other worker; NULL: it may */
	bool crashed;		 /* the last one died of what it did, not of somebody's kill -9 */
	bool given_up;		 /* it died too often */
	int program_fd;		 /* what its workers execute; -1: this same program */
};

enum device_phase {
	DEVICE_IDLE,
	DEVICE_OFFERING,      /* backend->offer() is at it */
	DEVICE_CONNECTING,    /* the worker was sent a CONNECT */
	DEVICE_CLOSING,	      /* the worker was sent a CLOSE */
	DEVICE_RESIZING,      /* the worker was sent a RESIZE */
	DEVICE_RECONFIGURING, /* the worker was sent a TUNE that the frontend waits for */
};

/* Owned by sup; one per backend directory. */
struct device {
	struct sup *sup;
	struct guest *guest;
	struct device *next;
	const char *kind;
	uint32_t devid;
	uint32_t number;	    /* by which its worker and its files know it; device_number() */
	char path[DEVICE_PATH_MAX]; /* backend directory */
	char frontend[DEVICE_PATH_MAX]; /* frontend directory */
	enum device_phase phase;
	bool connected;	  /* the worker serves it */
	bool dirty;	  /* something changed: look at it */
	bool tuned;	  /* a node beside its state changed */
	bool watched;	  /* we watch the frontend's state */
	bool watch_fired; /* and were told of it once, as each new watch is */
	bool found;	  /* it was there before us: its state may be the last supervisor's */
	bool foreign;	  /* another backend serves it */
	bool forgotten;	  /* its directory is gone: free it when idle */
	bool offered;
	bool failed;	/* the offer failed and error says why */
	bool refused;	/* ... and its frontend has not moved since: no use in trying again */
	bool orphan;	/* the store has forgotten it, and its guest with it: it is served on */
	bool resume;	/* it was connected: go on with its rings, by journal_fd and saved */
	bool announce;	/* its size changed as its worker died */
	int journal_fd; /* locked; -1: none, or sent to the worker */
	struct resume_connection *saved;
	uint64_t generation;	 /* of its journal; 0: none */
	struct loop_timer *wait; /* then look at it again; NULL: not waiting */
	struct loop_timer *rest; /* the store refused us: until then it is not looked at */
	uint32_t waits;
	uint32_t queues;	/* of the connection, as backend->connect() found */
	const char *engine;	/* what serves it, likewise */
	uint64_t store_id[2];	/* which image, likewise */
	uint64_t journal_bytes; /* likewise */
	int wrote;		/* the state that we wrote last; 0 = none */
	int then;		/* enum bus_action that follows the close under way */
	uint32_t serial;
	char error[DEVICE_ERROR_MAX];
	struct log_limit limit; /* of complaints about it */
	struct log_limit moves; /* of lines that say it connected, closed or grew */
	void *private;		/* the backend's */
};

struct sup {
	const struct backend *backend;
	const char *kinds[SUP_KINDS_MAX]; /* those that it does serve */
	struct loop loop;
	struct offload offload; /* for what may hang: opening images */
	struct loop_hook hook;
	struct store store;
	struct guest *guests;
	struct device *devices;
	struct device *step_next; /* the walk's next device */
	struct loop_timer *retry;
	struct upgrade upgrade;
	void *private; /* the backend's */
	int signal_fd;
	uint32_t uid_base; /* worker of domain N runs as uid_base + N */
	uint32_t spin_us;
	uint32_t threads;  /* of a worker, at most: as many queues a device may have */
	uint32_t restarts; /* of a guest's worker, at most, without a minute between; 0: any */
	bool persistent;   /* offer persistent grants */
	bool no_journal;   /* for measuring what it costs */
	bool verbose;
	bool no_uring; /* the admin wants to do without io_uring */
	bool stopping;
};

/* Runs a supervisor until a signal ends it; gives the exit status. */
int sup_main(struct sup *sup);
/* Hands all devices over to the next supervisor; the loop stops when the last worker has ended. */
void sup_stop(struct sup *sup, const char *why);

/* ---- guests (sup_guest.c) --------------------------------------------------------------- */

/* The guest's worker is there or is started.  0 or -errno. */
int guest_worker(struct guest *guest);
/*
 * Tells its worker, which may say so much more from now on as answers this.  0 or -errno, as
 * chan_send().
 */
int guest_send(struct guest *guest, const struct chan_msg *msg);
struct guest *guest_get(struct sup *sup, uint16_t domid);
/* A device of it is gone. */
void guest_put(struct guest *guest);
/* Its worker died often, and the next one has to wait; its devices are looked at then. */
bool guest_rests(const struct guest *guest);

/* ---- what its worker has beside (device_worker.c) ---------------------------------------- */

/* The largest devid that has a number of its own, and that number of one of `kind`. */
uint64_t device_devid_max(const struct backend *backend);
uint32_t device_number_of(const struct backend *backend, const char *kind, uint32_t devid);
/* Makes the file of stats.h and sends it along; without it the device is served all the same. */
void device_stats_open(struct device *device, struct chan_msg *msg);
/* The CONNECT is sent: what it carried of ours is let go. */
void device_files_sent(struct chan_msg *msg);
void device_stats_close(struct device *device);
/*
 * A node that the toolstack may change was changed: tells the worker, if it has to know.  True if
 * it was told.
 */
bool device_tune(struct device *device);

/* ---- a device's nodes (device_store.c) -------------------------------------------------- */

/*
 * Moves our state, with the nodes that belong to it, in one transaction; nothing happens if our
 * directory is gone (-ENOENT) or another backend has moved it (-EALREADY).  0 or -errno.
 */
int device_switch(struct device *device, int state, int (*nodes)(struct device *));
/* The same for nodes that changed under a state that stays: writing it again makes the frontend
 * look.
 */
int device_announce(struct device *device, int state, int (*nodes)(struct device *));
/* The store refused `what`: says so, and looks at the device again in a second, not before. */
void device_rest(struct device *device, const char *what, int err);
/* One clear sentence to the log and to the store, where Linux' xenbus_dev_fatal() puts it. */
void device_error(struct device *device, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void device_clear_error(struct device *device);
/* Another backend, not we, moved it to this state. */
bool device_is_foreign(const struct device *device, int state);
/* The toolstack's nodes name the device that the path names. */
bool device_is_itself(struct device *device);
/*
 * Whose hotplug script the toolstack runs for it.  Our own needs nothing but our verdict; any other
 * may choose what is to be opened.
 */
enum device_script {
	SCRIPT_NONE,
	SCRIPT_OURS,
	SCRIPT_OTHER
};
enum device_script device_script(struct device *device);
bool device_hotplug_is(struct device *device, const char *status);

/* ---- device_resize.c ------------------------------------------------------------------- */

/* Tells the worker of a connected device if its size is another than its guest was told. */
void device_resize(struct device *device);
/* The worker has taken it: tells the guest. */
void device_resized(struct device *device);

/* ---- device_resume.c ------------------------------------------------------------------- */

/* A device at state 4 that nobody serves: goes on with its rings, or closes it. */
void device_take_over(struct device *device);
/* An earlier worker still has the journal's memory; the device is looked at again later. */
bool device_journal_is_busy(struct device *device);
/* Adds the journal to a CONNECT; one that can't be made is said, and done without. */
void device_journal_open(struct device *device, struct chan_msg *msg);
/* The connection is over: nothing of it can be resumed. */
void device_journal_remove(struct device *device);
/* Lets go of what was loaded to resume; the files stay. */
void device_resume_drop(struct device *device);
/* The backend's nodes and the journal's. */
int device_write_connected(struct device *device);
/* The worker died. */
void device_worker_died(struct device *device);
/* Removes files of devices that are no more.  After the store was looked at. */
void sup_sweep_journals(struct sup *sup);

/*
 * A number that no other device of its guest has with this daemon: devid, unless kinds are apart.
 * Then it is devid * SUP_KINDS_MAX + the kind's place in backend->kinds.
 */
static inline uint32_t device_number(uint32_t devid, uint32_t kind)
{
	return devid * SUP_KINDS_MAX + kind;
}

/* ---- device_birth.c --------------------------------------------------------------------- */

/* The device of a backend directory, made if it is new.  NULL if the path is none of a device. */
struct device *device_get(struct sup *sup, const char *path);
/* Hears of what its frontend writes from now on; once is enough. */
void device_watch(struct device *device);
/* The frontend's state was written. */
void device_frontend_changed(struct device *device);
/* Frees it; the guest is put. */
void device_free(struct device *device);

/* ---- devices (device.c) ----------------------------------------------------------------- */

/* Looks at both states and does what the table says. */
void device_step(struct device *device);
/* The answer to backend->offer(): NULL, or why not, in one sentence. */
void device_offered(struct device *device, const char *error);
/* What the worker said. */
void device_message(struct device *device, const struct chan_msg *msg);
/* Checks what is to be served; goes on to InitWait, or, if it resumes, to its worker. */
void device_offer(struct device *device);
/* Has the worker let go of it, then does what `then` (enum bus_action) asks for. */
void device_stop(struct device *device, int then);
/* Nothing of the guest is mapped any more. */
void device_closed(struct device *device);
/* The supervisor stops: hand the device over to the next one. */
void device_hand_over(struct device *device);

#endif
