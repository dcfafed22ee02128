#!/bin/bash
# SPDX-License-Identifier: MIT
# halfback-dm, which xl starts in QEMU's place, for guests with screens: it marks them, waits until pvfb has them, and
# answers what libxl asks.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vfb.sh"
in_network "$@"
in_host "$@"
plan 11

dm_start() { # [MACHINE]
	halfback-dm -xen-domid 1 -no-shutdown -chardev "socket,id=libxl-cmd,path=$WORK/qmp,server=on,wait=off" \
		-mon chardev=libxl-cmd,mode=control -nodefaults -no-user-config -xen-attach -name g \
		-vnc 127.0.0.1:0,to=99 -display none -machine "${1:-xenpv}" -m 64 >"$WORK/dm.log" 2>&1 &
	DM=$!
}
running() {
	node_is /local/domain/0/device-model/1/state running
}
qmp() { # COMMAND...
	python3 - "$WORK/qmp" "$@" <<'P'
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
f = s.makefile("rw")
f.readline()
for i, command in enumerate(["qmp_capabilities"] + sys.argv[2:]):
    f.write(json.dumps({"execute": command, "id": i}))
    f.flush()
    print(json.dumps(json.loads(f.readline()).get("return")))
P
}

# As xl leaves it.
screen_create g 'vnc=1,vncdisplay=4'
xenstore-rm $VFB/1/0/device-model
xenstore-rm $VKBD/1/0/device-model
dm_start xenfv,suppress-vmdesc=on
wait $DM
is $? 1 "a guest of type hvm is refused"
like "$(cat "$WORK/dm.log")" "guest 1 is of type hvm, whose machine only QEMU can be" "  with a sentence"
dm_start
wait $DM
is $? 1 "where nobody serves screens it does not wait for ever"
like "$(cat "$WORK/dm.log")" "pvfb does not take the .*s of guest 1; start it" "  but says what to do"
xenstore-rm $VFB/1/0/device-model
xenstore-rm $VKBD/1/0/device-model
pvfb_start
left_alone() {
	[ "$(log_count "v(fb|kbd)/1/0 is left to its device model")" -ge 2 ]
}
ok "a screen that nobody marked is left alone" wait_for 5 left_alone
is "$(xenstore-read $VFB/1/0/state $VKBD/1/0/state | xargs)" "1 1" "  at state 1"
dm_start
ok "halfback-dm is running once it is taken" wait_for 10 running
is "$(xenstore-read $VFB/1/0/served-by $VFB/1/0/state $VKBD/1/0/state | xargs)" "halfback 2 2" "by pvfb"
is "$(qmp query-chardev query-vnc change-vnc-password | jq -c 'if type == "object" and .enabled then [.host, .service] else . end' | xargs)" \
	"{} [] [127.0.0.1,5904] {}" "libxl is told where the screen is"
play_start g
ok "which a viewer sees" same_picture g
play_end g
kill -HUP $DM
wait $DM
is $? 0 "xl ends it by a hangup"
