// SPDX-License-Identifier: MIT
/*
 * halfback-dm: what xl starts in place of QEMU (device_model_override) for a PV or PVH guest that
 * has disks of kind qdisk, or a screen.  It serves nothing itself: it marks the guest's devices of
 * these kinds as halfback's, waits until blkback and pvfb have taken them, tells libxl that it
 * runs, and stays until libxl ends it, answering QMP.
 *
 * Without the mark they leave such devices alone, so that they never meet QEMU on one.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <xenstore.h>

#include "devmodel/qmp.h"

enum {
	WAIT_S = 10,
	SOCKETS_MAX = 4,
	CLIENTS_MAX = 8,
};

/* What a device model of QEMU's kind would have to serve, and who does. */
static const struct served {
	const char *kind, *noun, *daemon;
	const char *start; /* how to have it do so */
} served[] = {
	{"qdisk", "disk", "blkback", "start it with --kinds=vbd,vbd3,qdisk"},
	{"vfb", "screen", "pvfb", "start it"},
	{"vkbd", "keyboard", "pvfb", "start it"},
};
/* And what nobody does here. */
static const char *const other_kinds[] = {"9pfs", "qusb"};

enum {
	SERVED = sizeof(served) / sizeof(served[0])
};

static struct xs_handle *xs;
static unsigned int domid;
static int sockets[SOCKETS_MAX], socket_count;
static struct {
	int fd;
	void *parser;
} clients[CLIENTS_MAX];

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "halfback-dm: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	_exit(1); /* what its callers hold is not theirs to free any more */
}

/* ---- the store -------------------------------------------------------------------------- */

static char *node_read(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static char *node_read(const char *fmt, ...)
{
	char path[256];
	unsigned int len;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return xs_read(xs, XBT_NULL, path, &len);
}

static char **devices_list(const struct served *what, unsigned int *count)
{
	char path[64];

	snprintf(path, sizeof(path), "backend/%s/%u", what->kind, domid);
	*count = 0;
	return xs_directory(xs, XBT_NULL, path, count);
}

/* In a transaction: a directory that was removed meanwhile must not be made again. */
static void device_mark(const struct served *what, const char *devid)
{
	char path[96], dir[80];
	xs_transaction_t t;
	bool again;

	snprintf(dir, sizeof(dir), "backend/%s/%u/%.32s", what->kind, domid, devid);
	snprintf(path, sizeof(path), "%s/device-model", dir);
	do {
		unsigned int len;
		char *marked, *state;
		char state_path[96];

		t = xs_transaction_start(xs);
		snprintf(state_path, sizeof(state_path), "%s/state", dir);
		state = xs_read(xs, t, state_path, &len);
		marked = xs_read(xs, t, path, &len);
		if (state && !marked)
			xs_write(xs, t, path, "halfback", 8);
		free(state);
		free(marked);
		again = !xs_transaction_end(xs, t, false) && errno == EAGAIN;
	} while (again);
}

static void devices_mark(void)
{
	for (int k = 0; k < SERVED; k++) {
		unsigned int count;
		char **devids = devices_list(&served[k], &count);

		for (unsigned int i = 0; i < count; i++)
			device_mark(&served[k], devids[i]);
		free(devids);
	}
}

/* True once its daemon has it; ends the program if that refused. */
static bool device_taken(const struct served *what, const char *devid)
{
	char *state = node_read("backend/%s/%u/%.32s/state", what->kind, domid, devid);
	char *error = node_read("error/backend/%s/%u/%.32s/error", what->kind, domid, devid);
	char *by = node_read("backend/%s/%u/%.32s/served-by", what->kind, domid, devid);
	bool taken = state && (atoi(state) == 2 || atoi(state) == 4);

	if (error)
		die("%s %s of guest %u: %s", what->noun, devid, domid,
		    error + strspn(error, "0123456789 "));
	if (taken && (!by || strcmp(by, "halfback") != 0))
		die("%s %s of guest %u was taken by another backend than %s; stop that one",
		    what->noun, devid, domid, what->daemon);
	free(state);
	free(error);
	free(by);
	return taken;
}

/* NULL: all are taken; else one that is not. */
static const struct served *devices_missing(void)
{
	const struct served *missing = NULL;

	for (int k = 0; k < SERVED; k++) {
		unsigned int count;
		char **devids = devices_list(&served[k], &count);

		for (unsigned int i = 0; i < count; i++)
			if (!device_taken(&served[k], devids[i]))
				missing = &served[k];
		free(devids);
	}
	return missing;
}

static void watch_drain(void)
{
	char **event;

	while ((event = xs_check_watch(xs)))
		free(event);
	devices_mark();
}

static void devices_wait(void)
{
	struct pollfd store = {.fd = xs_fileno(xs), .events = POLLIN};
	time_t end = time(NULL) + WAIT_S;
	const struct served *missing;

	devices_mark();
	while ((missing = devices_missing())) {
		if (time(NULL) >= end)
			die("%s does not take the %ss of guest %u; %s", missing->daemon,
			    missing->noun, domid, missing->start);
		if (poll(&store, 1, 500) > 0)
			watch_drain();
	}
}

/* Where the screen is to be seen, which pvfb has told the store. */
static void vnc_find(void)
{
	char *host = node_read("/local/domain/%u/console/vnc-listen", domid);
	char *port = node_read("/local/domain/%u/console/vnc-port", domid);

	if (host && port)
		qmp_vnc_is(host, port);
	free(host);
	free(port);
}

static void others_refuse(void)
{
	for (size_t i = 0; i < sizeof(other_kinds) / sizeof(other_kinds[0]); i++) {
		char path[64];
		unsigned int count;
		char **devices;

		snprintf(path, sizeof(path), "backend/%s/%u", other_kinds[i], domid);
		devices = xs_directory(xs, XBT_NULL, path, &count);
		free(devices);
		if (devices)
			die("guest %u has a %s, which only QEMU serves; take it or "
			    "device_model_override out of its configuration",
			    domid, other_kinds[i]);
	}
}

static void store_open(void)
{
	char path[64];

	xs = xs_open(0);
	if (!xs)
		die("can't reach xenstored: %s", strerror(errno));
	for (int k = 0; k < SERVED; k++) {
		snprintf(path, sizeof(path), "backend/%s/%u", served[k].kind, domid);
		if (!xs_watch(xs, path, served[k].kind))
			die("can't watch %s: %s", path, strerror(errno));
	}
}

static void say_running(void)
{
	char path[64];

	snprintf(path, sizeof(path), "device-model/%u/state", domid);
	if (!xs_write(xs, XBT_NULL, path, "running", 7))
		die("can't write %s: %s", path, strerror(errno));
}

/* ---- QMP -------------------------------------------------------------------------------- */

static void client_add(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	for (int i = 0; i < CLIENTS_MAX && fd >= 0; i++) {
		if (clients[i].parser)
			continue;
		clients[i].fd = fd;
		clients[i].parser = qmp_parser();
		if (!clients[i].parser)
			die("out of memory");
		qmp_greet(fd);
		return;
	}
	if (fd >= 0)
		close(fd);
}

static void client_serve(int i)
{
	if (qmp_serve(clients[i].fd, clients[i].parser) == 0)
		return;
	close(clients[i].fd);
	qmp_parser_free(clients[i].parser);
	clients[i].parser = NULL;
}

/* Fills the polls in this order: signals, store, listeners, clients. */
static void serve(int signals)
{
	struct pollfd polls[2 + SOCKETS_MAX + CLIENTS_MAX];
	nfds_t n = 2 + (nfds_t)socket_count;

	polls[0] = (struct pollfd){signals, POLLIN, 0};
	polls[1] = (struct pollfd){xs_fileno(xs), POLLIN, 0};
	for (int i = 0; i < socket_count; i++)
		polls[2 + i] = (struct pollfd){sockets[i], POLLIN, 0};
	while (true) {
		for (int i = 0; i < CLIENTS_MAX; i++)
			polls[n + (nfds_t)i] =
				(struct pollfd){clients[i].parser ? clients[i].fd : -1, POLLIN, 0};
		if (poll(polls, n + CLIENTS_MAX, -1) < 0)
			continue;
		if (polls[0].revents)
			return;
		if (polls[1].revents)
			watch_drain();
		for (int i = 0; i < CLIENTS_MAX; i++)
			if (polls[n + (nfds_t)i].revents)
				client_serve(i);
		for (int i = 0; i < socket_count; i++)
			if (polls[2 + i].revents)
				client_add(sockets[i]);
	}
}

/* ---- starting --------------------------------------------------------------------------- */

/* "socket,id=libxl-cmd,path=/run/...,server=on,wait=off" */
static void socket_add(const char *chardev)
{
	const char *path = strstr(chardev, "path=");
	char text[128];

	if (strncmp(chardev, "socket,", 7) != 0 || !path || socket_count == SOCKETS_MAX)
		return;
	path += strlen("path=");
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(path, ","), path);
	sockets[socket_count] = qmp_listen(text);
	if (sockets[socket_count] < 0)
		die("can't listen at %s: %s", text, strerror(-sockets[socket_count]));
	socket_count++;
}

/* libxl's arguments are QEMU's; most are none of our business. */
static void parse_arguments(int argc, char **argv)
{
	const char *machine = "xenpv";

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-help") == 0 || strcmp(argv[i], "--help") == 0) {
			puts("usage: device_model_override=\"/usr/local/libexec/halfback-dm\" in a "
			     "PV "
			     "or PVH guest's configuration; see blkback(8) and pvfb(8)");
			exit(0);
		}
		if (i + 1 < argc && strcmp(argv[i], "-xen-domid") == 0)
			domid = (unsigned int)strtoul(argv[++i], NULL, 10);
		else if (i + 1 < argc && strcmp(argv[i], "-machine") == 0)
			machine = argv[++i];
		else if (i + 1 < argc && strcmp(argv[i], "-chardev") == 0)
			socket_add(argv[++i]);
	}
	if (domid == 0 || domid > 0x7fef)
		die("is started by xl, with -xen-domid and the number of a guest");
	if (strncmp(machine, "xenpv", 5) != 0)
		die("guest %u is of type hvm, whose machine only QEMU can be; take "
		    "device_model_override out of its configuration",
		    domid);
}

int main(int argc, char **argv)
{
	sigset_t set;
	int signals;

	/* First of all: libxenstore's thread must not take our signals. */
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	parse_arguments(argc, argv);
	store_open();
	others_refuse();
	devices_wait();
	vnc_find();
	say_running();
	serve(signals);
	return 0;
}
