// SPDX-License-Identifier: MIT
/*
 * What an admin can ask of a daemon on its command line.  Each wrong word ends the process with one
 * sentence, before anything was touched.
 */
#include "common/command_line.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sup.h"

enum {
	UID_BASE_MIN = 1000, /* worker 0 of base 0 would be root */
	UID_BASE_MAX = 0x7fff0000,
	SPIN_US_MAX = 1000,
	RESTARTS = 8,
	RESTARTS_MAX = 1000,
	QUEUES = 8, /* unless there are fewer processors */
	TABLE_MAX = 32,
};

static const struct option common[] = {
	{"verbose", no_argument, NULL, 'v'},	    {"no-io-uring", no_argument, NULL, 'U'},
	{"no-journal", no_argument, NULL, 'J'},	    {"restarts", required_argument, NULL, 'r'},
	{"uid-base", required_argument, NULL, 'u'}, {"help", no_argument, NULL, 'h'},
};

/* Of daemons whose devices have queues. */
static const struct option queued[] = {
	{"poll-us", required_argument, NULL, 'p'},
	{"queues", required_argument, NULL, 'q'},
};

static const char *program;

void option_refuse(const char *name, const char *what, const char *value)
{
	fprintf(stderr, "%s: --%s takes %s, not '%s'\n", program, name, what, value);
	exit(2);
}

uint32_t option_number(const char *name, const char *value, uint32_t min, uint32_t max)
{
	uint64_t number;
	char what[64];

	if (number_parse(value, max, &number) == 0 && number >= min)
		return (uint32_t)number;
	snprintf(what, sizeof(what), "a number from %u to %u", min, max);
	option_refuse(name, what, value);
}

static uint32_t default_queues(void)
{
	cpu_set_t cpus;
	int count = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;

	return count < QUEUES ? (uint32_t)count : QUEUES;
}

static void help(const struct command_line *line)
{
	printf("usage: %s [-v] [--no-io-uring] [--no-journal] [--restarts=N] [--uid-base=N]\n",
	       program);
	if (line->queues_max)
		printf("%*s[--poll-us=N] [--queues=N]\n", (int)strlen(program) + 8, "");
	fputs(line->words, stdout);
	fputs("  -v, --verbose     log each change of a device's state\n"
	      "  --no-io-uring     do without io_uring, as where the kernel forbids it\n",
	      stdout);
	printf("  --no-journal      %s close if their worker or %s ends\n", line->devices, program);
	printf("  --restarts=N      how often a guest's worker may die, with less than a minute "
	       "between,\n"
	       "                    before its %s are closed (0 to %d, default %d; 0: it is\n"
	       "                    replaced at once each time, however often)\n",
	       line->devices, RESTARTS_MAX, RESTARTS);
	printf("  --uid-base=N      the worker of domain D runs as user N+D (default %u)\n",
	       line->uid_base);
	if (line->queues_max)
		printf("  --poll-us=N       how long a busy worker looks for work before it "
		       "sleeps\n"
		       "                    (0 to %d microseconds, default %u; 0: it sleeps at "
		       "once)\n"
		       "  --queues=N        the most queues that a device may have, and threads "
		       "that a\n"
		       "                    guest's worker may have (1 to %u, default: processors, "
		       "but\n"
		       "                    at most %d)\n",
		       SPIN_US_MAX, line->spin_us, line->queues_max, QUEUES);
	fputs(line->help, stdout);
	printf("  -h, --help        this text\n"
	       "Runs in the foreground and logs to standard error.  See %s(8).\n",
	       program);
}

static void option_set(const struct command_line *line, struct sup *sup, int letter,
		       const char *name)
{
	switch (letter) {
	case 'v':
		sup->verbose = true;
		break;
	case 'U':
		sup->no_uring = true;
		break;
	case 'J':
		sup->no_journal = true;
		break;
	case 'p':
		sup->spin_us = option_number(name, optarg, 0, SPIN_US_MAX);
		break;
	case 'q':
		sup->threads = option_number(name, optarg, 1, line->queues_max);
		break;
	case 'r':
		sup->restarts = option_number(name, optarg, 0, RESTARTS_MAX);
		break;
	case 'u':
		sup->uid_base = option_number(name, optarg, UID_BASE_MIN, UID_BASE_MAX);
		break;
	case 'h':
		help(line);
		exit(0);
	case '?':
		exit(2); /* getopt_long() has said why */
	default:
		line->set(sup, letter, name, optarg);
	}
}

/* getopt_long() wants one table: adds `count` rows to the `used` ones. */
static size_t table_add(struct option *table, size_t used, const struct option *rows, size_t count)
{
	if (used + count >= TABLE_MAX)
		log_panic("more than %d options", TABLE_MAX - 1);
	for (size_t i = 0; i < count; i++)
		table[used + i] = rows[i];
	return used + count;
}

static void table_make(const struct command_line *line, struct option *table)
{
	size_t used = table_add(table, 0, common, sizeof(common) / sizeof(*common));
	size_t own = 0;

	if (line->queues_max)
		used = table_add(table, used, queued, sizeof(queued) / sizeof(*queued));
	while (line->own[own].name)
		own++;
	table_add(table, used, line->own, own + 1); /* and the row that ends it */
}

void command_line_read(const struct command_line *line, struct sup *sup, int argc, char **argv)
{
	struct option table[TABLE_MAX];
	int letter, index = 0;

	program = sup->backend->name;
	sup->uid_base = line->uid_base;
	sup->spin_us = line->spin_us;
	sup->restarts = RESTARTS;
	sup->threads = line->queues_max ? default_queues() : 1;
	table_make(line, table);
	while ((letter = getopt_long(argc, argv, "vh", table, &index)) != -1)
		option_set(line, sup, letter, table[index].name);
	if (optind < argc) {
		fprintf(stderr, "%s: takes no argument '%s'; see %s --help\n", program,
			argv[optind], program);
		exit(2);
	}
}
