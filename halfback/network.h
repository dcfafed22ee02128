// SPDX-License-Identifier: MIT
/* The network that guests' NICs go to, as an admin wrote it down. */
#ifndef HALFBACK_NETWORK_H
#define HALFBACK_NETWORK_H

#include <stdbool.h>
#include <stdio.h>

enum network_key {
	NETWORK_MODE,
	NETWORK_NETDEV,
	NETWORK_BRIDGE,
	NETWORK_SUBNET,
	NETWORK_SUBNET6,
	NETWORK_DHCP,
	NETWORK_ANTISPOOF,
	NETWORK_KEYS
};

enum {
	NETWORK_VALUE_MAX = 64 /* an IPv6 prefix is the longest */
};

struct network {
	const char *file;
	int line[NETWORK_KEYS]; /* where it stands; 0 = it does not */
	char value[NETWORK_KEYS][NETWORK_VALUE_MAX];
	bool nothing; /* xend's network-dummy: the system has its network already */
};

/* "FILE:LINE: sentence" on standard error; LINE 0 is left out.  Always -EINVAL. */
int __attribute__((format(printf, 3, 4)))
network_complain(const struct network *network, int line, const char *fmt, ...);

/* 0, or -EINVAL after a sentence: there is no such key, it is there already, or the value is none.
 */
int network_set(struct network *network, const char *name, const char *value, int line);

/* 0, or -EINVAL after a sentence: a key is not for the mode or, if it has to be complete, is
 * missing. */
int network_check(const struct network *network, bool complete);

/* The key's name, which is also the word that the network-* scripts take. */
const char *network_key_name(enum network_key key);

/* Reads network->file: halfback.conf(5), or xend's configuration.  0, or -EINVAL after a sentence.
 */
int network_read_conf(struct network *network, FILE *f);
int network_read_sxp(struct network *network, FILE *f);

/* `halfback network ...`: its exit status, unless the script of the mode takes this process over.
 */
int network_main(int argc, char **argv);

#endif
