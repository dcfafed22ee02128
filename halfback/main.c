// SPDX-License-Identifier: MIT
/*
 * halfback: the admin's command.  It looks at what the daemons leave to be looked at, which can't
 * disturb them; only resize and upgrade ask one of them to do something, and network has scripts
 * do it.
 */
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/store.h"
#include "halfback/console.h"
#include "halfback/network.h"
#include "halfback/print.h"

static const char usage[] =
	"usage: halfback list  [--interval=S]\n"
	"       halfback stats [--json | --prometheus] [--interval=S] [GUEST [DISK]]\n"
	"       halfback resize GUEST DISK SIZE\n"
	"       halfback upgrade GUEST | --all\n"
	"       halfback console [--no-page] [--port=N] GUEST\n"
	"       halfback network start|stop|status [--config FILE | --from FILE]\n"
	"  list              one line for each disk that blkback serves, and for each NIC\n"
	"                    that netback serves\n"
	"  stats             what they have done; GUEST is a name or a domid, DISK a name\n"
	"                    (xvda, or vif1.0 of a NIC) or a number (51712)\n"
	"  resize            make a disk's qcow2 or qed image larger, under its guest; SIZE is\n"
	"                    in bytes, or with K, M, G or T behind it\n"
	"  upgrade           have the newly installed blkback and netback take over the guest's\n"
	"                    devices, or with --all those of all guests, and the daemons\n"
	"                    themselves; the guests see nothing of it\n"
	"  console           where a guest's screen is, and a web page on it (halfback console\n"
	"                    --help)\n"
	"  network           the network that guests' NICs go to (halfback network --help)\n"
	"  --interval=S      show what happens in S seconds (0.01 to 3600), not since\n"
	"                    the disk connected; list looks for 0.5 seconds, or with 0\n"
	"                    since it connected\n"
	"  --json            for programs; --prometheus: for its textfile collector\n"
	"  -h, --help        this text\n"
	"See halfback(8).\n";

enum {
	INTERVAL_MAX = 3600
};

typedef void printer(const struct vbds *vbds);

struct command {
	const char *verb;
	printer *print;
	double interval; /* seconds; 0 = since the disk connected */
	const char *guest, *disk;
	uint64_t bytes; /* resize */
	bool all;	/* upgrade */
};

static void __attribute__((noreturn, format(printf, 1, 2))) usage_error(const char *fmt, ...)
{
	va_list ap;

	fputs("halfback: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("; see halfback --help\n", stderr);
	exit(2);
}

static double option_interval(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds == 0 || (seconds >= 0.01 && seconds <= INTERVAL_MAX)))
		usage_error("--interval takes a number of seconds from 0.01 to %d, not '%s'",
			    INTERVAL_MAX, text);
	return seconds;
}

static void set_form(struct command *command, printer *form)
{
	if (strcmp(command->verb, "stats") != 0)
		usage_error("--json and --prometheus are for halfback stats");
	if (command->print != print_table && command->print != form)
		usage_error("--json and --prometheus exclude each other");
	command->print = form;
}

/* list or stats */
static bool shows(const struct command *command)
{
	return strcmp(command->verb, "list") == 0 || strcmp(command->verb, "stats") == 0;
}

static void parse_options(struct command *command, int argc, char **argv)
{
	static const struct option options[] = {
		{"interval", required_argument, NULL, 'i'}, {"json", no_argument, NULL, 'j'},
		{"prometheus", no_argument, NULL, 'p'},	    {"all", no_argument, NULL, 'a'},
		{"help", no_argument, NULL, 'h'},	    {NULL, 0, NULL, 0},
	};
	bool interval = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'i':
			if (!shows(command))
				usage_error("--interval is for halfback list and stats");
			command->interval = option_interval(optarg);
			interval = command->interval > 0;
			break;
		case 'j':
			set_form(command, print_json);
			break;
		case 'p':
			set_form(command, print_prometheus);
			break;
		case 'a':
			if (strcmp(command->verb, "upgrade") != 0)
				usage_error("--all is for halfback upgrade");
			command->all = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			exit(2);
		}
	}
	if (command->print == print_prometheus && interval)
		usage_error("--prometheus shows totals, from which Prometheus makes rates; leave "
			    "--interval out");
}

/* What follows the verb. */
static void parse_words(struct command *command, int argc, char **argv)
{
	bool resize = strcmp(command->verb, "resize") == 0;
	bool upgrade = strcmp(command->verb, "upgrade") == 0;
	int most = resize				? 3
		   : upgrade				? !command->all
		   : strcmp(command->verb, "list") == 0 ? 0
							: 2;

	if (argc > most)
		usage_error("'%s' is one argument too many", argv[most]);
	if (resize && argc < most)
		usage_error("resize takes a guest, a disk and a size");
	if (upgrade && argc < most)
		usage_error("upgrade takes a guest, or --all");
	command->guest = argc > 0 ? argv[0] : NULL;
	command->disk = argc > 1 ? argv[1] : NULL;
	if (resize && (size_parse(argv[2], &command->bytes) < 0 || command->bytes == 0))
		usage_error("'%s' is no size; write bytes, or a number with K, M, G or T behind it",
			    argv[2]);
}

/* VERB WORD..., in any order with the options. */
static void parse(struct command *command, int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (strcmp(verb, "-h") == 0 || strcmp(verb, "--help") == 0) {
		fputs(usage, stdout);
		exit(0);
	}
	if (!*verb)
		usage_error("say what to do: list, stats, resize, upgrade, console or network");
	*command = (struct command){.verb = verb, .print = print_table};
	if (strcmp(verb, "list") == 0)
		*command = (struct command){.verb = verb, .print = print_list, .interval = 0.5};
	else if (strcmp(verb, "stats") != 0 && strcmp(verb, "resize") != 0 &&
		 strcmp(verb, "upgrade") != 0)
		usage_error("there is no '%s'", verb);
	parse_options(command, argc - 1, argv + 1);
	parse_words(command, argc - optind - 1, argv + optind + 1);
}

int main(int argc, char **argv)
{
	struct command command;
	struct vbds vbds;
	int ret = 0;

	setlocale(LC_CTYPE, "C.UTF-8");
	if (argc > 1 && strcmp(argv[1], "network") == 0)
		return network_main(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "console") == 0)
		return console_main(argc - 1, argv + 1);
	parse(&command, argc, argv);
	if (vbds_collect(&vbds, command.guest, command.disk) < 0) {
		vbds_free(&vbds);
		return 1;
	}
	if (command.interval > 0 && vbds.count > 0)
		vbds_wait(&vbds, command.interval);
	if (command.bytes > 0 && vbds.vbd[0].nic) {
		say("%s of guest %s is a NIC, which has no size", command.disk, command.guest);
		ret = 1;
	} else if (command.bytes > 0) {
		ret = resize_vbd(&vbds.vbd[0], command.bytes) < 0;
	} else if (strcmp(command.verb, "upgrade") == 0) {
		ret = upgrade_vbds(&vbds, command.all) < 0;
	} else {
		command.print(&vbds);
	}
	vbds_free(&vbds);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("halfback: can't write");
		return 1;
	}
	return ret;
}
