# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# NICs: netback beside what joins two networks without any Xen, in one run:
#
#	ours       a guest's NIC: a tap in the guest, rings, netback, a tap on the host
#	tap-relay  a tap in the guest, a tap on the host, and a program that copies packets between the two (relay.c)
#	veth       a veth pair: no copy, no process
#
# Each has two guests, which are networks of their own, and the host's end of each is a port of one bridge.  TCP is
# iperf3's, guest to host (g2h), host to guest (h2g) and guest to guest (g2g); -q2 has two queues and two streams.
# 64-byte packets are netload's: for ours straight on the ring, so that no guest's kernel is in the way; they are
# counted where they arrive, on interfaces that are in no bridge, which would send them on to all its ports.

NET_ENGINES="ours tap-relay veth"
NET_S=1		    # of TCP; iperf3 counts in whole seconds
declare -A NET_N=([ours]=1 [tap-relay]=3 [veth]=5) # of the first guest: its address is 10.0.0.1N
NET_PIDS=()

net_pid() { # GUEST
	cat "dom$(domid_of "$1").pid"
}

net_in() { # PLACE COMMAND...
	if [ "$1" = host ]; then
		"${@:2}"
	else
		xloop exec "$1" -- "${@:2}"
	fi
}

net_guest() { # NAME [VIF]
	printf 'name = "%s"\nmemory = 64\nvif = [ %s ]\n' "$1" "${2:+\"$2\"}" >"$1.cfg"
	xloop create "$1.cfg" >/dev/null || die "cannot make the guest $1"
}

# The host's end of a guest's network.
net_port() { # ENGINE 1|2
	case $1 in
	ours) echo "vif$(domid_of "net-ours-$2").0" ;;
	*) echo "$1$2" ;;
	esac
}

net_address() { # ENGINE 1|2
	xloop exec "net-$1-$2" -- ip addr add "10.0.0.1$((NET_N[$1] + $2 - 1))/24" dev eth0
	xloop exec "net-$1-$2" -- ip link set eth0 up
}

# The drivers of our guests' NICs, by the networks that they are in: other hosts have some, too.
net_drivers() {
	local n pid

	for pid in $(pgrep -x xnet); do
		for n in 1 2; do
			[ "$(readlink "/proc/$pid/ns/net")" != "$(readlink "/proc/$(net_pid net-ours-$n)/ns/net")" ] || echo "$pid"
		done
	done
}

# Whatever carries packets gets as many queues.
net_queues() { # QUEUES
	local n pid

	for pid in "${NET_PIDS[@]}" $(net_drivers); do
		kill "$pid" 2>/dev/null
		while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
	done
	NET_PIDS=()
	for n in 1 2; do
		xloop exec net-ours-$n -- xnet --dev=0 --queues="$1" --background >>xnet.log 2>&1 ||
			die "the guest net-ours-$n has no NIC of $1 queues"
		rm -f "relay$n"
		"$BUILD/bench/relay" "tap-relay$n" "$(net_pid "net-tap-relay-$n")" eth0 "$1" >"relay$n" 2>>relay.log &
		NET_PIDS+=($!)
		until grep -qs ready "relay$n"; do sleep 0.05; done
		ip link set "tap-relay$n" master netbr up
		net_address tap-relay $n
		net_address ours $n
	done
	sleep 0.2
}

net_prepare() {
	local engine n

	netback --queues=2 >>netback.log 2>&1 &
	NETBACK=$!
	ip link add netbr type bridge
	ip addr add 10.0.0.1/24 dev netbr
	ip link set netbr up
	export XLOOP_XNET=none
	for n in 1 2; do
		net_guest net-ours-$n "bridge=netbr,mac=00:16:3e:00:00:0$n"
		net_guest net-tap-relay-$n
		net_guest net-veth-$n
		ip link add "veth$n" type veth peer name eth0 netns "$(net_pid net-veth-$n)"
		ip link set "veth$n" master netbr up
		net_address veth $n
	done
	net_guest net-blast bridge=netbr,mac=00:16:3e:00:00:09
	ip link set "vif$(domid_of net-blast).0" nomaster
	for place in host net-{ours,tap-relay,veth}-2; do
		net_in "$place" iperf3 -s >>iperf.log 2>&1 &
	done
}

# Ticks of what carries packets; of all there is, idle time left out.
net_ticks() { # ENGINE
	case $1 in
	ours) cpu_ticks "$NETBACK" ;;
	tap-relay) cat "/proc/${NET_PIDS[0]}/stat" "/proc/${NET_PIDS[1]}/stat" |
		sed 's/.*) //' | awk '{ t += $12 + $13 } END { print t }' ;;
	*) echo 0 ;;
	esac
}
machine_ticks() {
	awk '/^cpu / { print $2 + $3 + $4 + $7 + $8 }' /proc/stat
}

# net_timed ENGINE COMMAND...: its output in out.json; NET_CPU and NET_ALL are microseconds.
net_timed() {
	local before all

	before=$(net_ticks "$1")
	all=$(machine_ticks)
	"${@:2}" >out.json 2>>load.log
	local rc=$?
	NET_ALL=$((($(machine_ticks) - all) * 1000000 / TICK))
	NET_CPU=$((($(net_ticks "$1") - before) * 1000000 / TICK))
	return $rc
}

# ---- TCP ----

net_tcp() { # ENGINE DIRECTION QUEUES
	local to=10.0.0.1 options=(-J -t "$NET_S" -P "$3")

	case $2 in
	h2g) options+=(-R) ;;
	g2g) to=10.0.0.1$((NET_N[$1] + 1)) ;;
	esac
	xloop exec "net-$1-1" -- iperf3 -c $to "${options[@]}"
}

net_tcp_round() { # ENGINE ROUND CASE DIRECTION QUEUES
	net_timed "$1" net_tcp "$1" "$4" "$5" || die "$3 failed on $1: $(jq -r '.error // ""' out.json)"
	jq -c --arg case "$3" --arg engine "$1" --argjson round "$2" --argjson cpu $NET_CPU --argjson all $NET_ALL '
		.end.sum_received | {$case, $engine, $round, iops: .bits_per_second, bytes,
		cpu: ($cpu / (.bytes * 8 / 1e6)), all_cpu: ($all / (.bytes * 8 / 1e6))}' out.json >>net ||
		die "$3 gave no result on $1"
}

# ---- packets ----

rx_packets() { # PLACE INTERFACE
	net_in "$1" sed -n "s/^ *$2: *[0-9]* *\([0-9]*\) .*/\1/p" /proc/net/dev
}

net_blast() { # ENGINE DIRECTION QUEUES
	local port blast=(netload --size=64 --queues="$3" --runtime="$(awk "BEGIN { print $ROUND_MS / 1000 }")" --json)

	port=$(net_port "$1" 1)
	case $1-$2 in
	ours-g2h) xloop exec net-blast -- "${blast[@]}" --dev=0 ;;
	ours-h2g)
		xloop exec net-blast -- netload --dev=0 --sink --json --queues="$3" >sink.json 2>sink.err &
		SINK=$!
		until grep -q connected sink.err; do sleep 0.02; done
		"${blast[@]}" --interface="vif$(domid_of net-blast).0" --to=00:16:3e:00:00:09
		kill $SINK
		wait $SINK
		;;
	*-g2h) xloop exec "net-$1-1" -- "${blast[@]}" --interface=eth0 ;;
	*-h2g) "${blast[@]}" --interface="$port" ;;
	esac
}

net_pps_round() { # ENGINE ROUND CASE DIRECTION QUEUES
	local place=host interface before got

	interface=$(net_port "$1" 1)
	[ "$1" != ours ] || interface=vif$(domid_of net-blast).0
	if [ "$4" = h2g ]; then
		place=net-$1-1 interface=eth0
	fi
	ip link set "$(net_port "$1" 1)" nomaster
	[ "$1-$4" = ours-h2g ] || before=$(rx_packets "$place" "$interface")
	net_timed "$1" net_blast "$1" "$4" "$5" || die "$3 failed on $1"
	if [ "$1-$4" = ours-h2g ]; then
		got=$(jq .packets sink.json)
	else
		got=$(($(rx_packets "$place" "$interface") - before))
	fi
	ip link set "$(net_port "$1" 1)" master netbr
	jq -c --arg case "$3" --arg engine "$1" --argjson round "$2" --argjson cpu $NET_CPU --argjson all $NET_ALL \
		--argjson got "$got" '{$case, $engine, $round, iops: ($got / .seconds), bytes: ($got * 64),
		cpu: ($cpu / $got), all_cpu: ($all / $got)}' out.json >>net || die "$3 gave no result on $1"
}

# ---- what is counted: per packet of 1500 bytes for TCP, per packet else ----

net_worker() { # GUEST
	pgrep -P "$NETBACK" -f "^netback: dom $(domid_of "$1") "
}

net_count() { # CASE DIRECTION QUEUES
	local guest=net-ours-1 kind=tcp calls

	if [[ $1 == net-pps* ]]; then
		guest=net-blast kind=blast
	fi
	xloop stats --json >before.json
	calls=$(syscalls_during "$(net_worker $guest)" count.json net_$kind ours "$2" "$3")
	xloop stats --json >after.json
	[ $kind-"$2" != blast-h2g ] || cp sink.json count.json
	jq -c -n -L "$TOP/bench" --arg case "$1" --argjson syscalls "${calls:-null}" --slurpfile before before.json \
		--slurpfile after after.json --slurpfile load count.json -f "$TOP/bench/net-count.jq" >>net-counts ||
		die "$1 failed while counting"
}

# ---- all of it ----

net_case() { # CASE KIND DIRECTION QUEUES
	local engine n

	for ((n = 1; n <= ROUNDS; n++)); do
		for engine in $NET_ENGINES; do
			"net_$2_round" "$engine" "$n" "$1" "$3" "$4"
		done
	done
	net_count "$1" "$3" "$4"
	jq -L "$TOP/bench" -s -r --arg case "$1" -f "$TOP/bench/progress.jq" net
}

net_cases() { # QUEUES
	local way

	for way in g2h h2g g2g; do
		echo "net-tcp-$way-q$1 tcp $way $1"
	done
	for way in g2h h2g; do
		echo "net-pps64-$way-q$1 pps $way $1"
	done
}

net_all() {
	local queues work wanted

	net_prepare
	for queues in 1 2; do
		wanted=()
		while read -r work; do
			! chosen "${work%% *}" || wanted+=("$work")
		done < <(net_cases $queues)
		[ ${#wanted[@]} -gt 0 ] || continue
		net_queues $queues
		for work in "${wanted[@]}"; do
			# shellcheck disable=SC2086 # words
			net_case $work
		done
	done
	kill "$NETBACK" "${NET_PIDS[@]}"
}
