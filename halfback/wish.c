// SPDX-License-Identifier: MIT
/*
 * The admin's command asks a daemon for something by a node, WHAT and an id; the answer has the
 * same id, and perhaps a sentence.  Whether it can be done is the daemon's to say.
 */
#include "halfback/wish.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/instance.h"
#include "halfback/print.h"

enum {
	STEP_MS = 500, /* how often blkback is looked for */
	STEPS = 80,    /* it gives each of its tools 10 s */
	GONE = 4,      /* steps that it may be away: it may be executing its new program */
};

static bool guard_is_there(const struct wish *wish, xs_transaction_t t)
{
	char *value = wish->guard[0] ? xs_read(wish->xs, t, wish->guard, NULL) : NULL;

	free(value);
	return value || !wish->guard[0];
}

/* Never in a directory that is gone: it would be made again. */
static int wish_write(const struct wish *wish, const char *text)
{
	bool written;

	do {
		xs_transaction_t t = xs_transaction_start(wish->xs);

		written = guard_is_there(wish, t) &&
			  xs_write(wish->xs, t, wish->node, text, (unsigned int)strlen(text));
		if (xs_transaction_end(wish->xs, t, !written) && written)
			return 0;
	} while (written && errno == EAGAIN);
	return -1;
}

static char *wish_answer(const struct wish *wish)
{
	char *text = xs_read(wish->xs, XBT_NULL, wish->answer, NULL);
	size_t len = strlen(wish->id);

	if (text && strncmp(text, wish->id, len) == 0 && (text[len] == ' ' || !text[len])) {
		const char *sentence = text + len + strspn(text + len, " ");

		memmove(text, sentence, strlen(sentence) + 1);
		return text;
	}
	free(text);
	return NULL;
}

static char *wish_wait(const struct wish *wish)
{
	char *answer = wish_answer(wish), **event;
	int gone = 0;

	for (int steps = 0;
	     !answer && steps < STEPS && gone < GONE && guard_is_there(wish, XBT_NULL);) {
		struct pollfd p = {.fd = xs_fileno(wish->xs), .events = POLLIN};
		bool idle = poll(&p, 1, STEP_MS) == 0;

		steps += idle;
		gone = instance_find("blkback") > 0 ? 0 : gone + idle;
		while ((event = xs_check_watch(wish->xs)))
			free(event);
		answer = wish_answer(wish);
	}
	return answer;
}

char *wish_make(struct wish *wish, const char *what)
{
	char text[64], *answer;

	snprintf(text, sizeof(text), "%s %s", what, wish->id);
	if (!xs_watch(wish->xs, wish->answer, "") || wish_write(wish, text) < 0) {
		say("can't ask for it in %s: %s; is the disk still attached?", wish->node,
		    strerror(errno));
		return NULL;
	}
	answer = wish_wait(wish);
	if (!answer) {
		say("%s", guard_is_there(wish, XBT_NULL)
				  ? "blkback has not answered; see its log, and halfback list"
				  : "the disk was detached meanwhile");
		xs_rm(wish->xs, XBT_NULL, wish->node);
		return NULL;
	}
	xs_rm(wish->xs, XBT_NULL, wish->answer);
	return answer;
}

int wish_open(struct wish *wish, const char *node)
{
	*wish = (struct wish){.xs = xs_open(0)};
	if (!wish->xs) {
		say("can't reach xenstored: %s; is it running?", strerror(errno));
		return -1;
	}
	snprintf(wish->id, sizeof(wish->id), "%d", (int)getpid());
	snprintf(wish->node, sizeof(wish->node), "%s", node);
	snprintf(wish->answer, sizeof(wish->answer), "%s-answer", node);
	return 0;
}

void wish_close(struct wish *wish)
{
	xs_close(wish->xs);
}
