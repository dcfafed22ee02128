#!/bin/bash
# SPDX-License-Identifier: MIT
# A script killed at any of its commands: the offline after it leaves nothing, and the online after it works.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 8

lan_make
bridge_make
guest a 7 ip="192.168.7.77 2001:db8:7::77" vifname=web gatewaydev=eth0
network route start >/dev/null
network nat start dhcp=no >/dev/null
before=$(census)

# Kills the script that calls it before its n-th command, n being in the file kill.
for command in ip nft mv xenstore-write rm flock mkdir; do
	stub $command <<-END
		#!/bin/sh
		read -r n <$WORK/kill
		echo \$((n - 1)) >$WORK/kill
		if [ "\$n" -eq 1 ]; then
			read -r pid </run/script.pid
			kill -9 \$pid
			exit 1
		fi
		exec $(type -P $command) "\$@"
	END
done

killed() { # SCRIPT online|offline N: whether it was killed
	echo "$3" >"$WORK/kill"
	sh -c 'echo $$ >/run/script.pid; exec "$0" "$@"' env XENBUS_PATH=backend/vif/7/0 vif=vif7.0 netdev= \
		"$SCRIPTS/vif/vif-$1" "$2" >/dev/null 2>&1 &
	wait $! 2>/dev/null
	local rc=$?
	echo 0 >"$WORK/kill"
	[ $rc -eq 137 ]
}

each() { # SCRIPT
	local n=0 wrong=
	while n=$((n + 1)) && killed "$1" online $n; do
		vif "$1" offline 7 >/dev/null || wrong="$wrong offline-after-$n"
		[ "$(census)" = "$before" ] || wrong="$wrong left-after-$n"
		killed "$1" online $n
		vif "$1" online 7 >/dev/null || wrong="$wrong online-after-$n"
		vif "$1" offline 7 >/dev/null
		[ "$(census)" = "$before" ] || wrong="$wrong left-after-online-$n"
	done
	ok "$1: online was killed at several commands ($((n - 1)))" [ $n -gt 4 ]
	is "$wrong" "" "$1: and offline or online put it right each time"
	n=0 wrong=
	vif "$1" online 7 >/dev/null
	while n=$((n + 1)) && killed "$1" offline $n; do
		vif "$1" offline 7 >/dev/null || wrong="$wrong offline-after-$n"
		[ "$(census)" = "$before" ] || wrong="$wrong left-after-$n"
		vif "$1" online 7 >/dev/null
	done
	ok "$1: offline was killed at several commands ($((n - 1)))" [ $n -gt 3 ]
	is "$wrong" "" "$1: and the next offline ended it each time"
	vif "$1" offline 7 >/dev/null
}

for mode in bridge nat; do
	each $mode
done
