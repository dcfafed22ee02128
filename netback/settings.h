/* SPDX-License-Identifier: MIT */
/* What the toolstack and the command line set of a vif.  See settings.c. */
#ifndef NETBACK_SETTINGS_H
#define NETBACK_SETTINGS_H

#include <stddef.h>

#include "common/sup.h"
#include "netback/config.h"

/* Whose sources are checked where the node `anti-spoof` does not say. */
enum settings_spoof {
	SETTINGS_AUTO, /* vifs with addresses in their node `ip` */
	SETTINGS_OFF,
	SETTINGS_MAC,
	SETTINGS_IP,
};

/* By the command line. */
extern struct settings_defaults {
	enum settings_spoof spoof;
	uint32_t drain_ms, stall_ms;
} settings_defaults;

/* A word of --anti-spoof or of the node.  0 or -EINVAL.  Pure. */
int settings_parse_spoof(const char *word, enum settings_spoof *spoof);
/* libxl's "<bytes>,<microseconds>".  0 or -EINVAL.  Pure. */
int settings_parse_rate(const char *text, struct limit_spec *limit);

/*
 * Reads rates and anti-spoofing from the backend's directory; what is the guest's stays as it is.
 * 0 or -errno, with a sentence in `why` if a node is bad.
 */
int settings_read(struct device *device, struct vif_settings *settings, char *why, size_t why_size);

#endif
