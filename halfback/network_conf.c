// SPDX-License-Identifier: MIT
/*
 * The keys of a network: which there are, what may stand in them, and which go together; and
 * halfback.conf(5), which has them in its section [network].  Pure but for the sentences.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "halfback/network.h"

enum {
	MODE_BRIDGE = 1 << 0,
	MODE_ROUTE = 1 << 1,
	MODE_NAT = 1 << 2,
	MODE_OPENVSWITCH = 1 << 3,
	MODE_ANY = (1 << 4) - 1
};

int network_complain(const struct network *network, int line, const char *fmt, ...)
{
	va_list ap;

	if (line)
		fprintf(stderr, "%s:%d: ", network->file, line);
	else
		fprintf(stderr, "%s: ", network->file);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -EINVAL;
}

/* 0 = there is no such mode. */
static int mode_bit(const char *name)
{
	static const char *const modes[] = {"bridge", "route", "nat", "openvswitch"};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(name, modes[i]) == 0)
			return 1 << i;
	}
	return 0;
}

static bool is_mode(const char *text)
{
	return mode_bit(text) != 0;
}

/* As scripts/net.sh has it: what may stand in any line that is put together. */
static bool is_interface(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789._-");

	return len > 0 && len <= 15 && !text[len] && text[0] != '-' && strcmp(text, ".") != 0 &&
	       strcmp(text, "..") != 0;
}

static bool is_yes_or_no(const char *text)
{
	return strcmp(text, "yes") == 0 || strcmp(text, "no") == 0;
}

/* ADDRESS/LENGTH of a family, with a length from LEAST to MOST. */
static bool is_prefix(const char *text, int family, int least, int most)
{
	char addr[NETWORK_VALUE_MAX], *slash;
	unsigned char bits[16];
	long len;

	snprintf(addr, sizeof(addr), "%s", text);
	slash = strchr(addr, '/');
	if (!slash)
		return false;
	*slash++ = '\0';
	if (!*slash || strlen(slash) > 3 || slash[strspn(slash, "0123456789")])
		return false;
	len = strtol(slash, NULL, 10);
	return inet_pton(family, addr, bits) == 1 && len >= least && len <= most;
}

static bool is_subnet(const char *text)
{
	return is_prefix(text, AF_INET, 8, 29);
}

static bool is_subnet6(const char *text)
{
	return is_prefix(text, AF_INET6, 1, 96);
}

static const struct {
	const char *name;
	bool (*is_valid)(const char *text);
	const char *wanted;
	int modes;
} keys[NETWORK_KEYS] = {
	[NETWORK_MODE] = {"mode", is_mode, "bridge, route, nat or openvswitch", MODE_ANY},
	[NETWORK_NETDEV] = {"netdev", is_interface, "the name of an interface",
			    MODE_BRIDGE | MODE_ROUTE | MODE_NAT},
	[NETWORK_BRIDGE] = {"bridge", is_interface, "the name of an interface",
			    MODE_BRIDGE | MODE_OPENVSWITCH},
	[NETWORK_SUBNET] = {"subnet", is_subnet, "an IPv4 subnet of /8 to /29, like 10.0.0.0/16",
			    MODE_NAT},
	[NETWORK_SUBNET6] = {"subnet6", is_subnet6,
			     "an IPv6 prefix of /96 or shorter, like fd00:1:2:3::/64", MODE_NAT},
	[NETWORK_DHCP] = {"dhcp", is_yes_or_no, "yes or no", MODE_NAT},
	[NETWORK_ANTISPOOF] = {"antispoof", is_yes_or_no, "yes or no", MODE_ANY},
};

const char *network_key_name(enum network_key key)
{
	return keys[key].name;
}

int network_set(struct network *network, const char *name, const char *value, int line)
{
	int key = 0;

	while (key < NETWORK_KEYS && strcmp(name, keys[key].name) != 0)
		key++;
	if (key == NETWORK_KEYS)
		return network_complain(network, line,
					"there is no key '%.80s'; the keys are mode, netdev, "
					"bridge, subnet, subnet6, dhcp and antispoof",
					name);
	if (network->line[key])
		return network_complain(network, line, "%s stands in line %d already; remove one",
					name, network->line[key]);
	if (strlen(value) >= NETWORK_VALUE_MAX || !keys[key].is_valid(value))
		return network_complain(network, line, "%s = %.80s: write %s", name, value,
					keys[key].wanted);
	network->line[key] = line;
	snprintf(network->value[key], NETWORK_VALUE_MAX, "%s", value);
	return 0;
}

int network_check(const struct network *network, bool complete)
{
	int line = network->line[NETWORK_MODE];
	const char *mode = network->value[NETWORK_MODE];
	enum network_key needed;

	if (!line)
		return network_complain(network, 0,
					"the mode is missing; write mode = bridge, route, nat or "
					"openvswitch below [network]");
	for (int key = 0; key < NETWORK_KEYS; key++) {
		if (network->line[key] && !(keys[key].modes & mode_bit(mode)))
			return network_complain(network, network->line[key],
						"%s is not for mode = %s; remove it",
						keys[key].name, mode);
	}
	needed = mode_bit(mode) == MODE_OPENVSWITCH ? NETWORK_BRIDGE : NETWORK_NETDEV;
	if (complete && !network->line[needed])
		return network_complain(network, line, "mode = %s needs a %s; write %s = NAME",
					mode, keys[needed].name, keys[needed].name);
	return 0;
}

/* ---- halfback.conf -------------------------------------------------------------------------- */

struct conf {
	struct network *network;
	FILE *f;
	int line;
	bool cut;    /* what was read last has no end of line */
	bool failed; /* a sentence was written */
};

/* inih tells its handler no line, but asks for one after the other. */
static char *conf_line(char *text, int size, void *user)
{
	struct conf *conf = user;
	char *got = fgets(text, size, conf->f);

	if (!got)
		return NULL;
	if (!conf->cut)
		conf->line++;
	conf->cut = !strchr(text, '\n');
	return got;
}

/* 1, or 0 = it is wrong. */
static int conf_key(void *user, const char *section, const char *name, const char *value)
{
	struct conf *conf = user;

	if (conf->failed)
		return 0;
	if (!*section)
		network_complain(conf->network, conf->line,
				 "'%.80s' stands in no section; write [network] before it", name);
	else if (strcmp(section, "network") != 0)
		network_complain(conf->network, conf->line,
				 "there is no section [%.80s]; write [network]", section);
	else if (network_set(conf->network, name, value, conf->line) == 0)
		return 1;
	conf->failed = true;
	return 0;
}

int network_read_conf(struct network *network, FILE *f)
{
	struct conf conf = {.network = network, .f = f};
	int line = ini_parse_stream(conf_line, &conf, conf_key, &conf);

	if (line == 0)
		return 0;
	if (!conf.failed)
		network_complain(network, line < 0 ? 0 : line,
				 "this is neither a comment, nor [network], nor KEY = VALUE");
	return -EINVAL;
}
