// SPDX-License-Identifier: MIT
/* pvfb: what all daemons are (daemon.c), for guests' screens and keyboards. */
#include "common/daemon.h"
#include "pvfb/backend.h"
#include "pvfb/screen.h"

int main(int argc, char **argv)
{
	static struct sup sup = {
		.backend = &pvfb_backend,
		.kinds = {"vfb", "vkbd"},
	};
	static const struct daemon daemon = {
		.sup = &sup,
		.worker = &screen_worker_ops,
		.line = &pvfb_command_line,
		.needs_root = "maps guests' screens and starts confined workers",
	};

	return daemon_main(&daemon, argc, argv);
}
