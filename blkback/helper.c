// SPDX-License-Identifier: MIT
/*
 * One question to one helper process: its channel, its time limit, its answer or its last words.
 * The answer is looked at when the helper has ended, so that nothing waits for it but a pidfd.
 */
#include "blkback/helper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void helper_forget(struct helper *helper)
{
	loop_timer_del(helper->loop, helper->limit);
	helper->limit = NULL;
	close(helper->chan);
}

static void helper_ended(struct child *child, int status)
{
	struct helper *helper = (struct helper *)child;
	const char *why = child_last_line(child);
	struct chan_msg msg;
	bool answered = chan_recv(helper->chan, &msg) > 0;

	helper_forget(helper);
	if (helper->late)
		why = "it does not answer in time";
	else if (!*why)
		why = "the process that asked it died";
	if (answered && status == 0) {
		helper->done(helper, &msg, NULL);
		return;
	}
	for (uint32_t i = 0; answered && i < msg.nfds; i++)
		close(msg.fds[i]);
	helper->done(helper, NULL, why);
}

static void helper_limit(void *arg)
{
	struct helper *helper = arg;

	helper->limit = NULL;
	helper->late = true;
	child_signal(&helper->child, SIGKILL);
}

int helper_start(struct helper *helper, struct loop *loop, const char *const *argv, int fd)
{
	struct child_plan plan = {.argv = argv, .nfds = fd < 0 ? 1 : 2};
	int pair[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	plan.fds = (const int[]){pair[1], fd};
	helper->child.ended = helper_ended;
	err = child_start(&helper->child, loop, &plan);
	close(pair[1]);
	if (err < 0) {
		close(pair[0]);
		return err;
	}
	helper->loop = loop;
	helper->chan = pair[0];
	helper->late = false;
	helper->limit = loop_timer_add(loop, HELPER_MS, helper_limit, helper);
	return 0;
}

void helper_drop(struct helper *helper)
{
	if (helper->child.pid == 0)
		return;
	child_drop(&helper->child);
	helper_forget(helper);
}
