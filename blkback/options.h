/* SPDX-License-Identifier: MIT */
/* The command line of blkback, the supervisor.  See options.c. */
#ifndef BLKBACK_OPTIONS_H
#define BLKBACK_OPTIONS_H

#include "common/sup.h"

/*
 * Sets what the command line asks for, in `sup`, image_options and limit_defaults, and the defaults
 * of what it does not mention.  Ends the process, with one sentence, if it can't be obeyed.
 */
void options_parse(struct sup *sup, int argc, char **argv);

#endif
