// SPDX-License-Identifier: MIT
/*
 * NICs in an xl.cfg.  libxlutil parses only their rate; the rest is xl's own (parse_nic_config() of
 * 4.17), so it is told here again: words between commas, KEY=VALUE, an unknown key is an error.
 * What is absent gets libxl's defaults.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loopback/xloop.h"

#define SCRIPT_NAME "vif-bridge"
#define BRIDGE	    "xenbr0"
#define MTU_MIN	    68
#define MTU_MAX	    65535
#define SPEC_MAX    1024

/* Keys of what no guest here has: taken and left alone, as xl does with accel. */
static bool is_ignored(const char *key)
{
	return !strcmp(key, "model") || !strcmp(key, "accel");
}

static int number(const char *text, int min, int max, int *value)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n < min || n > max)
		return -EINVAL;
	*value = (int)n;
	return 0;
}

static int mac_set(struct vif *v, const char *text)
{
	unsigned char m[6];
	int end = 0;

	if (strlen(text) != 17 ||
	    sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &m[0], &m[1], &m[2], &m[3], &m[4],
		   &m[5], &end) != 6 ||
	    end != 17)
		return -EINVAL;
	snprintf(v->mac, sizeof(v->mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3],
		 m[4], m[5]);
	return 0;
}

/* Xen's own prefix, as libxl takes when it has no UUID to make one of. */
static int mac_random(struct vif *v)
{
	unsigned char r[3];
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, r, sizeof(r));

	if (fd >= 0)
		close(fd);
	if (n != sizeof(r))
		return -EIO;
	snprintf(v->mac, sizeof(v->mac), "00:16:3e:%02x:%02x:%02x", r[0] & 0x7f, r[1], r[2]);
	return 0;
}

static int rate_set(struct vif *v, const char *text)
{
	XLU_Config *x = xlu_cfg_init(stderr, "vif");
	libxl_device_nic nic;
	int rc;

	if (!x)
		return -ENOMEM;
	libxl_device_nic_init(&nic);
	rc = -xlu_vif_parse_rate(x, text, &nic);
	if (!rc)
		snprintf(v->rate, sizeof(v->rate), "%llu,%u",
			 (unsigned long long)nic.rate_bytes_per_interval, nic.rate_interval_usecs);
	libxl_device_nic_dispose(&nic);
	xlu_cfg_destroy(x);
	return rc;
}

static int text_set(char **to, const char *text)
{
	free(*to);
	*to = strdup(text);
	return *to ? 0 : -ENOMEM;
}

static int type_set(struct vif *v, const char *text)
{
	v->ioemu = !strcmp(text, "ioemu");
	return v->ioemu || !strcmp(text, "vif") ? 0 : -EINVAL;
}

static int key_set(struct vif *v, const char *key, const char *value)
{
	if (!strcmp(key, "mac"))
		return mac_set(v, value);
	if (!strcmp(key, "type"))
		return type_set(v, value);
	if (!strcmp(key, "rate"))
		return rate_set(v, value);
	if (!strcmp(key, "mtu"))
		return number(value, MTU_MIN, MTU_MAX, &v->mtu);
	if (!strcmp(key, "devid"))
		return number(value, 0, 65535, &v->devid);
	if (!strcmp(key, "bridge"))
		return text_set(&v->bridge, value);
	if (!strcmp(key, "ip"))
		return text_set(&v->ip, value);
	if (!strcmp(key, "vifname"))
		return text_set(&v->vifname, value);
	if (!strcmp(key, "gatewaydev") || !strcmp(key, "netdev"))
		return text_set(&v->gatewaydev, value);
	if (!strcmp(key, "vlan"))
		return text_set(&v->vlan, value);
	if (!strcmp(key, "script"))
		return host_script(v->script, value);
	return is_ignored(key) ? 0 : -ENOENT;
}

static int word_take(struct vif *v, char *word, const char *spec)
{
	char *value = strchr(word, '=');
	int rc;

	if (!strcmp(word, "trusted") || !strcmp(word, "untrusted")) {
		v->trusted = word[0] == 't';
		return 0;
	}
	if (value)
		*value++ = '\0';
	rc = value ? key_set(v, word, value) : -ENOENT;
	if (rc == -ENOENT && !strcmp(word, "backend"))
		say("vif \"%s\": backend=%s asks for a driver domain; leave it out to be served by "
		    "dom0",
		    spec, value);
	else if (rc == -ENOENT)
		say("vif \"%s\": \"%s\" is no key that a NIC has; see xl-network-configuration(5)",
		    spec, word);
	else if (rc)
		say("vif \"%s\": \"%s\" cannot be the %s of a NIC", spec, value, word);
	return rc;
}

static int defaults_set(struct vif *v)
{
	int rc = *v->mac ? 0 : mac_random(v);

	if (!rc && !v->bridge)
		rc = text_set(&v->bridge, BRIDGE);
	if (!rc && !*v->script)
		rc = host_script(v->script, SCRIPT_NAME);
	return rc;
}

int config_vif(struct vif *v, const char *spec, int devid, bool hvm)
{
	char text[SPEC_MAX], *save = NULL;
	int rc = 0;

	*v = (struct vif){.devid = devid, .mtu = VIF_MTU, .trusted = true, .ioemu = hvm};
	if (snprintf(text, sizeof(text), "%s", spec) >= (int)sizeof(text)) {
		say("a vif specification is longer than %d bytes", SPEC_MAX - 1);
		return -ENAMETOOLONG;
	}
	for (char *word = strtok_r(text, ",", &save); word && !rc;
	     word = strtok_r(NULL, ",", &save))
		rc = word_take(v, word + strspn(word, " "), spec);
	if (!rc)
		rc = defaults_set(v);
	if (rc)
		vif_free(v);
	return rc;
}

int config_vifs(struct guest_config *c, const XLU_Config *x)
{
	XLU_ConfigList *list;
	int n = 0, rc = xlu_cfg_get_list(x, "vif", &list, &n, 0);

	if (rc)
		return rc == ESRCH ? 0 : -rc;
	c->vifs = calloc((size_t)n + 1, sizeof(*c->vifs));
	if (!c->vifs)
		return -ENOMEM;
	for (int i = 0; i < n; i++) {
		rc = config_vif(&c->vifs[i], xlu_cfg_get_listitem(list, i), i,
				!strcmp(c->type, "hvm"));
		if (rc)
			return rc;
		c->nvifs++;
		for (int j = 0; j < i; j++) {
			if (c->vifs[j].devid != c->vifs[i].devid)
				continue;
			say("two NICs are both number %d", c->vifs[i].devid);
			return -EEXIST;
		}
	}
	return 0;
}

void vif_free(struct vif *v)
{
	free(v->bridge);
	free(v->ip);
	free(v->vifname);
	free(v->gatewaydev);
	free(v->vlan);
	memset(v, 0, sizeof(*v));
}
