// SPDX-License-Identifier: MIT
/*
 * What a frontend is about to write to its directory: names and values, most of which are made of
 * numbers and so need memory of their own.  The list owns that memory and nothing else; it never
 * touches the store.
 */
#include "loopback/front_keys.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

struct front_number {
	char name[40], value[12];
};

int front_keys_init(struct front_keys *k, size_t max)
{
	*k = (struct front_keys){.key = calloc(max, sizeof(*k->key)),
				 .number = calloc(max, sizeof(*k->number))};
	return k->key && k->number ? 0 : -ENOMEM;
}

void front_keys_free(struct front_keys *k)
{
	free(k->key);
	free(k->number);
}

void front_keys_text(struct front_keys *k, const char *name, const char *value)
{
	k->key[k->n++] = (struct front_key){name, value};
}

void front_keys_number(struct front_keys *k, unsigned int value, const char *name, ...)
{
	struct front_number *number = &k->number[k->numbers++];
	va_list ap;

	va_start(ap, name);
	vsnprintf(number->name, sizeof(number->name), name, ap);
	va_end(ap);
	snprintf(number->value, sizeof(number->value), "%u", value);
	front_keys_text(k, number->name, number->value);
}
