// SPDX-License-Identifier: MIT
/*
 * `halfback upgrade`: a newly installed program takes the place of the one that runs, in a guest's
 * worker or in all of them and the supervisor.  A wish is a node of our own domain, as is its
 * answer:
 *
 *	data/halfback/NAME/upgrade = "all ID" | "DOMID ID"	taken away when it is answered
 *	data/halfback/NAME/upgrade-answer = "ID N"		N devices go on with the new program
 *	data/halfback/NAME/upgrade-answer = "ID SENTENCE"	nothing was changed
 *
 * There is no way to go on but that of device_resume.c: a worker finishes what is under way and
 * ends, and the next one is the new program; the supervisor ends its workers and executes the new
 * program, whose start is recovery, as ever.  A worker that does not end soon is killed, which
 * costs nothing but doing again what it had.
 *
 * So the only new danger is a program that does not start, or does not understand what we leave it.
 * It is asked before anything is touched: PROGRAM --takes=FORMAT.
 */
#include "common/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/resume.h"
#include "common/sup.h"

enum {
	CHECK_MS = 5000,
	END_MS = 2000,
	FD_MIN = 16, /* out of the way of the numbers that children are given */
};

static const char upgrade_token[] = "upgrade";

static void format_print(char *text, size_t size, const struct backend *backend)
{
	snprintf(text, size, "%s.%d.%d.%zu.%zu.%u", backend->name, UPGRADE_FORMAT, RESUME_VERSION,
		 sizeof(struct chan_msg), sizeof(struct resume_connection), backend->connect_bytes);
}

int upgrade_takes(const struct backend *backend, const char *format)
{
	char own[64];

	format_print(own, sizeof(own), backend);
	if (strcmp(own, format) == 0)
		return 0;
	printf("it goes on from %s, not from %s\n", own, format);
	return 1;
}

void upgrade_init(struct sup *sup, char **argv)
{
	struct upgrade *upgrade = &sup->upgrade;
	const char *name = (const char *)getauxval(AT_EXECFN);
	char dir[PATH_MAX] = "";
	int len = -1;

	upgrade->argv = argv;
	upgrade->fd = -1;
	format_print(upgrade->format, sizeof(upgrade->format), sup->backend);
	/* As it was named: a link that leads to another program by then is to be followed. */
	if (name && (name[0] == '/' || getcwd(dir, sizeof(dir))))
		len = snprintf(upgrade->program, sizeof(upgrade->program), "%s%s%s", dir,
			       dir[0] ? "/" : "", name);
	if (len < 0 || (size_t)len >= sizeof(upgrade->program))
		upgrade->program[0] = '\0';
}

/* ---- wishes and answers ------------------------------------------------------------------ */

static void upgrade_node(const struct sup *sup, char *path, size_t size, const char *key)
{
	snprintf(path, size, "/local/domain/%u/data/halfback/%s%s", sup->store.domid,
		 sup->backend->name, key);
}

bool upgrade_is_token(const char *token)
{
	return strcmp(token, upgrade_token) == 0;
}

int upgrade_watch(struct sup *sup)
{
	char path[STORE_PATH_MAX];

	upgrade_node(sup, path, sizeof(path), "/upgrade");
	return store_watch(&sup->store, path, upgrade_token);
}

static void __attribute__((format(printf, 2, 3)))
upgrade_answer(struct sup *sup, const char *fmt, ...)
{
	struct upgrade *upgrade = &sup->upgrade;
	char path[STORE_PATH_MAX], text[DEVICE_ERROR_MAX], *wish;
	const char *id;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_info("asked to upgrade: %s%s", text,
		 text[strspn(text, "0123456789")] ? "" : " devices go on with the new program");
	upgrade->phase = UPGRADE_IDLE;
	if (!sup->store.xs)
		return;
	upgrade_node(sup, path, sizeof(path), "");
	store_write(&sup->store, path, "upgrade-answer", "%s %s", upgrade->id, text);
	upgrade_node(sup, path, sizeof(path), "/upgrade");
	wish = store_read(&sup->store, "%s", path);
	id = wish ? strchr(wish, ' ') : NULL;
	if (id && strcmp(id + 1, upgrade->id) == 0)
		store_remove(&sup->store, path);
	else
		upgrade_wished(sup); /* somebody else's */
	free(wish);
}

/* Takes "all ID" or "DOMID ID" apart.  0 or -EINVAL. */
static int wish_parse(struct upgrade *upgrade, char *wish)
{
	char *id = strchr(wish, ' ');
	uint64_t number;

	if (!id)
		return -EINVAL;
	*id++ = '\0';
	if (number_parse(id, INT32_MAX, &number) < 0)
		return -EINVAL;
	snprintf(upgrade->id, sizeof(upgrade->id), "%u", (unsigned int)number);
	upgrade->all = strcmp(wish, "all") == 0;
	if (!upgrade->all && number_parse(wish, 0x7fef, &number) < 0)
		return -EINVAL;
	upgrade->domid = (uint16_t)number;
	return 0;
}

static struct guest *wish_guest(struct sup *sup)
{
	for (struct guest *guest = sup->guests; guest; guest = guest->next)
		if (guest->domid == sup->upgrade.domid && !guest->quitting)
			return guest;
	return NULL;
}

/* ---- the new program is asked ------------------------------------------------------------- */

static void upgrade_begin(struct sup *sup);

static void check_late(void *arg)
{
	struct upgrade *upgrade = arg;

	upgrade->limit = NULL;
	child_signal(&upgrade->child, SIGKILL);
}

static void check_ended(struct child *child, int status)
{
	struct sup *sup = (struct sup *)((char *)child - offsetof(struct sup, upgrade.child));
	struct upgrade *upgrade = &sup->upgrade;
	const char *said = child_last_line(child);
	bool late = !upgrade->limit;

	loop_timer_del(&sup->loop, upgrade->limit);
	upgrade->limit = NULL;
	if (sup->stopping)
		return;
	if (status == 0)
		upgrade_begin(sup);
	else if (late)
		upgrade_answer(sup, "%s does not answer; nothing was changed", upgrade->program);
	else
		upgrade_answer(sup, "%s can't take over: %s; nothing was changed", upgrade->program,
			       *said ? said : "it does not start");
}

/* A descriptor of what is installed now: what is checked is what is used. */
static int check_open(struct upgrade *upgrade)
{
	int fd = open(upgrade->program, O_PATH | O_CLOEXEC), high;

	if (fd < 0)
		return -errno;
	high = fcntl(fd, F_DUPFD_CLOEXEC, FD_MIN);
	if (upgrade->fd >= 0)
		close(upgrade->fd);
	upgrade->fd = high;
	close(fd);
	return high < 0 ? -errno : 0;
}

static int check_start(struct sup *sup)
{
	struct upgrade *upgrade = &sup->upgrade;
	char program[GUEST_PROGRAM_MAX], takes[80];
	const char *argv[] = {sup->backend->name, takes, NULL};
	const struct child_plan plan = {.argv = argv, .program = program};
	int err = upgrade->program[0] ? check_open(upgrade) : -ENOENT;

	if (err < 0)
		return err;
	snprintf(program, sizeof(program), "/proc/%d/fd/%d", (int)getpid(), upgrade->fd);
	snprintf(takes, sizeof(takes), "--takes=%s", upgrade->format);
	upgrade->child.ended = check_ended;
	err = child_start(&upgrade->child, &sup->loop, &plan);
	if (err == 0)
		upgrade->limit = loop_timer_add(&sup->loop, CHECK_MS, check_late, upgrade);
	return err;
}

/* Reads the wish.  0 or -errno. */
static int wish_read(struct sup *sup)
{
	char path[STORE_PATH_MAX], *wish;
	int err;

	upgrade_node(sup, path, sizeof(path), "/upgrade");
	wish = store_read(&sup->store, "%s", path);
	err = wish ? wish_parse(&sup->upgrade, wish) : -ENOENT;
	free(wish);
	return err;
}

void upgrade_resume(struct sup *sup)
{
	if (wish_read(sup) == 0)
		sup->upgrade.phase = UPGRADE_WAITING;
}

void upgrade_wished(struct sup *sup)
{
	struct upgrade *upgrade = &sup->upgrade;
	int err;

	/* Of several, the last: it is looked for again when this one is answered. */
	if (upgrade->phase != UPGRADE_IDLE || wish_read(sup) < 0)
		return;
	if (!upgrade->all && !wish_guest(sup)) {
		upgrade_answer(sup, "guest %u has no device here", upgrade->domid);
		return;
	}
	upgrade->phase = UPGRADE_CHECKING;
	err = check_start(sup);
	if (err < 0)
		upgrade_answer(sup, "can't start %s: %s; nothing was changed", upgrade->program,
			       strerror(-err));
}

/* ---- the change ---------------------------------------------------------------------------- */

/* They have had their time: what they do not answer now is done again. */
static void upgrade_hasten(void *arg)
{
	struct sup *sup = arg;
	struct upgrade *upgrade = &sup->upgrade;

	upgrade->limit = NULL;
	for (struct guest *guest = sup->guests; guest; guest = guest->next)
		if (guest->pid > 0 && (upgrade->all || guest->domid == upgrade->domid))
			kill(guest->pid, SIGKILL);
	/* One that a store holds in the kernel is waited for by its successor. */
	if (upgrade->all)
		sup->loop.stop = true;
}

static void upgrade_guest(struct sup *sup)
{
	struct upgrade *upgrade = &sup->upgrade;
	struct chan_msg quit = {.type = CHAN_QUIT};
	struct guest *guest = wish_guest(sup);

	if (!guest) {
		upgrade_answer(sup, "guest %u has no device any more", upgrade->domid);
		return;
	}
	if (guest->program_fd >= 0)
		close(guest->program_fd);
	guest->program_fd = upgrade->fd;
	upgrade->fd = -1;
	upgrade->phase = guest->pid > 0 ? UPGRADE_ENDING : UPGRADE_WAITING;
	if (guest->pid > 0 && guest_send(guest, &quit) < 0)
		kill(guest->pid, SIGKILL);
}

static void upgrade_begin(struct sup *sup)
{
	struct upgrade *upgrade = &sup->upgrade;

	upgrade->limit = loop_timer_add(&sup->loop, END_MS, upgrade_hasten, sup);
	if (!upgrade->all) {
		upgrade_guest(sup);
		return;
	}
	upgrade->phase = UPGRADE_ENDING;
	upgrade->exec = true;
	sup_stop(sup, "upgrading");
}

bool upgrade_ended(struct sup *sup, const struct guest *guest)
{
	struct upgrade *upgrade = &sup->upgrade;

	if (upgrade->phase != UPGRADE_ENDING || upgrade->all || guest->domid != upgrade->domid)
		return false;
	upgrade->phase = UPGRADE_WAITING;
	return true;
}

/* Nothing more happens to it by itself. */
static bool device_is_settled(const struct device *device)
{
	return device->phase == DEVICE_IDLE && !device->dirty && !device->wait && !device->rest &&
	       !guest_rests(device->guest);
}

void upgrade_turn(struct sup *sup)
{
	struct upgrade *upgrade = &sup->upgrade;
	unsigned int disks = 0;

	if (upgrade->phase != UPGRADE_WAITING || !sup->store.xs)
		return;
	for (const struct device *device = sup->devices; device; device = device->next) {
		if (!upgrade->all && device->guest->domid != upgrade->domid)
			continue;
		if (!device_is_settled(device))
			return;
		disks += device->connected;
	}
	loop_timer_del(&sup->loop, upgrade->limit);
	upgrade->limit = NULL;
	upgrade_answer(sup, "%u", disks);
}

void upgrade_exec(struct sup *sup)
{
	struct upgrade *upgrade = &sup->upgrade;

	if (!upgrade->exec)
		return;
	execv(upgrade->program, upgrade->argv);
	log_error("can't start %s: %s; start it by hand, the guests wait for it", upgrade->program,
		  strerror(errno));
}
