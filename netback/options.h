/* SPDX-License-Identifier: MIT */
/* The command line of netback: what it takes goes to `sup` and settings_defaults. */
#ifndef NETBACK_OPTIONS_H
#define NETBACK_OPTIONS_H

#include "common/command_line.h"

extern const struct command_line netback_command_line;

#endif
