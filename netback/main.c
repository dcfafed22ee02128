// SPDX-License-Identifier: MIT
/* netback: the supervisor, or, if its first word is --worker, the worker of one guest. */
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
	return status;
}
