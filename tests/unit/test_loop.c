// SPDX-License-Identifier: MIT
/*
 * The loop, in both ways to wait: whoever uses polls, timers, hooks and posts must see no
 * difference between an io_uring and an epoll.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/loop.h"
#include "tests/unit/bothways.h"

struct fixture {
	struct loop loop;
	struct loop_poll *poll, *other;
	int fds[2];
	int told, other_told;
	char order[16];
};

static int setup(void **state, enum loop_way way)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	assert_int_equal(loop_init(&f.loop, 8, way), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, f.fds), 0);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	loop_free(&f->loop);
	close(f->fds[0]);
	close(f->fds[1]);
	return 0;
}

static void stop(void *arg)
{
	((struct fixture *)arg)->loop.stop = true;
}

/* Lets the loop run until nothing can be under way any more. */
static void run_for(struct fixture *f, uint32_t ms)
{
	f->loop.stop = false;
	loop_timer_add(&f->loop, ms, stop, f);
	assert_int_equal(loop_run(&f->loop), 0);
}

/* ---- polls ------------------------------------------------------------------------------ */

static void read_all(void *arg, int events)
{
	struct fixture *f = arg;
	char text[64];

	assert_true(events > 0);
	f->told++;
	while (read(f->fds[0], text, sizeof(text)) > 0)
		;
}

static void count(void *arg, int events)
{
	(void)events;
	((struct fixture *)arg)->other_told++;
}

static void a_descriptor_is_told_each_time_it_becomes_readable(void **state)
{
	struct fixture *f = *state;

	f->poll = loop_poll_add(&f->loop, f->fds[0], read_all, f);
	run_for(f, 5);
	assert_int_equal(f->told, 0);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(write(f->fds[1], "x", 1), 1);
		run_for(f, 5);
		assert_int_equal(f->told, i);
	}
	loop_poll_del(&f->loop, f->poll);
}

static void what_was_readable_before_is_told(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(write(f->fds[1], "x", 1), 1);
	f->poll = loop_poll_add(&f->loop, f->fds[0], read_all, f);
	run_for(f, 5);
	assert_int_equal(f->told, 1);
}

/* Else a descriptor that nobody reads would keep the loop awake for ever. */
static void what_is_not_read_is_told_once(void **state)
{
	struct fixture *f = *state;

	f->poll = loop_poll_add(&f->loop, f->fds[0], count, f);
	assert_int_equal(write(f->fds[1], "x", 1), 1);
	run_for(f, 10);
	assert_int_equal(f->other_told, 1);
	assert_int_equal(write(f->fds[1], "x", 1), 1);
	run_for(f, 10);
	assert_int_equal(f->other_told, 2);
}

static void a_closed_peer_is_told(void **state)
{
	struct fixture *f = *state;

	f->poll = loop_poll_add(&f->loop, f->fds[0], read_all, f);
	run_for(f, 1);
	shutdown(f->fds[1], SHUT_RDWR);
	run_for(f, 5);
	assert_true(f->told >= 1);
}

static void a_deleted_poll_is_not_told(void **state)
{
	struct fixture *f = *state;

	f->poll = loop_poll_add(&f->loop, f->fds[0], read_all, f);
	run_for(f, 1);
	assert_int_equal(write(f->fds[1], "x", 1), 1);
	loop_poll_del(&f->loop, f->poll);
	loop_poll_del(&f->loop, NULL);
	run_for(f, 5);
	assert_int_equal(f->told, 0);
}

/* The kernel may be about to tell of it: it must let go of the file all the same. */
static void a_poll_deleted_at_once_holds_no_file(void **state)
{
	struct fixture *f = *state;
	char byte;

	assert_int_equal(write(f->fds[1], "a", 1), 1);
	f->poll = loop_poll_add(&f->loop, f->fds[0], count, f);
	loop_poll_del(&f->loop, f->poll);
	assert_int_equal(read(f->fds[0], &byte, 1), 1);
	close(f->fds[0]);
	f->fds[0] = -1;
	run_for(f, 20);
	assert_int_equal(f->told, 0);
	assert_int_equal(read(f->fds[1], &byte, 1), 0);
}

/* Whichever is told first deletes both: the other's event is in the same batch. */
static void delete_both(void *arg, int events)
{
	struct fixture *f = arg;

	(void)events;
	f->told++;
	loop_poll_del(&f->loop, f->poll);
	loop_poll_del(&f->loop, f->other);
}

static void a_poll_may_delete_itself_and_another(void **state)
{
	struct fixture *f = *state;

	f->poll = loop_poll_add(&f->loop, f->fds[0], delete_both, f);
	f->other = loop_poll_add(&f->loop, f->fds[1], delete_both, f);
	run_for(f, 1);
	assert_int_equal(write(f->fds[1], "x", 1), 1);
	assert_int_equal(write(f->fds[0], "x", 1), 1);
	run_for(f, 5);
	assert_int_equal(f->told, 1);
}

static void one_descriptor_may_be_watched_both_ways(void **state)
{
	struct fixture *f = *state;

	f->poll = loop_poll_add(&f->loop, f->fds[0], read_all, f);
	f->other = loop_poll_add_out(&f->loop, f->fds[0], count, f);
	run_for(f, 5);
	assert_int_equal(f->told, 0);
	assert_true(f->other_told >= 1);
	loop_poll_del(&f->loop, f->other);
	f->other_told = 0;
	assert_int_equal(write(f->fds[1], "x", 1), 1);
	run_for(f, 5);
	assert_int_equal(f->told, 1);
	assert_int_equal(f->other_told, 0);
}

/* ---- timers ----------------------------------------------------------------------------- */

static void fire_a(void *arg)
{
	strcat(((struct fixture *)arg)->order, "a");
}

static void fire_b(void *arg)
{
	strcat(((struct fixture *)arg)->order, "b");
}

static void fire_c_later(void *arg)
{
	struct fixture *f = arg;

	strcat(f->order, "c");
	if (strlen(f->order) < 4)
		loop_timer_add(&f->loop, 1, fire_c_later, f);
}

static void timers_fire_when_they_are_due(void **state)
{
	struct fixture *f = *state;
	uint64_t start = loop_now_ns();

	loop_timer_add(&f->loop, 8, fire_b, f);
	loop_timer_add(&f->loop, 4, fire_a, f);
	run_for(f, 15);
	assert_string_equal(f->order, "ab");
	assert_true(loop_now_ns() - start >= 15000000);
}

static void a_timer_taken_back_does_not_fire(void **state)
{
	struct fixture *f = *state;
	struct loop_timer *first = loop_timer_add(&f->loop, 2, fire_a, f);
	struct loop_timer *second = loop_timer_add(&f->loop, 4, fire_a, f);

	loop_timer_add(&f->loop, 3, fire_b, f);
	loop_timer_del(&f->loop, second);
	loop_timer_del(&f->loop, first);
	loop_timer_del(&f->loop, NULL);
	run_for(f, 10);
	assert_string_equal(f->order, "b");
}

static void a_timer_may_set_a_timer(void **state)
{
	struct fixture *f = *state;

	loop_timer_add(&f->loop, 0, fire_c_later, f);
	run_for(f, 20);
	assert_string_equal(f->order, "cccc");
}

/* ---- busy loops -------------------------------------------------------------------------- */

struct busy_hook {
	struct loop_hook hook; /* first */
	struct fixture *f;
	int turns;
};

static void busy_turn(struct loop_hook *hook)
{
	struct busy_hook *busy = (struct busy_hook *)hook;

	if (++busy->turns > 1000000)
		busy->f->loop.stop = true;
}

static bool always(struct loop_hook *hook)
{
	(void)hook;
	return true;
}

static void stop_on_event(void *arg, int events)
{
	(void)events;
	stop(arg);
}

static void a_loop_that_always_has_work_sees_its_descriptors(void **state)
{
	struct fixture *f = *state;
	struct busy_hook busy = {.hook = {busy_turn, always, always, NULL}, .f = f};

	loop_hook_add(&f->loop, &busy.hook);
	f->poll = loop_poll_add(&f->loop, f->fds[0], stop_on_event, f);
	assert_int_equal(write(f->fds[1], "x", 1), 1);
	assert_int_equal(loop_run(&f->loop), 0);
	assert_true(busy.turns < 1000);
	loop_hook_del(&f->loop, &busy.hook);
}

static void a_loop_that_always_has_work_sees_its_timers(void **state)
{
	struct fixture *f = *state;
	struct busy_hook busy = {.hook = {busy_turn, always, always, NULL}, .f = f};

	loop_hook_add(&f->loop, &busy.hook);
	loop_timer_add(&f->loop, 1, stop, f);
	assert_int_equal(loop_run(&f->loop), 0);
	assert_true(busy.turns <= 1000000);
	loop_hook_del(&f->loop, &busy.hook);
}

/* ---- posts ------------------------------------------------------------------------------- */

enum {
	POSTERS = 4,
	POSTS = 2000
};

struct numbered_post {
	struct loop_post post; /* first */
	struct poster *poster;
};

struct poster {
	struct fixture *f;
	pthread_t id;
	int seen;
	struct numbered_post posts[POSTS];
};

static void post_seen(struct op *op, int res, uint32_t cqe_flags)
{
	struct poster *poster = ((struct numbered_post *)op)->poster;

	(void)cqe_flags;
	/* First posted, first done. */
	assert_int_equal(res, poster->seen);
	poster->seen++;
	if (++poster->f->told == POSTERS * POSTS)
		stop(poster->f);
}

static void *post_all(void *arg)
{
	struct poster *poster = arg;

	for (int i = 0; i < POSTS; i++) {
		poster->posts[i].poster = poster;
		poster->posts[i].post.op.done = post_seen;
		if (i % 100 == 0)
			usleep(100); /* lets the loop sleep now and then */
		loop_post(&poster->f->loop, &poster->posts[i].post, i);
	}
	return NULL;
}

static void threads_may_post(void **state)
{
	static struct poster posters[POSTERS];
	struct fixture *f = *state;

	memset(posters, 0, sizeof(posters));
	assert_int_equal(loop_post_open(&f->loop), 0);
	assert_int_equal(loop_post_open(&f->loop), 0);
	for (int i = 0; i < POSTERS; i++) {
		posters[i].f = f;
		assert_int_equal(pthread_create(&posters[i].id, NULL, post_all, &posters[i]), 0);
	}
	assert_int_equal(loop_run(&f->loop), 0);
	assert_int_equal(f->told, POSTERS * POSTS);
	for (int i = 0; i < POSTERS; i++)
		pthread_join(posters[i].id, NULL);
}

/* ---- hooks that rest ---------------------------------------------------------------------- */

struct resting {
	struct loop_hook hook; /* first */
	struct fixture *f;
	int sleeps;
};

static void resting_turn(struct loop_hook *hook)
{
	(void)hook;
}

static bool resting_peek(struct loop_hook *hook)
{
	(void)hook;
	return false;
}

static bool resting_sleep(struct loop_hook *hook)
{
	struct resting *r = (struct resting *)hook;

	r->sleeps++;
	loop_hook_del(&r->f->loop, hook);
	return false;
}

static void a_hook_may_rest_and_come_back(void **state)
{
	struct fixture *f = *state;
	struct resting r[3];

	for (int i = 0; i < 3; i++) {
		r[i] = (struct resting){{resting_turn, resting_peek, resting_sleep, NULL}, f, 0};
		loop_hook_add(&f->loop, &r[i].hook);
	}
	run_for(f, 5);
	run_for(f, 5);
	for (int i = 0; i < 3; i++)
		assert_int_equal(r[i].sleeps, 1);
	loop_hook_add(&f->loop, &r[1].hook);
	run_for(f, 5);
	assert_int_equal(r[0].sleeps, 1);
	assert_int_equal(r[1].sleeps, 2);
	assert_int_equal(r[2].sleeps, 1);
}

/* ---- spinning ---------------------------------------------------------------------------- */

enum {
	TURNS = 5000
};

/* A hook whose work is there after `looks` looks, or when it has slept for `late_ns`. */
struct looked_at {
	struct loop_hook hook;
	struct fixture *f;
	int looks, looked; /* looked: since the last turn */
	uint64_t late_ns;
	int turns, naps, spins;
};

static void looked_at_turn(struct loop_hook *hook)
{
	struct looked_at *l = (struct looked_at *)hook;

	if (l->looked > 1)
		l->spins++;
	l->looked = 0;
	l->f->loop.stop = ++l->turns == TURNS;
}

static bool looked_at_peek(struct loop_hook *hook)
{
	struct looked_at *l = (struct looked_at *)hook;

	return ++l->looked > l->looks;
}

static bool looked_at_sleep(struct loop_hook *hook)
{
	struct looked_at *l = (struct looked_at *)hook;
	uint64_t now = loop_now_ns();

	l->naps++;
	while (loop_now_ns() - now < l->late_ns)
		;
	return true;
}

static struct looked_at *look_at(struct fixture *f, int looks, uint64_t late_ns)
{
	static struct looked_at l;

	l = (struct looked_at){
		.hook = {.turn = looked_at_turn, .peek = looked_at_peek, .sleep = looked_at_sleep},
		.f = f,
		.looks = looks,
		.late_ns = late_ns};
	loop_hook_add(&f->loop, &l.hook);
	assert_int_equal(loop_run(&f->loop), 0);
	loop_hook_del(&f->loop, &l.hook);
	return &l;
}

static void a_loop_whose_work_comes_soon_learns_to_spin(void **state)
{
	struct fixture *f = *state;

	f->loop.spin_us = 1000; /* shorter than a sleep of this hook */
	assert_in_range(look_at(f, 1, 2000000)->naps, 1, 200);
}

static void a_loop_whose_work_is_late_hardly_ever_spins(void **state)
{
	struct fixture *f = *state;

	f->loop.spin_us = 1;
	assert_in_range(look_at(f, INT32_MAX, 10000)->spins, 1, 12);
}

static void a_loop_that_may_not_spin_does_not(void **state)
{
	assert_int_equal(look_at(*state, 1, 0)->spins, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_descriptor_is_told_each_time_it_becomes_readable),
		BOTH(what_was_readable_before_is_told),
		BOTH(what_is_not_read_is_told_once),
		BOTH(a_closed_peer_is_told),
		BOTH(a_deleted_poll_is_not_told),
		BOTH(a_poll_deleted_at_once_holds_no_file),
		BOTH(a_poll_may_delete_itself_and_another),
		BOTH(one_descriptor_may_be_watched_both_ways),
		BOTH(timers_fire_when_they_are_due),
		BOTH(a_timer_taken_back_does_not_fire),
		BOTH(a_timer_may_set_a_timer),
		BOTH(a_loop_that_always_has_work_sees_its_descriptors),
		BOTH(a_loop_that_always_has_work_sees_its_timers),
		BOTH(threads_may_post),
		BOTH(a_hook_may_rest_and_come_back),
		BOTH(a_loop_whose_work_comes_soon_learns_to_spin),
		BOTH(a_loop_whose_work_is_late_hardly_ever_spins),
		BOTH(a_loop_that_may_not_spin_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
