// SPDX-License-Identifier: MIT
/*
 * Nodes of xenstore as text for a terminal.  A name is only text: what a terminal would obey is
 * taken out.
 */
#include "halfback/nodes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "common/store.h"

/* Replaces what is no printable character of UTF-8 (main() set the locale). */
static char *text_clean(char *text)
{
	mbstate_t state = {0};
	size_t len = strlen(text), n;

	for (char *c = text; *c; c += n, len -= n) {
		wchar_t wide = 0;

		n = mbrtowc(&wide, c, len, &state);
		if (n <= len && iswprint((wint_t)wide))
			continue;
		if (n > len)
			n = 1;
		memset(c, '?', n);
		memset(&state, 0, sizeof(state));
	}
	return text;
}

char *node_read(struct xs_handle *xs, const char *fmt, ...)
{
	char path[STORE_PATH_MAX], *text;
	unsigned int len;
	va_list ap;

	if (!xs)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	text = xs_read(xs, XBT_NULL, path, &len);
	return text ? text_clean(text) : NULL;
}

uint32_t own_domid(struct xs_handle *xs)
{
	char *text = node_read(xs, "domid");
	uint64_t domid = 0;

	if (text)
		number_parse(text, UINT16_MAX, &domid);
	free(text);
	return (uint32_t)domid;
}
