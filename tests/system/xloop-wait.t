#!/bin/bash
# SPDX-License-Identifier: MIT
# xloop waits as libxl does: for exactly state 2, then for the hotplug script; what fails is undone.
. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 15

export XLOOP_BACKEND_MS=300 XLOOP_SCRIPT_MS=300
disk=$(image a.img 1M)
cat >"$WORK/slow" <<-'END'
	#!/bin/sh
	sleep 30 &
	echo $! >"$(dirname "$0")/slow.pid"
	wait
END
cat >"$WORK/fails" <<-'END'
	#!/bin/sh
	[ "$1" = add ] || exit 0
	xenstore-write "$XENBUS_PATH/hotplug-error" "the moon is full" "$XENBUS_PATH/hotplug-status" error
	exit 1
END
cat >"$WORK/records" <<-'END'
	#!/bin/sh
	{ echo "$1 $XENBUS_TYPE $XENBUS_PATH $XENBUS_BASE_PATH"; xenstore-read "$XENBUS_PATH/state"; } >>"$(dirname "$0")/record"
	[ "$1" = add ] && xenstore-write "$XENBUS_PATH/hotplug-status" connected
END
chmod +x "$WORK/slow" "$WORK/fails" "$WORK/records"

nothing_left() {
	[ -z "$(xenstore-ls -f /local/domain/0/backend 2>/dev/null)" ] &&
		! xenstore-exists /libxl && ! xenstore-exists /vm &&
		[ "$(xenstore-list /local/domain)" = 0 ] && [ "$(xloop list | wc -l)" = 2 ]
}

out=$(guest_create g "vdev=xvda,target=$disk" 2>&1)
is $? 1 "with no backend the creation fails"
like "$out" "did not come to state 2 within 300 ms, its state is 1; is blkback running" "and says why"
ok "and nothing of it is left" nothing_left

# A backend that goes straight to 4 was never seen at 2.
FAKE_FIRST=4 fake_backend_start
out=$(guest_create g "vdev=xvda,target=$disk" 2>&1)
is $? 1 "a backend that goes to 4 at once fails the creation"
like "$out" "its state is 4" "and its state is named"
fake_backend_stop

fake_backend_start
start=$(date +%s%N)
out=$(guest_create g "vdev=xvda,script=$WORK/slow,target=$disk" 2>&1)
is $? 1 "a hotplug script that hangs fails the creation"
like "$out" "slow did not end within 300 ms and was killed" "and is named"
ok "long before the script would have ended" [ $((($(date +%s%N) - start) / 1000000000)) -lt 10 ]
ok "and what it started is gone" wait_for 5 is_gone "$(cat "$WORK/slow.pid")"

out=$(guest_create g "vdev=xvda,script=$WORK/fails,target=$disk" 2>&1)
is $? 1 "a hotplug script that fails fails the creation"
like "$out" "the moon is full" "and its reason is shown"
ok "and nothing of it is left" nothing_left

ok "a guest with a recording script is created" guest_create g "vdev=xvda,script=$WORK/records,target=$disk"
xloop destroy g
is "$(xargs <"$WORK/record")" \
	"add vbd backend/vbd/5/51712 backend 2 remove vbd backend/vbd/5/51712 backend 6" \
	"the script ran at state 2 and at state 6, with libxl's environment" || cat "$WORK/record"
ok "destroy leaves nothing" nothing_left
fake_backend_stop
