// SPDX-License-Identifier: MIT
/*
 * A browser's request to open a WebSocket (RFC 6455 section 4.2), and the answer to it.
 *
 * Any page that an admin looks at may ask for ws://127.0.0.1:5900: browsers hold WebSockets to no
 * origin, and leave that to servers.  So a screen without a password is for pages that come from
 * the address that they ask for, if that is a number (a name can be made to lead here by whoever
 * owns it: DNS rebinding), or from the browser's own machine.  A program that is no browser sends
 * no origin.
 */
#include <errno.h>
#include <gcrypt.h>
#include <stdio.h>
#include <string.h>

#include "pvfb/websocket.h"

enum {
	KEY_LENGTH = 24, /* 16 bytes in base64 */
	SHA1_BYTES = 20,
	ACCEPT_LENGTH = 28,
	STATUS_OK = 101,
	STATUS_BAD = 400,
	STATUS_FORBIDDEN = 403,
	STATUS_UPGRADE = 426,
};

/* What is looked at of a request; empty: it has none. */
struct web_request {
	char host[256], origin[256], upgrade[32], version[8], key[64], protocol[64];
};

static const struct web_field {
	const char *name;
	size_t offset, size;
} fields[] = {
#define FIELD(name, member)                                                                        \
	{                                                                                          \
		name, offsetof(struct web_request, member),                                        \
			sizeof(((struct web_request *)NULL)->member)                               \
	}
	FIELD("host", host),
	FIELD("origin", origin),
	FIELD("upgrade", upgrade),
	FIELD("sec-websocket-version", version),
	FIELD("sec-websocket-key", key),
	FIELD("sec-websocket-protocol", protocol),
#undef FIELD
};

size_t web_request_bytes(const uint8_t *buf, size_t n)
{
	const uint8_t *end = memmem(buf, n, "\r\n\r\n", 4);

	return end ? (size_t)(end - buf) + 4 : 0;
}

/* Takes a line "Name: value" if it is one that we look at.  -EINVAL: twice, or too long. */
static int field_take(struct web_request *request, const char *line)
{
	const char *colon = strchr(line, ':'), *value;
	size_t len;

	if (!colon)
		return -EINVAL;
	value = colon + 1 + strspn(colon + 1, " \t");
	len = strlen(value);
	while (len > 0 && strchr(" \t", value[len - 1]))
		len--;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		char *to = (char *)request + fields[i].offset;

		if (strlen(fields[i].name) != (size_t)(colon - line) ||
		    strncasecmp(line, fields[i].name, (size_t)(colon - line)) != 0)
			continue;
		if (*to || len >= fields[i].size)
			return -EINVAL;
		memcpy(to, value, len);
		to[len] = '\0';
	}
	return 0;
}

static int request_parse(struct web_request *request, const uint8_t *bytes, size_t n)
{
	char text[WEB_REQUEST_MAX + 1], *rest = text, *line;
	bool first = true;

	memset(request, 0, sizeof(*request));
	if (n > WEB_REQUEST_MAX || memchr(bytes, '\0', n))
		return -EINVAL;
	memcpy(text, bytes, n);
	text[n] = '\0';
	while ((line = strsep(&rest, "\n")) && rest) {
		size_t len = strlen(line);

		if (len == 0 || line[len - 1] != '\r')
			return -EINVAL;
		line[len - 1] = '\0';
		if (len > 1 && !first && field_take(request, line) < 0)
			return -EINVAL;
		first = false;
	}
	return 0;
}

/* The length of a host and port's host. */
static size_t host_length(const char *text)
{
	return text[0] == '[' ? strcspn(text, "]") + 1 : strcspn(text, ":");
}

/* Whether it is one by whose page no stranger can be meant: not a name that leads somewhere. */
static bool host_is_number(const char *host, size_t len)
{
	return (len == strlen("localhost") && strncasecmp(host, "localhost", len) == 0) ||
	       (host[0] == '[' && len > 2) || (len > 0 && strspn(host, "0123456789.") >= len);
}

/* A page of a program on the browser's own machine. */
static bool host_is_loopback(const char *host, size_t len)
{
	return host_is_number(host, len) &&
	       (strncmp(host, "127.", 4) == 0 || strncmp(host, "[::1]", 5) == 0 ||
		strncasecmp(host, "localhost", len) == 0);
}

static bool origin_is_own(const struct web_request *request)
{
	const char *origin = request->origin, *host = strstr(origin, "://");
	size_t len;

	if (!*origin || !host)
		return !*origin;
	host += strlen("://");
	len = host_length(host);
	if (host_is_loopback(host, len))
		return true;
	return host_is_number(host, len) && host_length(request->host) == len &&
	       strncasecmp(host, request->host, len) == 0;
}

static void base64(char *out, const uint8_t *in, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
	const uint32_t pad = 64;

	for (size_t i = 0; i < n; i += 3) {
		uint32_t three = (uint32_t)in[i] << 16;

		three |= i + 1 < n ? (uint32_t)in[i + 1] << 8 : 0;
		three |= i + 2 < n ? in[i + 2] : 0;
		*out++ = digits[three >> 18];
		*out++ = digits[three >> 12 & 63];
		*out++ = digits[i + 1 < n ? three >> 6 & 63 : pad];
		*out++ = digits[i + 2 < n ? three & 63 : pad];
	}
	*out = '\0';
}

/* Section 4.2.2, 5.4: that whoever answers knows what a WebSocket is. */
static void accept_write(char accept[ACCEPT_LENGTH + 1], const char *key)
{
	char text[KEY_LENGTH + 64];
	uint8_t sum[SHA1_BYTES];

	snprintf(text, sizeof(text), "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
	gcry_md_hash_buffer(GCRY_MD_SHA1, sum, text, strlen(text));
	base64(accept, sum, sizeof(sum));
}

/* noVNC of old offers "base64, binary". */
static bool offers_binary(const char *protocols)
{
	for (const char *at = protocols; *at;) {
		size_t len = strcspn(at, ", ");

		if (len == strlen("binary") && strncmp(at, "binary", len) == 0)
			return true;
		at += len;
		at += strspn(at, ", ");
	}
	return false;
}

static int refuse(char answer[WEB_ANSWER_MAX], int status, const char *reason, const char *text)
{
	snprintf(answer, WEB_ANSWER_MAX,
		 "HTTP/1.1 %d %s\r\nConnection: close\r\n%sContent-Type: text/plain\r\n"
		 "Content-Length: %zu\r\n\r\n%s",
		 status, reason, status == STATUS_UPGRADE ? "Upgrade: websocket\r\n" : "",
		 strlen(text), text);
	return status;
}

int web_answer(char answer[WEB_ANSWER_MAX], const uint8_t *bytes, size_t n, bool any_origin)
{
	char accept[ACCEPT_LENGTH + 1];
	struct web_request request;

	if (request_parse(&request, bytes, n) < 0 || !request.host[0])
		return refuse(answer, STATUS_BAD, "Bad Request",
			      "This is no request of HTTP/1.1.\n");
	if (strcasecmp(request.upgrade, "websocket") != 0 || strcmp(request.version, "13") != 0)
		return refuse(answer, STATUS_UPGRADE, "Upgrade Required",
			      "A VNC server, also by WebSocket.  For a page on it, run in dom0:\n"
			      "halfback console GUEST\n");
	if (strlen(request.key) != KEY_LENGTH)
		return refuse(answer, STATUS_BAD, "Bad Request",
			      "Its Sec-WebSocket-Key is none.\n");
	if (!any_origin && !origin_is_own(&request))
		return refuse(answer, STATUS_FORBIDDEN, "Forbidden",
			      "A screen without a password is not for pages of other hosts.\n");
	accept_write(accept, request.key);
	snprintf(answer, WEB_ANSWER_MAX,
		 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		 "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
		 accept,
		 offers_binary(request.protocol) ? "Sec-WebSocket-Protocol: binary\r\n" : "");
	return STATUS_OK;
}
