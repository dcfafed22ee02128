#!/bin/bash
# SPDX-License-Identifier: MIT
# A router that answered before and no longer does behind the bridge: network-bridge undoes all by itself, as it does when it fails or is killed.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 10

lan_make
before=$(census | sort)

# A switch that takes no frame from a bridge: the LAN goes deaf as soon as the NIC is a port.
deaf() {
	tail -n 1 -f --pid=$$ /dev/null >/dev/null &
	until [ -e /sys/class/net/eth0/master ]; do :; done
	ip -n lan link set nic down
}
deaf &
not_ok "the router is lost: start fails" network bridge start
wait
kill %1 2>/dev/null
ip -n lan link set nic up
ip -n lan addr add 2001:db8:7::1/64 dev nic nodad 2>/dev/null
wait_for 5 carrier eth0
is "$(diff <(echo "$before") <(census | sort))" "" "and the host is as it was"
ok "and reaches its router" ping -c 1 -W 2 192.168.7.1

ip link add other type bridge
ip link set eth0 master other
like "$(network bridge start)" 'eth0 belongs to other already' "a NIC in another bridge is refused"
ip link set eth0 nomaster
ip link del other
ip link add xenbr0 type veth peer name x
like "$(network bridge start)" 'bridge=xenbr0 is an interface, but no bridge' "and a bridge's name that is taken"
ip link del xenbr0
is "$(diff <(echo "$before") <(census | sort))" "" "and the host is as it was"

# Killed at any of its commands that change something, with all that it started.
for command in ip mv rm; do
	stub $command <<-END
		#!/bin/sh
		case "\$*" in
		*show*) exec $(type -P $command) "\$@" ;;
		esac
		read -r n <$WORK/kill
		echo \$((n - 1)) >$WORK/kill
		[ "\$n" -ne 1 ] || exec kill -9 0
		exec $(type -P $command) "\$@"
	END
done
n=0 wrong=
while n=$((n + 1)) && [ $n -lt 60 ]; do
	echo $n >"$WORK/kill"
	setsid --wait "$SCRIPTS/network/network-bridge" start >/dev/null 2>&1
	rc=$?
	echo 0 >"$WORK/kill"
	[ $rc -eq 137 ] || break
	[ $((n % 3)) -ne 0 ] || network bridge start >/dev/null || wrong="$wrong start-after-$n"
	network bridge stop >/dev/null || wrong="$wrong stop-after-$n"
	[ "$(census | sort)" = "$before" ] || wrong="$wrong left-after-$n"
done
ok "start was killed at several commands ($((n - 1)))" [ $n -gt 4 ]
is "$rc" 0 "and at last left alone"
is "$wrong" "" "each time stop, or start and stop, put it right"
network bridge stop >/dev/null
is "$(diff <(echo "$before") <(census | sort))" "" "and the host is as it was"
