/* SPDX-License-Identifier: MIT */
/* The command line of blkback: what it takes goes to `sup`, image_options and limit_defaults. */
#ifndef BLKBACK_OPTIONS_H
#define BLKBACK_OPTIONS_H

#include "common/command_line.h"

extern const struct command_line blkback_command_line;

#endif
