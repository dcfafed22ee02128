// SPDX-License-Identifier: MIT
/* pvfb: the supervisor of guests' screens and keyboards, or, as --worker, the worker of one guest.
 */
#include <string.h>
#include <unistd.h>

#include "common/instance.h"
#include "common/log.h"
#include "common/worker.h"
#include "pvfb/backend.h"
#include "pvfb/screen.h"

int main(int argc, char **argv)
{
	static struct sup sup = {
		.backend = &pvfb_backend,
		.kinds = {"vfb", "vkbd"},
	};
	int instance, status;

	if (argc > 1 && strcmp(argv[1], "--worker") == 0)
		return worker_main(&screen_worker_ops, argc, argv);
	options_parse(&sup, argc, argv);
	log_open("pvfb", sup.verbose);
	if (geteuid() != 0) {
		log_error("has to be started by root: it maps guests' screens and starts confined "
			  "workers");
		return 1;
	}
	instance = instance_claim("pvfb");
	if (instance < 0)
		return 1;
	status = sup_main(&sup);
	instance_release(instance);
	return status;
}
