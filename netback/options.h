/* SPDX-License-Identifier: MIT */
#ifndef NETBACK_OPTIONS_H
#define NETBACK_OPTIONS_H

#include "common/sup.h"

/* Reads the command line; ends the process if it is wrong or asks for help. */
void netback_options(struct sup *sup, int argc, char **argv);

#endif
