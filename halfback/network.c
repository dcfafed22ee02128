// SPDX-License-Identifier: MIT
/*
 * halfback network: finds out which network an admin wants and has the script of that mode start
 * it, stop it, or say how it is.  All that is done to the host the scripts do (scripts/network);
 * here is only read, checked and handed over, so a config with a fault changes nothing.
 */
#include "halfback/network.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define CONF "/etc/xen/halfback.conf"

static const char usage[] =
	"usage: halfback network start|stop|status [--config FILE | --from FILE]\n"
	"  start             the network that guests' NICs go to, as\n"
	"                    " CONF " says; stop undoes what start\n"
	"                    did, and status tells how it is\n"
	"  --config FILE     another file than that\n"
	"  --from FILE       the lines network-script and vif-script of xend's file,\n"
	"                    /etc/xen/xend-config.sxp\n"
	"See halfback(8), halfback.conf(5) and network-bridge(8).\n";

static int network_read(struct network *network, bool sxp)
{
	FILE *f = fopen(network->file, "re");
	int ret;

	if (!f)
		return network_complain(network, 0, "can't read it: %s", strerror(errno));
	ret = sxp ? network_read_sxp(network, f) : network_read_conf(network, f);
	fclose(f);
	/* xend found the netdev itself where none was named, and so do the scripts. */
	return ret < 0 || network->nothing ? ret : network_check(network, !sxp);
}

/* Beside an installed halfback, or one in its source tree: in build, or build/asan. */
static int script_find(char *path, size_t size, const char *mode)
{
	static const char *const places[] = {"../lib/halfback", "../scripts", "../../scripts"};
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *dir;

	if (len < 0)
		return -errno;
	self[len] = '\0';
	dir = dirname(self);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, size, "%s/%s/network/network-%s", dir, places[i], mode);
		if (access(path, X_OK) == 0)
			return 0;
	}
	return -ENOENT;
}

/* Does not come back, unless it can't be run: exit status. */
static int script_run(const struct network *network, char *action)
{
	static char words[NETWORK_KEYS][NETWORK_VALUE_MAX + 16];
	char *args[NETWORK_KEYS + 3] = {NULL}, path[PATH_MAX + 64];
	int n = 0;

	if (script_find(path, sizeof(path), network->value[NETWORK_MODE]) < 0) {
		fprintf(stderr,
			"halfback: network-%s is not in lib/halfback/network; install halfback "
			"again\n",
			network->value[NETWORK_MODE]);
		return 1;
	}
	args[n++] = path;
	args[n++] = action;
	for (int key = NETWORK_MODE + 1; key < NETWORK_KEYS; key++) {
		if (!network->line[key])
			continue;
		snprintf(words[key], sizeof(words[key]), "%s=%s", network_key_name(key),
			 network->value[key]);
		args[n++] = words[key];
	}
	execv(path, args);
	fprintf(stderr, "halfback: can't run %s: %s\n", path, strerror(errno));
	return 1;
}

static int usage_error(const char *what)
{
	fprintf(stderr, "halfback: network: %s; see halfback network --help\n", what);
	return 2;
}

static bool is_action(const char *word)
{
	return strcmp(word, "start") == 0 || strcmp(word, "stop") == 0 ||
	       strcmp(word, "status") == 0;
}

int network_main(int argc, char **argv)
{
	struct network network = {.file = CONF};
	char *action = NULL;
	bool named = false, sxp = false;

	for (int i = 1; i < argc; i++) {
		bool from = strcmp(argv[i], "--from") == 0;

		if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) {
			fputs(usage, stdout);
			return 0;
		}
		if (from || strcmp(argv[i], "--config") == 0) {
			if (++i == argc || named)
				return usage_error("name one file behind --config or --from");
			network.file = argv[i];
			named = true;
			sxp = from;
		} else if (!action && is_action(argv[i])) {
			action = argv[i];
		} else {
			return usage_error("say start, stop or status");
		}
	}
	if (!action)
		return usage_error("say start, stop or status");
	if (network_read(&network, sxp) < 0)
		return 1;
	if (network.nothing) {
		printf("%s: the network is the system's own; nothing to %s\n", network.file,
		       action);
		return 0;
	}
	return script_run(&network, action);
}
