// SPDX-License-Identifier: MIT
/*
 * netback: the supervisor, or what its first word says: --worker, the worker of one guest; --takes,
 * what a program that is to take over is asked.
 */
#include <string.h>
#include <unistd.h>

#include "common/instance.h"
#include "common/log.h"
#include "common/worker.h"
#include "netback/backend.h"
#include "netback/options.h"
#include "netback/vif.h"

int main(int argc, char **argv)
{
	static struct sup sup = {
		.backend = &netback_backend,
		.kinds = {"vif"},
	};
	int instance, status;

	if (argc > 1 && strcmp(argv[1], "--worker") == 0)
		return worker_main(&vif_worker_ops, argc, argv);
	if (argc > 1 && strncmp(argv[1], "--takes=", 8) == 0)
		return upgrade_takes(&netback_backend, argv[1] + 8);
	upgrade_init(&sup, argv);
	netback_options(&sup, argc, argv);
	log_open("netback", sup.verbose);
	if (geteuid() != 0) {
		log_error("has to be started by root: it makes network interfaces and starts "
			  "confined workers");
		return 1;
	}
	instance = instance_claim("netback");
	if (instance < 0)
		return 1;
	status = sup_main(&sup);
	instance_release(instance);
	upgrade_exec(&sup); /* if that is why it ended */
	return status;
}
