/* SPDX-License-Identifier: MIT */
/*
 * The store of targets that read nodes, in lines of KEY=VALUE; a line without = is a node that may
 * not be read.  libxenstore's xs_read() is the one below.
 */
#ifndef TESTS_FUZZ_NODES_H
#define TESTS_FUZZ_NODES_H

#include <errno.h>
#include <stdbool.h>

#include <xenstore.h>

#include "tests/fuzz/fuzz.h"

enum {
	LINES = 128
};

static struct line {
	const char *text;
	size_t len;
	bool read;
} lines[LINES];
static int line_count;

static struct line *line_find(const char *key, size_t key_len)
{
	for (int i = 0; i < line_count; i++)
		if (lines[i].len >= key_len && memcmp(lines[i].text, key, key_len) == 0 &&
		    (lines[i].len == key_len || lines[i].text[key_len] == '='))
			return &lines[i];
	return NULL;
}

void *xs_read(struct xs_handle *xs, xs_transaction_t t, const char *path, unsigned int *len)
{
	const char *key = path + 2; /* "f/" or "b/" */
	struct line *line = line_find(key, strlen(key));
	size_t skip = strlen(key) + 1;
	char *value;

	(void)xs;
	(void)t;
	errno = line ? EACCES : ENOENT;
	if (!line || line->len < skip)
		return NULL;
	check(!line->read);
	line->read = true;
	*len = (unsigned int)(line->len - skip);
	value = calloc(1, *len + 1);
	memcpy(value, line->text + skip, *len);
	return value;
}

static void lines_split(const char *text, size_t size)
{
	const char *end = text + size, *stop;

	for (line_count = 0; text < end && line_count < LINES; text = stop + 1) {
		stop = memchr(text, '\n', (size_t)(end - text));
		stop = stop ? stop : end;
		lines[line_count++] = (struct line){.text = text, .len = (size_t)(stop - text)};
	}
}

#endif
