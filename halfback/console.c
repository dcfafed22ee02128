// SPDX-License-Identifier: MIT
/*
 * halfback console: tells where a guest's screen is, and has a browser show it.  Where viewers find
 * a screen is in the guest's directory of the store, which the guest can't write: pvfb wrote it, or
 * libxl for a QEMU's, which knows no WebSocket.
 */
#include "halfback/console.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/store.h"
#include "halfback/nodes.h"
#include "halfback/page.h"
#include "halfback/vbds.h"

static const char usage[] =
	"usage: halfback console [--no-page] [--port=N] GUEST\n"
	"  Prints the VNC address of the guest's screen.  GUEST is a name or a domid.\n"
	"  Where Debian's package novnc is installed, serves a web page on the screen, at\n"
	"  127.0.0.1 only, until it is interrupted.\n"
	"  --no-page         no page: only the address\n"
	"  --port=N          the page's port; by default the first that is free from 6080 on\n"
	"See halfback(8).\n";

struct console {
	const char *guest;
	bool no_page;
	uint16_t port; /* 0: any */
	uint32_t domid;
	char *address;
	uint16_t vnc_port;
	bool ours; /* and so the port speaks WebSocket */
};

static int usage_error(const char *what, const char *word)
{
	fprintf(stderr, "halfback: console: %s '%s'; see halfback console --help\n", what, word);
	return 2;
}

/* ---- the store ------------------------------------------------------------------------------ */

/* The guest by its name or its number.  0 or -1. */
static int guest_find(struct console *console, struct xs_handle *xs)
{
	unsigned int count = 0;
	char **domains = xs_directory(xs, XBT_NULL, "/local/domain", &count);
	int ret = -1;

	for (unsigned int i = 0; domains && i < count && ret < 0; i++) {
		char *name = node_read(xs, "/local/domain/%.16s/name", domains[i]);
		uint64_t domid;

		if (number_parse(domains[i], UINT16_MAX, &domid) == 0 &&
		    (strcmp(domains[i], console->guest) == 0 ||
		     (name && strcmp(name, console->guest) == 0))) {
			console->domid = (uint32_t)domid;
			ret = 0;
		}
		free(name);
	}
	free(domains);
	return ret;
}

/* The guest has no screen to look at: the sentence that says why, and what there is instead. */
static void say_none(const struct console *console, struct xs_handle *xs)
{
	char backend[64], *state, *vnc, *error;

	snprintf(backend, sizeof(backend), "/local/domain/%u/backend/vfb/%u/0", own_domid(xs),
		 console->domid);
	state = node_read(xs, "%s/state", backend);
	vnc = node_read(xs, "%s/vnc", backend);
	error = node_read(xs, "/local/domain/%u/error/backend/vfb/%u/0/error", own_domid(xs),
			  console->domid);
	if (!state)
		say("guest %s has no screen (its configuration has no vfb); its text console: "
		    "xl console %s",
		    console->guest, console->guest);
	else if (vnc && strcmp(vnc, "0") == 0)
		say("guest %s has a screen without VNC (vnc=0); its text console: xl console %s",
		    console->guest, console->guest);
	else
		say("the screen of guest %s is not served%s%s; its text console: xl console %s",
		    console->guest, error ? ": " : ", is pvfb running?",
		    error ? error + strspn(error, "0123456789 ") : "", console->guest);
	free(state);
	free(vnc);
	free(error);
}

/* 0, or -1 after a sentence. */
static int screen_find(struct console *console, struct xs_handle *xs)
{
	char *port, *by;
	uint64_t number;
	int err = -1;

	if (guest_find(console, xs) < 0) {
		say("there is no guest %s; xl list shows them", console->guest);
		return -1;
	}
	port = node_read(xs, "/local/domain/%u/console/vnc-port", console->domid);
	console->address = node_read(xs, "/local/domain/%u/console/vnc-listen", console->domid);
	by = node_read(xs, "/local/domain/%u/backend/vfb/%u/0/served-by", own_domid(xs),
		       console->domid);
	console->ours = by && strcmp(by, "halfback") == 0;
	if (port && number_parse(port, UINT16_MAX, &number) == 0) {
		console->vnc_port = (uint16_t)number;
		err = 0;
	} else {
		say_none(console, xs);
	}
	free(port);
	free(by);
	return err;
}

/* ---- addresses ------------------------------------------------------------------------------ */

/* As it stands in an address: from everywhere is from here, too. */
static void host_write(const struct console *console, char *host, size_t size)
{
	const char *address = console->address ? console->address : "127.0.0.1";

	if (!*address || strcmp(address, "0.0.0.0") == 0)
		address = "127.0.0.1";
	else if (strcmp(address, "::") == 0)
		address = "::1";
	snprintf(host, size, strchr(address, ':') ? "[%s]" : "%s", address);
}

/* Serves until it is interrupted. */
static int page_show(const struct console *console, const char *host)
{
	const char *directory = getenv("HALFBACK_NOVNC_DIR");
	struct page page;
	int err = page_open(&page, directory ? directory : "/usr/share/novnc", console->port);

	if (err == -ENOENT) {
		say("for a page in a browser, install Debian's package novnc");
		return 0;
	}
	if (err < 0)
		return 1;
	/* What is behind "#" no server is told. */
	snprintf(page.start, sizeof(page.start),
		 "/vnc.html#autoconnect=true&resize=scale&host=%s&port=%u", host,
		 console->vnc_port);
	printf("page: http://127.0.0.1:%u/\n", page.port);
	fflush(stdout);
	return page_serve(&page) < 0;
}

static int console_show(const struct console *console)
{
	char host[80];

	host_write(console, host, sizeof(host));
	printf("VNC: %s:%u\n", host, console->vnc_port);
	fflush(stdout);
	if (console->no_page)
		return 0;
	if (!console->ours) {
		say("no page: the screen is not pvfb's, and its port may not speak WebSocket");
		return 0;
	}
	return page_show(console, host);
}

static int console_find(struct console *console)
{
	struct xs_handle *xs = xs_open(0);
	int ret;

	if (!xs) {
		say("can't reach xenstored: %s; is it running?", strerror(errno));
		return 1;
	}
	ret = screen_find(console, xs) < 0;
	xs_close(xs);
	return ret;
}

int console_main(int argc, char **argv)
{
	struct console console = {0};
	uint64_t port = 0;
	int ret;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) {
			fputs(usage, stdout);
			return 0;
		}
		if (strcmp(argv[i], "--no-page") == 0)
			console.no_page = true;
		else if (strncmp(argv[i], "--port=", strlen("--port=")) == 0) {
			const char *text = argv[i] + strlen("--port=");

			if (number_parse(text, UINT16_MAX, &port) < 0 || port == 0)
				return usage_error("--port takes a number from 1 to 65535, not",
						   text);
		} else if (argv[i][0] == '-')
			return usage_error("there is no option", argv[i]);
		else if (console.guest)
			return usage_error("one argument too many:", argv[i]);
		else
			console.guest = argv[i];
	}
	if (!console.guest)
		return usage_error("name a guest, as in", "halfback console GUEST");
	console.port = (uint16_t)port;
	ret = console_find(&console);
	if (ret == 0)
		ret = console_show(&console);
	free(console.address);
	return ret;
}
