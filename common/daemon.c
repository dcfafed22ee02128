// SPDX-License-Identifier: MIT
/*
 * A daemon is one program in three roles, which its first word tells apart: the supervisor, which
 * has no such word; --worker, the worker of one guest; --takes, what a newly installed program is
 * asked before it takes over (upgrade.c).
 */
#include "common/daemon.h"

#include <string.h>
#include <unistd.h>

#include "common/instance.h"
#include "common/log.h"

int daemon_main(const struct daemon *daemon, int argc, char **argv)
{
	struct sup *sup = daemon->sup;
	const char *name = sup->backend->name;
	int instance, status;

	if (argc > 1 && strcmp(argv[1], "--worker") == 0)
		return worker_main(daemon->worker, argc, argv);
	if (argc > 1 && strncmp(argv[1], "--takes=", 8) == 0)
		return upgrade_takes(sup->backend, argv[1] + 8);
	upgrade_init(sup, argv);
	command_line_read(daemon->line, sup, argc, argv);
	log_open(name, sup->verbose);
	if (geteuid() != 0) {
		log_error("has to be started by root: it %s", daemon->needs_root);
		return 1;
	}
	instance = instance_claim(name);
	if (instance < 0)
		return 1;
	status = sup_main(sup);
	if (daemon->ended)
		daemon->ended();
	instance_release(instance);
	upgrade_exec(sup); /* if that is why it ended */
	return status;
}
