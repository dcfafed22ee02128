#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A guest that is rebooted, saved and restored, and destroyed while somebody looks at its screen: that viewer is
# disconnected, nothing is left of the screen meanwhile, and the next viewer finds it again.
#
# shellcheck disable=SC2016 # single quotes: for eval

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/fb.sh"
xen_test 19

typed_arrives() { # WORD
	guest_run g '(head -n 1 </dev/tty1 >/tmp/typed) & sleep 1' >/dev/null
	viewer g type "$1" key 0xff0d down key 0xff0d up
	wait_for 10 eval '[ "$(guest_run g "cat /tmp/typed")" = '"$1"' ]'
}
is_shown() { # DESCRIPTION WORD
	fb_steady g
	ok "$1: a viewer sees what the guest shows" same_picture g
	ok "  and what is typed arrives" typed_arrives "$2"
	is "$(fb_states g)" "4 4 4 4" "  all states are 4"
}

pvfb_start
ok "xl creates a guest with a screen" screen_start g 'vnc=1'
viewer_stays g
is $? 0 "somebody looks"
first=$(xl domid g)
ok "xl reboots it" xl reboot g
ok "it comes again" guest_boot g 2
ok "as another domain" [ "$(xl domid g)" != "$first" ]
ok "its viewer was disconnected" wait_for 5 is_gone "$LOOKS"
is "$(port_of g)" 5900 "its port is the one it was"
is_shown "rebooted" Reboot_1
guest_run g 'echo "this is what was on the screen" >/dev/tty1'
sum=$(guest_sum g)
viewer_stays g
ok "xl saves it while somebody looks" xl save g "$WORK/saved"
ok "its viewer was disconnected" wait_for 5 is_gone "$LOOKS"
ok "nothing is left of the screen" wait_for 10 no_screens
ok "xl restores it" xl restore "$WORK/saved"
rm -f "$WORK/saved"
ok "the picture is what it was when it was saved" wait_for 30 viewer_sees g "$sum"
is_shown "restored" Restore_2
viewer_stays g
xl destroy g
ok "it is destroyed, its viewer disconnected, and nothing is left" wait_for 10 eval 'is_gone $LOOKS && no_screens'
