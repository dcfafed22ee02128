// SPDX-License-Identifier: MIT
/*
 * A connected device outlives its worker and its supervisor, by what resume.h describes.  Whoever
 * died, what follows is the same: a device at state 4 that nobody serves is taken over, from its
 * files alone.  The start of a supervisor is nothing else.
 *
 * The files must be of this device and this connection; nothing of the frontend's directory is
 * read, for the guest may have written there since.  What does not fit is refused with one sentence
 * before anything is mapped, and the device closes; its guest can connect it anew.
 *
 * The journal is locked as long as somebody has it mapped (fcntl(2), OFD locks), so a worker that
 * still ends, or its supervisor's successor, never meets another one at the same ring.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/bus.h"
#include "common/resume.h"
#include "common/runfile.h"
#include "common/sup.h"

enum {
	WAIT_MS = 10,
	WAITS_LONG = 1000, /* then it is said */
};

static const char journal_kind[] = "journal", connection_kind[] = "connection";

static struct runfile device_runfile(const struct device *device, const char *kind)
{
	return (struct runfile){device->sup->backend->name, device->guest->domid, device->number,
				kind};
}

static int device_runfile_open(const struct device *device, const char *kind, int flags)
{
	struct runfile name = device_runfile(device, kind);
	char path[PATH_MAX];
	int fd;

	runfile_path(path, &name);
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* FNV-1a: it finds mishaps; who can write this file is root. */
static uint32_t connection_sum(const struct resume_connection *connection)
{
	struct resume_connection copy = *connection;
	const unsigned char *byte = (const unsigned char *)&copy;
	uint32_t sum = 2166136261u;

	copy.sum = 0;
	for (size_t i = 0; i < sizeof(copy); i++)
		sum = (sum ^ byte[i]) * 16777619u;
	return sum;
}

/* ---- waiting for a worker that still ends -------------------------------------------------- */

static void device_waited(void *arg)
{
	struct device *device = arg;

	device->wait = NULL;
	device->dirty = true;
}

static int journal_lock(int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_SETLK, &whole) < 0 ? -errno : 0;
}

static void device_wait(struct device *device)
{
	if (device->wait)
		return;
	if (++device->waits == WAITS_LONG)
		log_warn("%s %u of guest %u waits for its last worker, which still has its journal",
			 device->kind, device->devid, device->guest->domid);
	device->wait = loop_timer_add(&device->sup->loop, WAIT_MS, device_waited, device);
}

bool device_journal_is_busy(struct device *device)
{
	int fd = device_runfile_open(device, journal_kind, O_RDWR);
	bool busy = fd >= 0 && journal_lock(fd) == -EAGAIN;

	if (fd >= 0)
		close(fd);
	if (busy)
		device_wait(device);
	else
		device->waits = 0;
	return busy;
}

/* ---- making and removing -------------------------------------------------------------------- */

static int connection_write(const struct device *device, const struct chan_msg *msg)
{
	struct runfile name = device_runfile(device, connection_kind);
	struct resume_connection connection = {
		.magic = RESUME_MAGIC,
		.version = RESUME_VERSION,
		.generation = device->generation,
		.bytes = device->journal_bytes,
		.store = {device->store_id[0], device->store_id[1]},
		.domid = device->guest->domid,
		.devid = device->number,
		.body_bytes = device->sup->backend->connect_bytes,
	};
	int fd = runfile_create(&name, 0600, sizeof(connection));
	ssize_t n;

	if (fd < 0)
		return fd;
	memcpy(connection.body, msg->body, sizeof(connection.body));
	connection.sum = connection_sum(&connection);
	n = write(fd, &connection, sizeof(connection));
	close(fd);
	return n == (ssize_t)sizeof(connection) ? 0 : -EIO;
}

static int journal_create(const struct device *device)
{
	struct runfile name = device_runfile(device, journal_kind);
	const struct resume_header header = {
		.magic = RESUME_MAGIC,
		.version = RESUME_VERSION,
		.generation = device->generation,
		.bytes = device->journal_bytes,
	};
	int fd = runfile_create(&name, 0600, device->journal_bytes);
	int err;

	if (fd < 0)
		return fd;
	err = pwrite(fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header) ? 0 : -EIO;
	if (err == 0)
		err = journal_lock(fd);
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

/* Files of a connection that begins.  A descriptor of the journal, or -errno. */
static int device_journal_make(struct device *device, const struct chan_msg *msg)
{
	int fd, err;

	do {
		if (getrandom(&device->generation, sizeof(device->generation), 0) < 0)
			return -errno;
	} while (device->generation == 0);
	fd = journal_create(device);
	if (fd < 0)
		return fd;
	err = connection_write(device, msg);
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

void device_journal_open(struct device *device, struct chan_msg *msg)
{
	int fd = device->journal_fd;

	if (!device->resume) {
		if (device->sup->no_journal)
			return;
		fd = device_journal_make(device, msg);
		if (fd < 0) {
			device_journal_remove(device);
			log_guest(&device->limit,
				  "%s %u of guest %u has no journal: %s; it works, but closes if "
				  "its worker dies",
				  device->kind, device->devid, device->guest->domid,
				  fd == -ENOSPC ? "/run is full; make room" : strerror(-fd));
			return;
		}
	}
	device->journal_fd = -1;
	msg->fds[msg->nfds++] = fd;
	msg->journal = 1;
}

void device_journal_remove(struct device *device)
{
	struct runfile journal = device_runfile(device, journal_kind);
	struct runfile connection = device_runfile(device, connection_kind);
	char path[STORE_PATH_MAX];

	runfile_remove(&journal);
	runfile_remove(&connection);
	snprintf(path, sizeof(path), "%s/halfback-journal", device->path);
	if (device->sup->store.xs)
		store_remove(&device->sup->store, path);
	device->generation = 0;
	device_resume_drop(device);
}

static void sweep_one(const struct runfile *name, void *arg)
{
	const struct sup *sup = arg;

	for (const struct device *device = sup->devices; device; device = device->next)
		if (device->guest->domid == name->domid && device->number == name->devid)
			return;
	runfile_remove(name);
}

void sup_sweep_journals(struct sup *sup)
{
	runfile_each(sup->backend->name, journal_kind, sweep_one, sup);
	runfile_each(sup->backend->name, connection_kind, sweep_one, sup);
}

int device_write_connected(struct device *device)
{
	int err = 0;

	if (device->generation)
		err = store_write(&device->sup->store, device->path, "halfback-journal",
				  "%016" PRIx64, device->generation);
	return err < 0 ? err : device->sup->backend->write_connected(device);
}

/* ---- taking over ---------------------------------------------------------------------------- */

void device_resume_drop(struct device *device)
{
	free(device->saved);
	device->saved = NULL;
	if (device->journal_fd >= 0)
		close(device->journal_fd);
	device->journal_fd = -1;
	device->resume = false;
}

/* The generation that our node says; 0: none. */
static uint64_t device_generation(struct device *device)
{
	char *text = store_read(&device->sup->store, "%s/halfback-journal", device->path);
	uint64_t generation = 0;
	char *end = text;

	if (text && strlen(text) == 16)
		generation = strtoull(text, &end, 16);
	if (!text || *end != '\0')
		generation = 0;
	free(text);
	return generation;
}

/* NULL, or what is wrong with the file, which is its name's predicate. */
static const char *connection_check(const struct device *device, const struct stat *st,
				    const struct resume_connection *connection, ssize_t n)
{
	if (st->st_uid != 0 || !S_ISREG(st->st_mode) || st->st_mode & 022)
		return "can be written by others than root";
	if (n != sizeof(*connection) || st->st_size != sizeof(*connection))
		return "is cut off or too long";
	if (connection->magic != RESUME_MAGIC)
		return "is no such file";
	if (connection->version != RESUME_VERSION ||
	    connection->body_bytes != device->sup->backend->connect_bytes)
		return "is of another version of halfback";
	if (connection->sum != connection_sum(connection))
		return "is damaged";
	if (connection->generation != device->generation ||
	    connection->domid != device->guest->domid || connection->devid != device->number)
		return "is of another guest or connection";
	return NULL;
}

static const char *connection_load(struct device *device)
{
	int fd = device_runfile_open(device, connection_kind, O_RDONLY);
	const char *why;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return fd == -ENOENT ? "is missing" : strerror(-fd);
	device->saved = malloc(sizeof(*device->saved));
	if (!device->saved)
		log_panic("out of memory");
	n = read(fd, device->saved, sizeof(*device->saved));
	why = fstat(fd, &st) < 0 ? "can't be read"
				 : connection_check(device, &st, device->saved, n);
	close(fd);
	return why;
}

static const char *journal_check(const struct device *device)
{
	struct resume_header header;
	struct stat st;

	if (fstat(device->journal_fd, &st) < 0 ||
	    pread(device->journal_fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
	    (uint64_t)st.st_size != device->saved->bytes)
		return "is cut off or too long";
	if (header.magic != RESUME_MAGIC)
		return "is no journal";
	if (header.version != RESUME_VERSION)
		return "is of another version of halfback";
	if (header.generation != device->generation || header.bytes != device->saved->bytes)
		return "is of another guest or connection";
	return NULL;
}

static int device_refuse(struct device *device, const char *kind, const char *why)
{
	device_error(device, EIO,
		     "its backend ended, and its %s %s, so it can't go on; no data was touched, "
		     "and the guest has to connect it again",
		     kind, why);
	device_stop(device, BUS_CLOSE);
	return -EIO;
}

/* 0, -EAGAIN: a worker still has the journal, or an error that closed the device. */
static int device_resume_load(struct device *device)
{
	const char *why;
	int fd, err;

	device->generation = device_generation(device);
	if (device->generation == 0)
		return device_refuse(device, journal_kind, "was not made");
	fd = device_runfile_open(device, journal_kind, O_RDWR);
	if (fd < 0)
		return device_refuse(device, journal_kind,
				     fd == -ENOENT ? "is missing" : strerror(-fd));
	err = journal_lock(fd);
	if (err < 0) {
		close(fd);
		return err == -EAGAIN ? err : device_refuse(device, journal_kind, strerror(-err));
	}
	device->journal_fd = fd;
	why = connection_load(device);
	if (why)
		return device_refuse(device, connection_kind, why);
	why = journal_check(device);
	return why ? device_refuse(device, journal_kind, why) : 0;
}

void device_take_over(struct device *device)
{
	int err;

	if (guest_rests(device->guest))
		return;
	if (!device->resume) {
		err = device_resume_load(device);
		if (err == -EAGAIN)
			device_wait(device);
		if (err < 0)
			return;
	}
	device->waits = 0;
	device->resume = true;
	device_offer(device);
}

void device_worker_died(struct device *device)
{
	const struct guest *guest = device->guest;

	if (device->phase == DEVICE_CLOSING) {
		device_closed(device);
		return;
	}
	if (!device->connected && device->phase != DEVICE_CONNECTING)
		return;
	device->announce = device->phase == DEVICE_RESIZING;
	device->phase = DEVICE_IDLE;
	device->connected = false;
	device->dirty = true;
	device_resume_drop(device);
	device_stats_close(device);
	if (!guest->given_up)
		return; /* its step finds that nobody serves it */
	device_error(device, EIO,
		     "its worker died %u times, and not a minute passed without; the log says of "
		     "what, and the guest can connect it again",
		     guest->respawn.deaths);
	device_stop(device, BUS_CLOSE);
}
