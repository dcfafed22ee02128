// SPDX-License-Identifier: MIT
/* Of all that the worker before may have died of, one request is tried at a time, on any thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>

#include "blkback/trial.h"

static void one_at_a_time(void **state)
{
	bool trial = false;

	(void)state;
	assert_true(trial_begin(&trial));
	assert_false(trial_begin(&trial));
	trial_end(&trial);
	assert_true(trial_begin(&trial));
}

static struct {
	bool trial;
	int inside, most, done;
} shared;

static void *tries(void *arg)
{
	for (int n = 0; n < 20000;) {
		int inside;

		if (!trial_begin(&shared.trial))
			continue;
		inside = __atomic_add_fetch(&shared.inside, 1, __ATOMIC_RELAXED);
		if (inside > 1)
			__atomic_store_n(&shared.most, inside, __ATOMIC_RELAXED);
		__atomic_sub_fetch(&shared.inside, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&shared.done, 1, __ATOMIC_RELAXED);
		trial_end(&shared.trial);
		n++;
	}
	return arg;
}

static void threads_are_never_on_trial_together(void **state)
{
	pthread_t thread[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, tries, NULL), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(shared.done, 60000);
	assert_int_equal(shared.most, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_at_a_time),
		cmocka_unit_test(threads_are_never_on_trial_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
