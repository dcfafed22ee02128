// SPDX-License-Identifier: MIT
/*
 * Images that are not raw are QEMU's: one qemu-nbd for each, in a cage (cage.c), on a socket that
 * is made here and has no name, so that nobody else can reach it.  First qemu-img looks at the
 * image, in the same cage, with the format that the admin named; it is never guessed, since a guest
 * that writes a header into a raw disk would choose it.
 *
 * A qemu-nbd lives as long as somebody is connected to it, no longer, and without our doing.  So
 * one that outlives a killed supervisor lets the workers finish and ends; and one that died is
 * started anew by the next connection.  Connections that it did not take wait on the socket.
 *
 * Locks: a flock that qemu-nbd inherits, against our like, and QEMU's own locks, against other
 * QEMUs.  While no tool runs we hold the latter's place by a lock of the whole file, as for raw
 * images.
 */
#include "blkback/qemu_priv.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	START_EVERY_MS = 1000, /* one that dies at once */
	END_EVERY_MS = 100,    /* how often it is told to end */
	END_TRIES = 50,	       /* at our own end: then it is left alone */
	LOOK_MS = 4000,	       /* libxl waits 10 s for a disk */
	CHECK_MS = 2000,       /* what has that much to be checked is believed */
	CHECK_DAMAGED = 2,     /* qemu-img check's exit status; 3, leaks, does no harm */
	BACKLOG = 16,
};

/* Closed, and not ended yet. */
static LIST_HEAD(, qemu) ending = LIST_HEAD_INITIALIZER(ending);

/* ---- the socket ------------------------------------------------------------------------- */

static int socket_name(char *name, size_t size)
{
	const char *dir = getenv("HALFBACK_RUN_DIR");
	int n = snprintf(name, size, "%s/nbd.%d", dir ? dir : "/run/halfback", (int)getpid());

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/*
 * A listening socket, and a descriptor of its place, by which it is found: the name is there for a
 * moment only, and for root only.
 */
static int qemu_listen(struct qemu *qemu)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int err = socket_name(address.sun_path, sizeof(address.sun_path));
	mode_t mask;

	if (err < 0)
		return err;
	qemu->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (qemu->listening < 0)
		return -errno;
	unlink(address.sun_path);
	mask = umask(077);
	err = bind(qemu->listening, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno
											    : 0;
	umask(mask);
	if (err < 0)
		return err;
	qemu->address = open(address.sun_path, O_PATH | O_CLOEXEC);
	err = qemu->address < 0 || listen(qemu->listening, BACKLOG) < 0 ? -errno : 0;
	unlink(address.sun_path);
	return err;
}

/* ---- locks ------------------------------------------------------------------------------ */

static void qemu_hold(const struct qemu *qemu, bool hold)
{
	bool shared = qemu->image->want & (IMAGE_READ_ONLY | IMAGE_SHARED);
	struct flock whole = {
		.l_type = (short)(!hold	   ? F_UNLCK
				  : shared ? F_RDLCK
					   : F_WRLCK),
		.l_whence = SEEK_SET,
	};

	/* In vain if somebody was faster; what then opens it next, qemu-img or qemu-nbd, says so.
	 */
	fcntl(qemu->file, F_OFD_SETLK, &whole);
}

/* ---- running a tool --------------------------------------------------------------------- */

int qemu_run(struct qemu *qemu, const char *const *command)
{
	const char *argv[24] = {"blkback: image",
				"--cage",
				qemu->uid,
				qemu->image->spec.read_only ? "ro" : "rw",
				qemu->image->target.path,
				image_options.backing ? image_options.backing : "",
				"--"};
	const int fds[] = {qemu->listening, qemu->file};
	const struct child_plan plan = {.argv = argv, .fds = fds, .nfds = 2, .own_pids = true};
	int err;

	for (int i = 0; command[i]; i++)
		argv[7 + i] = command[i];
	qemu_hold(qemu, false);
	err = child_start(&qemu->child, qemu->loop, &plan);
	if (err < 0)
		qemu_hold(qemu, true);
	return err;
}

const char *qemu_said(struct qemu *qemu)
{
	const char *line = child_last_line(&qemu->child), *at;

	if (strncmp(line, "qemu-", 5) == 0 && (at = strstr(line, ": ")))
		line = at + 2;
	at = strstr(line, qemu->image->target.path);
	if (at && (at = strstr(at, "': ")))
		line = at + 3;
	return *line ? line : "it takes too long to look at it";
}

/* ---- the look at the image -------------------------------------------------------------- */

static unsigned int count(const char *text, const char *what)
{
	unsigned int n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

/*
 * JSON, in which no quoted text can look like a key: a quote within it has a backslash before it.
 * Who captures qemu-img may lie here; the cage is what keeps other files out of reach.
 */
const char *qemu_judge(const char *json, bool backing_allowed)
{
	unsigned int backing = count(json, " \"backing-filename\": ");

	if (count(json, " \"data-file\": ") > 0)
		return "keeps its data in another file, which is not served; rewrite it with "
		       "qemu-img convert";
	if (backing == 0)
		return NULL;
	if (!backing_allowed)
		return "needs a backing file, and none is allowed; start blkback with "
		       "--allow-backing=DIR, or rewrite the image with qemu-img convert";
	if (count(json, " \"backing-filename-format\": ") < backing)
		return "does not say which format its backing file has; tell it with qemu-img "
		       "rebase -u -F";
	return NULL;
}

/* A VHD that only holds differences; QEMU reads zeros where its parent has the data. */
static bool qemu_is_difference(const struct qemu *qemu)
{
	unsigned char head[512];
	uint32_t type;

	if (strcmp(qemu->image->target.format, "vpc") != 0 ||
	    pread(qemu->file, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    memcmp(head, "conectix", 8) != 0)
		return false;
	memcpy(&type, head + 60, sizeof(type));
	return be32toh(type) == 4;
}

static void qemu_tell(struct qemu *qemu, const char *why)
{
	void (*checked)(void *, const char *) = qemu->checked;

	qemu->checked = NULL;
	checked(qemu->arg, why); /* which may close us */
}

void qemu_late(void *arg)
{
	struct qemu *qemu = arg;

	qemu->limit = NULL;
	child_signal(&qemu->child, SIGKILL);
}

/* Asked of QEMU's formats, one that is cut off would read as zeros. */
static int qemu_check(struct qemu *qemu)
{
	const char *command[] = {
		"/usr/bin/qemu-img",	  "check", "-f", qemu->image->target.format, "--",
		qemu->image->target.path, NULL};

	qemu->checking = true;
	qemu->limit = loop_timer_add(qemu->loop, CHECK_MS, qemu_late, qemu);
	return qemu_run(qemu, command);
}

static void qemu_checked(struct qemu *qemu, int status)
{
	bool damaged = WIFEXITED(status) && WEXITSTATUS(status) == CHECK_DAMAGED;

	qemu_tell(qemu,
		  damaged ? "is damaged or cut off; see qemu-img check, which can repair some "
			    "of it"
			  : NULL);
}

/* qemu-img info has ended. */
static void qemu_looked(struct qemu *qemu, int status)
{
	const char *json = qemu->child.said, *why = NULL;
	bool full = qemu->child.said_len >= CHILD_SAID_MAX - 1;

	if (status != 0 || full) {
		snprintf(qemu->why, sizeof(qemu->why), "is no %s image that can be served: %.300s",
			 qemu->image->target.format,
			 full ? "it has too much to say of itself" : qemu_said(qemu));
		why = qemu->why;
	} else {
		why = qemu_judge(json, image_options.backing != NULL);
	}
	if (!why && qemu_is_difference(qemu))
		why = "holds only differences to another VHD; rewrite it as one image";
	/* One whose last user died is repaired when it is opened; it would be found damaged. */
	if (why || count(json, " \"dirty-flag\": true") > 0 || qemu_check(qemu) < 0)
		qemu_tell(qemu, why);
}

static int qemu_look(struct qemu *qemu)
{
	const char *command[] = {"/usr/bin/qemu-img",
				 "info",
				 "--output=json",
				 "-f",
				 qemu->image->target.format,
				 image_options.backing ? "--backing-chain" : "--",
				 qemu->image->target.path,
				 NULL};

	qemu->limit = loop_timer_add(qemu->loop, LOOK_MS, qemu_late, qemu);
	return qemu_run(qemu, command);
}

/* ---- qemu-nbd --------------------------------------------------------------------------- */

/* Whether an unprivileged process may use io_uring, see kernel.io_uring_disabled. */
static bool uring_for_all(void)
{
	int fd = open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC);
	char value = '0';

	if (fd >= 0) {
		if (read(fd, &value, 1) < 0)
			value = '1';
		close(fd);
	}
	return value == '0';
}

static int qemu_start(struct qemu *qemu)
{
	const char *command[] = {
		"/usr/bin/qemu-nbd",
		"--shared=0",
		"--discard=unmap",
		"--detect-zeroes=off",
		qemu->direct ? "--cache=none" : "--cache=writeback",
		uring_for_all() ? "--aio=io_uring" : "--aio=threads",
		qemu->image->spec.read_only ? "--read-only" : "--export-name=",
		"-f",
		qemu->image->target.format,
		"--",
		qemu->image->target.path,
		NULL,
	};

	qemu->started_ns = loop_now_ns();
	return qemu_run(qemu, command);
}

static void qemu_again(void *arg)
{
	struct qemu *qemu = arg;

	qemu->again = NULL;
	if (qemu_start(qemu) < 0)
		qemu->again = loop_timer_add(qemu->loop, START_EVERY_MS, qemu_again, qemu);
}

void qemu_start_if_wanted(struct qemu *qemu, uint32_t ms)
{
	struct pollfd p = {.fd = qemu->listening, .events = POLLIN};

	if (poll(&p, 1, 0) > 0)
		qemu->again = loop_timer_add(qemu->loop, ms, qemu_again, qemu);
}

static void qemu_nbd_ended(struct qemu *qemu, int status)
{
	uint64_t ms = (loop_now_ns() - qemu->started_ns) / 1000000;

	if (status != 0) {
		snprintf(qemu->why, sizeof(qemu->why), "%.300s",
			 WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : qemu_said(qemu));
		log_guest(&qemu->log, "%s: its qemu-nbd ended: %s", qemu->image->path, qemu->why);
	}
	qemu_start_if_wanted(qemu, ms < START_EVERY_MS ? (uint32_t)(START_EVERY_MS - ms) : 0);
	if (status != 0)
		qemu->failed(qemu->arg, qemu->why); /* which may close us */
}

static void qemu_free(struct qemu *qemu)
{
	close(qemu->file);
	if (qemu->listening >= 0)
		close(qemu->listening);
	if (qemu->address >= 0)
		close(qemu->address);
	free(qemu);
}

static void qemu_ended(struct child *child, int status)
{
	struct qemu *qemu = (struct qemu *)child;

	if (!qemu->image) {
		loop_timer_del(qemu->loop, qemu->again);
		LIST_REMOVE(qemu, link);
		qemu_free(qemu);
		return;
	}
	qemu_hold(qemu, true);
	loop_timer_del(qemu->loop, qemu->limit);
	qemu->limit = NULL;
	if (qemu->growth != GROWTH_NONE)
		qemu_grow_ended(qemu, status);
	else if (qemu->checked && qemu->checking)
		qemu_checked(qemu, status);
	else if (qemu->checked)
		qemu_looked(qemu, status);
	else
		qemu_nbd_ended(qemu, status);
}

int qemu_connect(struct qemu *qemu)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", qemu->address);
	err = connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	if (err == 0 && qemu->child.pid == 0 && !qemu->again)
		err = qemu_start(qemu);
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

struct qemu *qemu_open(struct image *image, int file, bool direct, void *arg,
		       void (*checked)(void *arg, const char *why),
		       void (*failed)(void *arg, const char *why))
{
	struct qemu *qemu = calloc(1, sizeof(*qemu));
	int err;

	if (!qemu)
		log_panic("out of memory");
	*qemu = (struct qemu){
		.child.ended = qemu_ended,
		.loop = image->offload->loop,
		.image = image,
		.file = file,
		.direct = direct,
		.listening = -1,
		.address = -1,
		.arg = arg,
		.checked = checked,
		.failed = failed,
	};
	snprintf(qemu->uid, sizeof(qemu->uid), "%u", image->helper_uid);
	err = qemu_listen(qemu);
	if (err == 0)
		err = qemu_look(qemu);
	if (err == 0)
		return qemu;
	loop_timer_del(qemu->loop, qemu->limit);
	qemu_free(qemu);
	errno = -err;
	return NULL;
}

/* The first process of a namespace hears no signal before it has a handler for it, and this one may
 * just have been started. */
void qemu_end(void *arg)
{
	struct qemu *qemu = arg;

	child_signal(&qemu->child, SIGTERM);
	qemu->again = loop_timer_add(qemu->loop, END_EVERY_MS, qemu_end, qemu);
}

void qemu_close(struct qemu *qemu)
{
	if (!qemu)
		return;
	loop_timer_del(qemu->loop, qemu->again);
	loop_timer_del(qemu->loop, qemu->limit);
	qemu->again = qemu->limit = NULL;
	qemu->image = NULL;
	if (qemu->child.pid == 0) {
		qemu_free(qemu);
		return;
	}
	LIST_INSERT_HEAD(&ending, qemu, link);
	qemu_end(qemu);
}

/* What has ended stays in the list, as this process ends, too. */
static bool qemu_any_left(void)
{
	struct qemu *qemu;
	bool left = false;

	LIST_FOREACH (qemu, &ending, link) {
		if (qemu->child.pid > 0 &&
		    waitpid(qemu->child.pid, NULL, WNOHANG) == qemu->child.pid)
			qemu->child.pid = 0;
		child_signal(&qemu->child, SIGTERM);
		left |= qemu->child.pid > 0;
	}
	return left;
}

void qemu_wait_all(void)
{
	const struct timespec pause = {.tv_nsec = END_EVERY_MS * 1000000};

	for (int i = 0; i < END_TRIES && qemu_any_left(); i++)
		nanosleep(&pause, NULL);
}
