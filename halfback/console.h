/* SPDX-License-Identifier: MIT */
/* halfback console.  See console.c. */
#ifndef HALFBACK_CONSOLE_H
#define HALFBACK_CONSOLE_H

/* The words from "console" on.  Exit status. */
int console_main(int argc, char **argv);

#endif
