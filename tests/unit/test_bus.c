// SPDX-License-Identifier: MIT
/*
 * The backend's state machine, cell by cell.  This table was written from the protocol, one pair of
 * states after the other, with the reason beside it; it shares no line with the one in
 * common/bus.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/bus.h"

enum {
	GONE = BUS_GONE,
	INIT = XenbusStateInitialising,
	WAIT = XenbusStateInitWait,
	INITED = XenbusStateInitialised,
	CONN = XenbusStateConnected,
	CLOSING = XenbusStateClosing,
	CLOSED = XenbusStateClosed,
	RECONF = XenbusStateReconfiguring,
	RECONFED = XenbusStateReconfigured,
	BAD = BUS_BAD,
};

struct cell {
	int backend, frontend;
	enum bus_action want;
	const char *reason;
};

static const struct cell cells[] = {
	{GONE, GONE, BUS_FORGET, "the device is gone, both halves"},
	{GONE, INIT, BUS_FORGET, "no directory of ours: nothing may be written"},
	{GONE, WAIT, BUS_FORGET, "no directory of ours: nothing may be written"},
	{GONE, INITED, BUS_FORGET, "a frontend that waits for us waits in vain"},
	{GONE, CONN, BUS_FORGET, "the toolstack took the device by force"},
	{GONE, CLOSING, BUS_FORGET, "removed while closing"},
	{GONE, CLOSED, BUS_FORGET, "removed after closing"},
	{GONE, RECONF, BUS_FORGET, "removed while its frontend wanted something else"},
	{GONE, RECONFED, BUS_FORGET, "no frontend writes 8; of no interest"},
	{GONE, BAD, BUS_FORGET, "removed; what the guest says is of no interest"},

	{INIT, GONE, BUS_NONE, "the toolstack writes our half first: its other half will come"},
	{INIT, INIT, BUS_OFFER, "a new device"},
	{INIT, WAIT, BUS_OFFER, "we have not offered yet, whatever the guest does"},
	{INIT, INITED, BUS_OFFER, "a frontend may be ahead of us; it connects after the offer"},
	{INIT, CONN, BUS_OFFER, "a frontend that outlived its backend's directory"},
	{INIT, CLOSING, BUS_OFFER, "it closes after the offer, by the next cell"},
	{INIT, CLOSED, BUS_OFFER, "a frontend of before; it may come back to 1"},
	{INIT, RECONF, BUS_OFFER, "a frontend that outlived its backend's directory"},
	{INIT, RECONFED, BUS_FAIL, "8 is a backend's state"},
	{INIT, BAD, BUS_FAIL, "nonsense closes the device"},

	{WAIT, GONE, BUS_CLOSE, "the guest's half was removed"},
	{WAIT, INIT, BUS_NONE, "the frontend has not yet looked"},
	{WAIT, WAIT, BUS_NONE, "no frontend of blkif uses 2; harmless"},
	{WAIT, INITED, BUS_CONNECT, "the ordinary way"},
	{WAIT, CONN, BUS_CONNECT, "a frontend that skips 3 (Windows) has written its nodes"},
	{WAIT, CLOSING, BUS_CLOSING, "closes without ever having connected"},
	{WAIT, CLOSED, BUS_CLOSE, "closed without ever having connected"},
	{WAIT, RECONF, BUS_NONE,
	 "it wants what it has no connection for: it connects or closes next"},
	{WAIT, RECONFED, BUS_FAIL, "8 is a backend's state"},
	{WAIT, BAD, BUS_FAIL, "nonsense closes the device"},

	{INITED, GONE, BUS_FOREIGN, "we never write 3: another backend does"},
	{INITED, INIT, BUS_FOREIGN, "we never write 3: another backend does"},
	{INITED, WAIT, BUS_FOREIGN, "we never write 3: another backend does"},
	{INITED, INITED, BUS_FOREIGN, "we never write 3: another backend does"},
	{INITED, CONN, BUS_FOREIGN, "we never write 3: another backend does"},
	{INITED, CLOSING, BUS_FOREIGN, "we never write 3: another backend does"},
	{INITED, CLOSED, BUS_FOREIGN, "we never write 3: another backend does"},
	{INITED, RECONF, BUS_FOREIGN, "we never write 3: another backend does"},
	{INITED, RECONFED, BUS_FOREIGN, "we never write 3: another backend does"},
	{INITED, BAD, BUS_FOREIGN, "we never write 3: another backend does"},

	{CONN, GONE, BUS_CLOSE, "the guest's half was removed under I/O"},
	{CONN, INIT, BUS_RESTART, "kexec: the new kernel knows nothing of the old ring"},
	{CONN, WAIT, BUS_NONE, "no frontend of blkif uses 2; harmless"},
	{CONN, INITED, BUS_NONE, "it has not yet seen that we are connected"},
	{CONN, CONN, BUS_NONE, "at work"},
	{CONN, CLOSING, BUS_CLOSING, "an orderly close: 5 is answered by 5"},
	{CONN, CLOSED, BUS_CLOSE, "a frontend that skipped 5"},
	{CONN, RECONF, BUS_RECONFIGURE, "netfront with an XDP program: its nodes changed"},
	{CONN, RECONFED, BUS_FAIL, "8 is a backend's state"},
	{CONN, BAD, BUS_FAIL, "nonsense closes the device"},

	{CLOSING, GONE, BUS_CLOSE, "nobody is left to wait for"},
	{CLOSING, INIT, BUS_CLOSE, "never connected, or restarted: we are done either way"},
	{CLOSING, WAIT, BUS_NONE, "a live frontend closes first"},
	{CLOSING, INITED, BUS_NONE, "unplug: a live frontend closes first"},
	{CLOSING, CONN, BUS_NONE, "unplug: a live frontend closes first"},
	{CLOSING, CLOSING, BUS_NONE, "it may stay there for ever: we wait, and rest"},
	{CLOSING, CLOSED, BUS_CLOSE, "the end of an orderly close"},
	{CLOSING, RECONF, BUS_NONE, "unplug: a live frontend closes first"},
	{CLOSING, RECONFED, BUS_NONE, "nonsense, and it may close still"},
	{CLOSING, BAD, BUS_CLOSE, "nonsense does not keep a device open"},

	{CLOSED, GONE, BUS_NONE, "over"},
	{CLOSED, INIT, BUS_OFFER, "it begins anew: kexec, resume, a new driver"},
	{CLOSED, WAIT, BUS_NONE, "only 1 begins anew"},
	{CLOSED, INITED, BUS_NONE, "only 1 begins anew"},
	{CLOSED, CONN, BUS_NONE, "has not seen yet that we closed"},
	{CLOSED, CLOSING, BUS_NONE, "on its way"},
	{CLOSED, CLOSED, BUS_NONE, "over"},
	{CLOSED, RECONF, BUS_NONE, "has not seen yet that we closed"},
	{CLOSED, RECONFED, BUS_NONE, "closed already: nothing to fail"},
	{CLOSED, BAD, BUS_NONE, "closed already: nothing to fail"},

	{RECONF, GONE, BUS_FOREIGN, "7 is a frontend's state"},
	{RECONF, INIT, BUS_FOREIGN, "7 is a frontend's state"},
	{RECONF, WAIT, BUS_FOREIGN, "7 is a frontend's state"},
	{RECONF, INITED, BUS_FOREIGN, "7 is a frontend's state"},
	{RECONF, CONN, BUS_FOREIGN, "7 is a frontend's state"},
	{RECONF, CLOSING, BUS_FOREIGN, "7 is a frontend's state"},
	{RECONF, CLOSED, BUS_FOREIGN, "7 is a frontend's state"},
	{RECONF, RECONF, BUS_FOREIGN, "7 is a frontend's state"},
	{RECONF, RECONFED, BUS_FOREIGN, "7 is a frontend's state"},
	{RECONF, BAD, BUS_FOREIGN, "7 is a frontend's state"},

	{RECONFED, GONE, BUS_CLOSE, "the guest's half was removed"},
	{RECONFED, INIT, BUS_RESTART, "kexec, as at 4"},
	{RECONFED, WAIT, BUS_NONE, "harmless, as at 4"},
	{RECONFED, INITED, BUS_NONE, "harmless, as at 4"},
	{RECONFED, CONN, BUS_RECONFIGURED, "it has seen that we are done"},
	{RECONFED, CLOSING, BUS_CLOSING, "an orderly close, as at 4"},
	{RECONFED, CLOSED, BUS_CLOSE, "a frontend that skipped 5"},
	{RECONFED, RECONF, BUS_NONE, "it has not seen yet that we are done"},
	{RECONFED, RECONFED, BUS_FAIL, "8 is a backend's state"},
	{RECONFED, BAD, BUS_FAIL, "nonsense closes the device"},

	{BAD, GONE, BUS_FOREIGN, "our own state holds what we never write"},
	{BAD, INIT, BUS_FOREIGN, "our own state holds what we never write"},
	{BAD, WAIT, BUS_FOREIGN, "our own state holds what we never write"},
	{BAD, INITED, BUS_FOREIGN, "our own state holds what we never write"},
	{BAD, CONN, BUS_FOREIGN, "our own state holds what we never write"},
	{BAD, CLOSING, BUS_FOREIGN, "our own state holds what we never write"},
	{BAD, CLOSED, BUS_FOREIGN, "our own state holds what we never write"},
	{BAD, RECONF, BUS_FOREIGN, "our own state holds what we never write"},
	{BAD, RECONFED, BUS_FOREIGN, "our own state holds what we never write"},
	{BAD, BAD, BUS_FOREIGN, "our own state holds what we never write"},
};

#define NR_CELLS (sizeof(cells) / sizeof(cells[0]))

static void each_pair_is_here_once(void **state)
{
	bool seen[BUS_STATES][BUS_STATES] = {{false}};

	(void)state;
	assert_int_equal(NR_CELLS, BUS_STATES * BUS_STATES);
	for (size_t i = 0; i < NR_CELLS; i++) {
		assert_false(seen[cells[i].backend][cells[i].frontend]);
		seen[cells[i].backend][cells[i].frontend] = true;
	}
}

static void each_pair_does_what_the_protocol_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_CELLS; i++) {
		const struct cell *c = &cells[i];

		if (bus_step(c->backend, c->frontend) != c->want)
			fail_msg("backend %s, frontend %s: does %d, must do %d, for: %s",
				 bus_state_name(c->backend), bus_state_name(c->frontend),
				 bus_step(c->backend, c->frontend), c->want, c->reason);
	}
}

static void the_states_are_read(void **state)
{
	(void)state;
	assert_int_equal(bus_state(NULL), GONE);
	assert_int_equal(bus_state("1"), INIT);
	assert_int_equal(bus_state("2"), WAIT);
	assert_int_equal(bus_state("3"), INITED);
	assert_int_equal(bus_state("4"), CONN);
	assert_int_equal(bus_state("5"), CLOSING);
	assert_int_equal(bus_state("6"), CLOSED);
	assert_int_equal(bus_state("7"), RECONF);
	assert_int_equal(bus_state("8"), RECONFED);
}

static void anything_else_is_bad(void **state)
{
	static const char *const bad[] = {"",	 "0",	 "9",	"x",	 "4 ",	      " 4",
					  "04",	 "44",	 "+4",	"-1",	 "4\n",	      "0x4",
					  "4.0", "\xff", "256", "65536", "4294967300"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (bus_state(bad[i]) != BAD)
			fail_msg("\"%s\" is taken for a state", bad[i]);
}

static void each_state_has_a_name(void **state)
{
	(void)state;
	for (int i = 0; i < BUS_STATES; i++)
		assert_non_null(bus_state_name(i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_pair_is_here_once),
		cmocka_unit_test(each_pair_does_what_the_protocol_says),
		cmocka_unit_test(the_states_are_read),
		cmocka_unit_test(anything_else_is_bad),
		cmocka_unit_test(each_state_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
