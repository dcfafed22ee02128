/* SPDX-License-Identifier: MIT */
/* What the programs of this suite do from main() on.  See daemon.c. */
#ifndef COMMON_DAEMON_H
#define COMMON_DAEMON_H

#include "common/command_line.h"
#include "common/sup.h"
#include "common/worker.h"

struct daemon {
	struct sup *sup; /* backend and kinds */
	const struct worker_ops *worker;
	const struct command_line *line;
	const char *needs_root; /* "it ...": why */
	void (*ended)(void);	/* nothing of ours runs any more; NULL: that is all */
};

/* The supervisor, or what the first word says; main()'s exit status. */
int daemon_main(const struct daemon *daemon, int argc, char **argv);

#endif
