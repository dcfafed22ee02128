// SPDX-License-Identifier: MIT
/*
 * A toolstack, or an admin with xenstore-write, says by nodes of the backend directory, which the
 * guest can only read, what a vif may do:
 *
 *	rate		as libxl writes it: "<bytes>,<microseconds>", that the guest may send
 *	rate-rx		the same, that it may get
 *	mac, ip		its addresses, as libxl writes them
 *	anti-spoof	off, mac, ip or auto: whether it may use others
 *
 * All of them count while the vif is connected, too, all but `mac`.
 */
#include "netback/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BURST_MIN = 131072, /* as of Linux' netback: two super-frames */
	USEC = 1000000,
};

struct settings_defaults settings_defaults = {
	.spoof = SETTINGS_AUTO,
	/* rx_drain_timeout_msecs and rx_stall_timeout_msecs of Linux' netback. */
	.drain_ms = 10000,
	.stall_ms = 60000,
};

int settings_parse_spoof(const char *word, enum settings_spoof *spoof)
{
	static const char *const words[] = {
		[SETTINGS_AUTO] = "auto",
		[SETTINGS_OFF] = "off",
		[SETTINGS_MAC] = "mac",
		[SETTINGS_IP] = "ip",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i]) == 0) {
			*spoof = (enum settings_spoof)i;
			return 0;
		}
	return -EINVAL;
}

int settings_parse_rate(const char *text, struct limit_spec *limit)
{
	const char *comma = strchr(text, ',');
	char bytes[24];
	uint64_t amount, usecs;

	memset(limit, 0, sizeof(*limit));
	if (!comma || (size_t)(comma - text) >= sizeof(bytes))
		return -EINVAL;
	memcpy(bytes, text, (size_t)(comma - text));
	bytes[comma - text] = '\0';
	if (number_parse(bytes, UINT32_MAX, &amount) < 0 ||
	    number_parse(comma + 1, UINT32_MAX, &usecs) < 0)
		return -EINVAL;
	/* No bytes in no time is Linux' word for "no limit". */
	if (amount == 0 || usecs == 0)
		return amount == usecs ? 0 : -EINVAL;
	limit->unit[LIMIT_BPS].rate = amount * USEC / usecs;
	if (limit->unit[LIMIT_BPS].rate == 0)
		limit->unit[LIMIT_BPS].rate = 1;
	limit->unit[LIMIT_BPS].burst = amount < BURST_MIN ? BURST_MIN : amount;
	return 0;
}

static int rate_read(struct device *device, const char *key, struct limit_spec *limit, char *why,
		     size_t why_size)
{
	char *text = store_read(&device->sup->store, "%s/%s", device->path, key);
	int err = text ? settings_parse_rate(text, limit) : -errno;

	if (!text && err == -ENOENT) {
		memset(limit, 0, sizeof(*limit));
		err = 0;
	}
	/* A text with a NUL in it is none: store_read(). */
	if (err == -EINVAL)
		snprintf(why, why_size,
			 "its node %s '%.40s' is not of the form BYTES,MICROSECONDS; write one, or "
			 "remove the node",
			 key, text ? text : "");
	free(text);
	return err;
}

static int mac_read(struct device *device, struct spoof *spoof, char *why, size_t why_size)
{
	char *text = store_read(&device->sup->store, "%s/mac", device->path);
	int err = text ? spoof_parse_mac(spoof->mac, text) : -errno;

	if (err == -EINVAL || err == -ENOENT)
		snprintf(why, why_size,
			 "its node mac is %s, and without one there is no anti-spoofing; write "
			 "mac= in the vif's specification",
			 text ? "no MAC address" : "missing");
	free(text);
	return err;
}

static int nets_read(struct spoof *spoof, const char *text, char *why, size_t why_size)
{
	int err = spoof_parse_nets(spoof, text);

	if (err == -E2BIG)
		snprintf(why, why_size, "its node ip has more than %d addresses; write prefixes",
			 SPOOF_NETS_MAX);
	else if (err < 0)
		snprintf(why, why_size,
			 "its node ip '%.60s' is no list of IP addresses, by which its guest's are "
			 "checked; write addresses, or anti-spoof=off",
			 text);
	return err;
}

static int mode_read(struct device *device, enum settings_spoof *mode, char *why, size_t why_size)
{
	char *text = store_read(&device->sup->store, "%s/anti-spoof", device->path);
	int err = text ? settings_parse_spoof(text, mode) : -errno;

	if (!text && err == -ENOENT) {
		*mode = settings_defaults.spoof;
		err = 0;
	}
	if (err == -EINVAL)
		snprintf(why, why_size,
			 "its node anti-spoof is '%.40s'; write off, mac, ip or auto",
			 text ? text : "");
	free(text);
	return err;
}

static int spoof_read(struct device *device, struct spoof *spoof, char *why, size_t why_size)
{
	char *ip = store_read(&device->sup->store, "%s/ip", device->path);
	int err = ip || errno == ENOENT ? 0 : -errno;
	enum settings_spoof mode = SETTINGS_OFF;

	memset(spoof, 0, sizeof(*spoof));
	/* What can't be read is not as if it were not there: its guest might use any address. */
	if (err == -EINVAL)
		snprintf(why, why_size, "its node ip is no text; write addresses, or remove it");
	if (err == 0)
		err = mode_read(device, &mode, why, why_size);
	if (mode == SETTINGS_AUTO)
		mode = ip && *ip ? SETTINGS_IP : SETTINGS_OFF;
	if (err == 0 && mode != SETTINGS_OFF)
		err = mac_read(device, spoof, why, why_size);
	if (err == 0 && mode == SETTINGS_IP)
		err = nets_read(spoof, ip ? ip : "", why, why_size);
	spoof->mode = mode == SETTINGS_OFF   ? SPOOF_OFF
		      : mode == SETTINGS_MAC ? SPOOF_MAC
					     : SPOOF_IP;
	free(ip);
	return err;
}

int settings_read(struct device *device, struct vif_settings *settings, char *why, size_t why_size)
{
	int err = rate_read(device, "rate", &settings->tx, why, why_size);

	settings->drain_ms = settings_defaults.drain_ms;
	settings->stall_ms = settings_defaults.stall_ms;
	if (err == 0)
		err = rate_read(device, "rate-rx", &settings->rx, why, why_size);
	return err == 0 ? spoof_read(device, &settings->spoof, why, why_size) : err;
}
