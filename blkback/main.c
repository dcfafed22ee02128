// SPDX-License-Identifier: MIT
/*
 * blkback: the supervisor, or what it starts itself as, which the first word says: --worker, the
 * worker of one guest; --dial, --probe and --cage, its helpers with NBD servers and images;
 * --takes, what a program that is to take over is asked.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "blkback/backend.h"
#include "blkback/helper.h"
#include "blkback/options.h"
#include "blkback/qemu.h"
#include "blkback/vbd.h"
#include "common/instance.h"
#include "common/log.h"
#include "common/worker.h"

int main(int argc, char **argv)
{
	static struct sup sup = {
		.backend = &blkback_backend,
		.kinds = {"vbd", "vbd3"},
	};
	int instance, status;

	if (argc > 1 && strcmp(argv[1], "--worker") == 0)
		return worker_main(&vbd_worker_ops, argc, argv);
	if (argc > 1 && strcmp(argv[1], "--dial") == 0)
		return dial_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], "--probe") == 0)
		return probe_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], "--cage") == 0)
		return cage_main(argc, argv);
	if (argc > 1 && strncmp(argv[1], "--takes=", 8) == 0)
		return upgrade_takes(&blkback_backend, argv[1] + 8);
	upgrade_init(&sup, argv);
	options_parse(&sup, argc, argv);
	log_open("blkback", sup.verbose);
	if (geteuid() != 0) {
		log_error("has to be started by root: it opens disks and starts confined workers");
		return 1;
	}
	instance = instance_claim("blkback");
	if (instance < 0)
		return 1;
	status = sup_main(&sup);
	qemu_wait_all();
	instance_release(instance);
	upgrade_exec(&sup); /* if that is why it ended */
	return status;
}
