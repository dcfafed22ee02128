#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What happens to a live guest's TCP: NICs come and go beside it, its worker and netback are killed, it is saved and
# restored, and its netfront is unloaded and loaded.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"
xen_test 14

net_start --restarts=0
dom0_serves
ok "a guest is created" bridge_guest a 1 pv
# An idle connection, which answers what it is sent, and one in bulk.
busybox nc -l -p 2222 -e cat &
guest_run a 'mkfifo /tmp/to ; { nc 10.0.0.1 2222 </tmp/to >/tmp/from & } ; exec 7>/tmp/to ; true'
idle_answers() { # WORD
	# shellcheck disable=SC2016 # for the guest's shell
	guest_run a "echo $1 >&7 ; for i in 1 2 3 4 5 6 7 8 9 10 ; do grep -q $1 /tmp/from && break ; sleep 0.5 ; done ; grep -q $1 /tmp/from"
}
bulk() { # SECONDS
	guest_run a "rm -f /tmp/bulk.rc ; { iperf3 -c 10.0.0.1 -t $1 -J >/tmp/bulk ; echo \$? >/tmp/bulk.rc ; } & true"
}
bulk_ends() {
	# shellcheck disable=SC2016 # for the guest's shell
	guest_run a 'while [ ! -e /tmp/bulk.rc ] ; do sleep 0.2 ; done ; rc=$(cat /tmp/bulk.rc) ; [ "$rc" = 0 ] || cat /tmp/bulk ; ( exit "$rc" )'
}
once() {
	xl network-attach a mac=00:16:3e:00:01:01 bridge=xenbr0 script=halfback/vif-bridge && xl network-detach a 1
}
ok "an idle connection is open" idle_answers one
bulk 100 >/dev/null
ok "a NIC comes and goes 20 times under TCP" rounds 20 once
ok "which goes on to its end" bulk_ends

killed() {
	local old
	old=$(net_worker a) && kill -9 "$old" && wait_for 10 is_gone "$old" && wait_for 10 net_worker a
}
bulk 15 >/dev/null
ok "its worker is killed 3 times" rounds 3 killed
kill -9 "$NETBACK_PID"
wait "$NETBACK_PID" 2>/dev/null
netback_restart --restarts=0
ok "and netback once" wait_for 10 net_worker a
ok "TCP goes on to its end" bulk_ends
ok "and the idle connection is alive" idle_answers two
is "$(xenstore-read "/local/domain/0/backend/vif/$(xl domid a)/0/state")" 4 "the backend's state is 4"

ok "xl saves it" xl save a "$WORK/saved"
ok "xl restores it" xl restore "$WORK/saved"
ok "its connection is alive" idle_answers three
rm -f "$WORK/saved"

reloaded() {
	guest_run a "echo vif-0 >/sys/bus/xen/drivers/vif/unbind ; rmmod xen_netfront && insmod /lib/xen-netfront.ko" &&
		xl network-detach a 0 && xl network-attach a "$(vif_of 1)" && bridge_address a 1
}
ok "netfront is unloaded and loaded, its NIC comes back" reloaded
ok "and carries TCP" tcp_from a 10.0.0.1
