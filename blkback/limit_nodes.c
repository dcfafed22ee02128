// SPDX-License-Identifier: MIT
/*
 * A toolstack, or an admin with xenstore-write, sets limits by nodes of the backend directory,
 * which the guest can only read.  libxl has no words for them, so they are ours:
 *
 *	limit-iops, limit-bps			requests and bytes a second; 0: no limit
 *	limit-iops-burst, limit-bps-burst	how many at once after a rest; 0: a tenth of a
 *						second's
 */
#include "blkback/limit_nodes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct limit_spec limit_defaults;

static const struct {
	const char *name;
	enum limit_unit unit;
	bool burst;
} keys[] = {
	{"limit-iops", LIMIT_IOPS, false},
	{"limit-iops-burst", LIMIT_IOPS, true},
	{"limit-bps", LIMIT_BPS, false},
	{"limit-bps-burst", LIMIT_BPS, true},
};

enum {
	KEYS = sizeof(keys) / sizeof(keys[0])
};

static uint64_t *key_value(struct limit_spec *spec, int key, uint64_t *max)
{
	struct limit_rate *rate = &spec->unit[keys[key].unit];

	*max = keys[key].burst ? LIMIT_BURST_MAX : LIMIT_RATE_MAX;
	return keys[key].burst ? &rate->burst : &rate->rate;
}

uint64_t *limit_find(struct limit_spec *spec, const char *name, uint64_t *max)
{
	for (int i = 0; i < KEYS; i++)
		if (strcmp(keys[i].name, name) == 0)
			return key_value(spec, i, max);
	return NULL;
}

int limit_read(struct device *device, struct limit_spec *spec, char *why, size_t why_size)
{
	*spec = limit_defaults;
	for (int i = 0; i < KEYS; i++) {
		uint64_t max, value, *to = key_value(spec, i, &max);
		int err = store_read_number(&device->sup->store, max, &value, "%s/%s", device->path,
					    keys[i].name);

		if (err == -ENOENT)
			continue;
		if (err == -EINVAL)
			snprintf(why, why_size,
				 "its node %s is not a number from 0 to %llu; write one, or remove "
				 "the node",
				 keys[i].name, (unsigned long long)max);
		if (err < 0)
			return err;
		*to = value;
		/* A rate of its own goes with a burst of its own. */
		if (!keys[i].burst)
			spec->unit[keys[i].unit].burst = 0;
	}
	return 0;
}
