// SPDX-License-Identifier: MIT
/*
 * The names of disks, taken apart.  NBD's are URIs as the NBD project specifies them
 * (NetworkBlockDevice/nbd, doc/uri.md), less what we don't serve: TLS and user names.  A format in
 * front of a path ("qcow2:/image") is libxl's spelling for images that are not raw.
 *
 * The text is the toolstack's, whom we trust; it is checked since a slip is to get its sentence.
 */
#include "blkback/target.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char default_port[] = "10809"; /* IANA's for NBD */

/* What qemu-nbd writes as safely as it reads.  vhd is Xen's name, vpc is QEMU's. */
static const struct {
	const char *prefix, *format;
} formats[] = {
	{"qcow2:", "qcow2"}, {"vhd:", "vpc"}, {"vpc:", "vpc"}, {"vmdk:", "vmdk"}, {"qed:", "qed"},
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Copies `len` bytes of a URI, with %XX resolved.  0, or -EINVAL: too long, bad, or a NUL in it. */
static int uri_copy(char *to, size_t size, const char *from, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = from[i];

		if (c == '%') {
			int high = i + 1 < len ? hex_digit(from[i + 1]) : -1;
			int low = i + 2 < len ? hex_digit(from[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -EINVAL;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (c == '\0' || n + 1 >= size)
			return -EINVAL;
		to[n++] = c;
	}
	to[n] = '\0';
	return 0;
}

/* "host", "host:port", "[v6]", "[v6]:port" */
static int parse_authority(struct target *target, const char *at, size_t len)
{
	const char *end = at + len, *host_end, *port;

	if (memchr(at, '@', len))
		return -EINVAL;
	if (len > 0 && *at == '[') {
		at++;
		host_end = memchr(at, ']', (size_t)(end - at));
		port = host_end ? host_end + 1 : NULL;
	} else {
		host_end = memchr(at, ':', len);
		host_end = host_end ? host_end : end;
		port = host_end;
	}
	if (!host_end || host_end == at ||
	    uri_copy(target->host, sizeof(target->host), at, (size_t)(host_end - at)) < 0)
		return -EINVAL;
	if (port == end)
		return 0;
	if (*port++ != ':' || port == end || strspn(port, "0123456789") < (size_t)(end - port))
		return -EINVAL;
	return uri_copy(target->port, sizeof(target->port), port, (size_t)(end - port));
}

static int parse_tcp(struct target *target, const char *at, const char **why)
{
	size_t authority = strcspn(at, "/?#");

	target->kind = TARGET_TCP;
	snprintf(target->port, sizeof(target->port), "%s", default_port);
	*why = "is no NBD address: write nbd://host[:port]/export";
	if (parse_authority(target, at, authority) < 0)
		return -EINVAL;
	at += authority;
	if (*at == '/')
		at++;
	if (strpbrk(at, "?#"))
		return -EINVAL;
	*why = "names an export that is longer than 511 bytes or has a bad % in it";
	return uri_copy(target->export, sizeof(target->export), at, strlen(at));
}

static int parse_unix(struct target *target, const char *at, const char **why)
{
	static const char key[] = "socket=";
	size_t path = strcspn(at, "?#");
	const char *query = at + path + 1;

	target->kind = TARGET_UNIX;
	*why = "is no NBD address: write nbd+unix:///export?socket=/path";
	if (*at != '/' || at[path] != '?' || strncmp(query, key, strlen(key)) != 0)
		return -EINVAL;
	query += strlen(key);
	if (strpbrk(query, "&#") ||
	    uri_copy(target->socket, sizeof(target->socket), query, strlen(query)) < 0 ||
	    target->socket[0] != '/')
		return -EINVAL;
	*why = "names an export that is longer than 511 bytes or has a bad % in it";
	return uri_copy(target->export, sizeof(target->export), at + 1, path - 1);
}

static int parse_format(struct target *target, const char *format, const char *path,
			const char **why)
{
	target->kind = TARGET_FORMAT;
	target->format = format;
	target->path = path;
	if (strncmp(path, "nbd:", 4) == 0 || strncmp(path, "nbd+", 4) == 0) {
		*why = "is an image within an NBD export; serve it with qemu-nbd there, and name "
		       "that export";
		return -EINVAL;
	}
	return 0;
}

int target_parse(const char *text, struct target *target, const char **why)
{
	memset(target, 0, sizeof(*target));
	target->path = text;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		size_t len = strlen(formats[i].prefix);

		if (strncmp(text, formats[i].prefix, len) == 0)
			return parse_format(target, formats[i].format, text + len, why);
	}
	if (strncmp(text, "nbds://", 7) == 0 || strncmp(text, "nbds+unix://", 12) == 0) {
		*why = "asks for TLS, which is not served; use nbd:// through a tunnel of its own";
		return -EINVAL;
	}
	if (strncmp(text, "nbd://", 6) == 0)
		return parse_tcp(target, text + 6, why);
	if (strncmp(text, "nbd+unix://", 11) == 0)
		return parse_unix(target, text + 11, why);
	target->kind = TARGET_LOCAL;
	return 0;
}
