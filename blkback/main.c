// SPDX-License-Identifier: MIT
/*
 * blkback: the supervisor, or what it starts itself as, which the first word says: --worker, the
 * worker of one guest; --dial, --probe and --cage, its helpers with NBD servers and images.
 */
#include <stdio.h>
#include <stdlib.h>
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

/* blkback --worker DOMID UID POLL_US THREADS uring|epoll [-v]: only for guest_worker(). */
static int run_worker(int argc, char **argv)
{
	struct worker_config config;

	if (argc < 7) {
		fprintf(stderr, "blkback: --worker is for blkback's own use; start it without\n");
		return 2;
	}
	config.domid = (uint16_t)strtoul(argv[2], NULL, 10);
	config.uid = (uint32_t)strtoul(argv[3], NULL, 10);
	config.spin_us = (uint32_t)strtoul(argv[4], NULL, 10);
	config.threads = (uint32_t)strtoul(argv[5], NULL, 10);
	config.way = strcmp(argv[6], "epoll") == 0 ? LOOP_EPOLL : LOOP_URING;
	config.verbose = argc > 7;
	return worker_main(&vbd_worker_ops, &config, argv[0]);
}

int main(int argc, char **argv)
{
	static struct sup sup = {
		.backend = &blkback_backend,
		.kinds = {"vbd", "vbd3"},
	};
	int instance, status;

	if (argc > 1 && strcmp(argv[1], "--worker") == 0)
		return run_worker(argc, argv);
	if (argc > 1 && strcmp(argv[1], "--dial") == 0)
		return dial_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], "--probe") == 0)
		return probe_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], "--cage") == 0)
		return cage_main(argc, argv);
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
	return status;
}
