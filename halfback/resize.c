// SPDX-License-Identifier: MIT
/*
 * halfback resize: asks blkback to make an image larger and waits for its answer, by two nodes of
 * the disk's backend directory (blkback/grow.c).  Whether it can be done is blkback's to say.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xenstore.h>

#include "common/instance.h"
#include "common/store.h"
#include "halfback/print.h"

enum {
	STEP_MS = 500, /* how often blkback is looked for */
	STEPS = 80,    /* it gives each of its tools 10 s */
};

struct wish {
	struct xs_handle *xs;
	const struct vbd *vbd;
	char id[16];
	char node[STORE_PATH_MAX], answer[STORE_PATH_MAX];
};

/* Never in a directory that is gone: it would be made again. */
static int wish_write(const struct wish *wish, uint64_t bytes)
{
	char path[STORE_PATH_MAX], text[64], *state;
	bool written;

	snprintf(path, sizeof(path), "%s/state", wish->vbd->path);
	snprintf(text, sizeof(text), "%" PRIu64 " %s", bytes, wish->id);
	do {
		xs_transaction_t t = xs_transaction_start(wish->xs);

		state = xs_read(wish->xs, t, path, NULL);
		written = state &&
			  xs_write(wish->xs, t, wish->node, text, (unsigned int)strlen(text));
		free(state);
		if (xs_transaction_end(wish->xs, t, !written) && written)
			return 0;
	} while (written && errno == EAGAIN);
	return -1;
}

/* What stands behind our id: "" or a sentence, for free(); NULL: no answer yet. */
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

static bool disk_is_there(const struct wish *wish)
{
	char path[STORE_PATH_MAX], *state;

	snprintf(path, sizeof(path), "%s/state", wish->vbd->path);
	state = xs_read(wish->xs, XBT_NULL, path, NULL);
	free(state);
	return state != NULL;
}

static char *wish_wait(const struct wish *wish)
{
	char *answer = wish_answer(wish), **event;

	for (int steps = 0;
	     !answer && steps < STEPS && instance_find("blkback") > 0 && disk_is_there(wish);) {
		struct pollfd p = {.fd = xs_fileno(wish->xs), .events = POLLIN};

		steps += poll(&p, 1, STEP_MS) == 0;
		while ((event = xs_check_watch(wish->xs)))
			free(event);
		answer = wish_answer(wish);
	}
	return answer;
}

static int wish_make(const struct wish *wish, uint64_t bytes)
{
	const struct vbd *vbd = wish->vbd;
	char *answer;
	int ret = -1;

	if (!xs_watch(wish->xs, wish->answer, "") || wish_write(wish, bytes) < 0) {
		say("can't ask for it in %s: %s; is the disk still attached?", vbd->path,
		    strerror(errno));
		return -1;
	}
	answer = wish_wait(wish);
	if (!answer) {
		say("%s", disk_is_there(wish)
				  ? "blkback has not answered; see its log, and halfback list"
				  : "the disk was detached meanwhile");
		xs_rm(wish->xs, XBT_NULL, wish->node);
	} else if (*answer) {
		say("%s", answer);
	} else {
		printf("%s of guest %s has %" PRIu64 " bytes now\n", vbd->vdev, vbd->guest, bytes);
		ret = 0;
	}
	if (answer)
		xs_rm(wish->xs, XBT_NULL, wish->answer);
	free(answer);
	return ret;
}

int resize_vbd(const struct vbd *vbd, uint64_t bytes)
{
	struct wish wish = {.xs = xs_open(0), .vbd = vbd};
	int ret;

	if (!wish.xs) {
		say("can't reach xenstored: %s; is it running?", strerror(errno));
		return -1;
	}
	snprintf(wish.id, sizeof(wish.id), "%d", (int)getpid());
	snprintf(wish.node, sizeof(wish.node), "%s/resize", vbd->path);
	snprintf(wish.answer, sizeof(wish.answer), "%s/resize-answer", vbd->path);
	ret = wish_make(&wish, bytes);
	xs_close(wish.xs);
	return ret;
}
