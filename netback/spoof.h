/* SPDX-License-Identifier: MIT */
/* Which addresses a guest may say are its own.  See spoof.c. */
#ifndef NETBACK_SPOOF_H
#define NETBACK_SPOOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netback/packet.h"

enum {
	SPOOF_NETS_MAX = 16
};

enum spoof_mode {
	SPOOF_OFF, /* anything passes */
	SPOOF_MAC, /* only its Ethernet address */
	SPOOF_IP,  /* and only its IP addresses, by nothing but IPv4, ARP and IPv6 */
};

struct spoof_net {
	uint8_t version; /* 4 or 6 */
	uint8_t bits;	 /* of the prefix */
	uint8_t address[16];
};

/* Plain numbers: travels through the channel. */
struct spoof {
	uint8_t mode; /* enum spoof_mode */
	uint8_t mac[ETH_ALEN_];
	uint8_t count; /* of nets, at most SPOOF_NETS_MAX */
	struct spoof_net nets[SPOOF_NETS_MAX];
};

/*
 * NULL if the guest may send it, or why not: a predicate of "the guest".  `len` bytes of the
 * frame's head, all of it or PACKET_HEAD, of which `packet` was made.  Pure.
 */
const char *spoof_check(const struct spoof *spoof, const struct packet *packet, const uint8_t *head,
			size_t len);

/* "00:16:3e:12:34:56".  0 or -EINVAL.  Pure. */
int spoof_parse_mac(uint8_t mac[ETH_ALEN_], const char *text);
/* Addresses, or prefixes such as 10.0.0.0/8, with spaces or commas between.  0, -EINVAL, -E2BIG. */
int spoof_parse_nets(struct spoof *spoof, const char *text);

#endif
