// SPDX-License-Identifier: MIT
/* netback: what all daemons are (daemon.c), for NICs. */
#include "common/daemon.h"
#include "netback/backend.h"
#include "netback/options.h"
#include "netback/vif.h"

int main(int argc, char **argv)
{
	static struct sup sup = {
		.backend = &netback_backend,
		.kinds = {"vif"},
	};
	static const struct daemon daemon = {
		.sup = &sup,
		.worker = &vif_worker_ops,
		.line = &netback_command_line,
		.needs_root = "makes network interfaces and starts confined workers",
	};

	return daemon_main(&daemon, argc, argv);
}
