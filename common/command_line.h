/* SPDX-License-Identifier: MIT */
/* The command line of a daemon: what all of them take, and each one's own.  See command_line.c. */
#ifndef COMMON_COMMAND_LINE_H
#define COMMON_COMMAND_LINE_H

#include <getopt.h>
#include <stdint.h>

struct sup;

/* One daemon's, static. */
struct command_line {
	uint32_t uid_base;   /* unless the command line says */
	uint32_t spin_us;    /* likewise; 0: it never polls, and can't be asked to */
	uint32_t queues_max; /* of a device; 0: its workers have one thread, whatever is asked */
	const char *devices; /* what it serves, as the help names them: "disks" */
	const char *words;   /* its own options in the first lines of the help */
	const char *help;    /* and a line for each */
	const struct option
		*own; /* ends with a row of zeros; none may have a letter that is common */
	void (*set)(struct sup *sup, int letter, const char *name, const char *value);
};

/*
 * Sets in `sup`, and by line->set, what the command line asks for, and the defaults of what it does
 * not mention. Ends the process, with one sentence, if it can't be obeyed, and with the help if
 * that is asked for.
 */
void command_line_read(const struct command_line *line, struct sup *sup, int argc, char **argv);

/* The value of option --name, or the process ends. */
uint32_t option_number(const char *name, const char *value, uint32_t min, uint32_t max);

/* Ends the process: "PROGRAM: --name takes WHAT, not 'value'". */
void option_refuse(const char *name, const char *what, const char *value) __attribute__((noreturn));

#endif
