// SPDX-License-Identifier: MIT
/*
 * blkback: what all daemons are (daemon.c), or, as --dial, --probe and --cage, one of its helpers
 * with NBD servers and images.
 */
#include <string.h>

#include "blkback/backend.h"
#include "blkback/helper.h"
#include "blkback/options.h"
#include "blkback/qemu.h"
#include "blkback/vbd.h"
#include "common/daemon.h"

int main(int argc, char **argv)
{
	static struct sup sup = {
		.backend = &blkback_backend,
		.kinds = {"vbd", "vbd3"},
	};
	static const struct daemon daemon = {
		.sup = &sup,
		.worker = &vbd_worker_ops,
		.line = &blkback_command_line,
		.needs_root = "opens disks and starts confined workers",
		.ended = qemu_wait_all,
	};

	if (argc > 1 && strcmp(argv[1], "--dial") == 0)
		return dial_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], "--probe") == 0)
		return probe_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], "--cage") == 0)
		return cage_main(argc, argv);
	return daemon_main(&daemon, argc, argv);
}
