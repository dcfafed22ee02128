# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Networks for tests of NICs: a bridge on the private host, guests on it, and traffic between them.  Source it after
# lib.sh.  The host is 10.0.0.1 and fd00::1; guest number N of a test is 10.0.0.1N and fd00::1N, its MAC ends in N.

VIF_BE=/local/domain/0/backend/vif

bridge_make() { # [NAME [MTU]]
	local br=${1:-xenbr0}
	ip link add "$br" type bridge
	ip link set "$br" mtu "${2:-1500}" up
	ip addr add 10.0.0.1/24 dev "$br"
	ip addr add fd00::1/64 dev "$br" nodad
}

# nic_config NAME N [KEY=VALUE,...]: a guest with one NIC, number N of the test.
nic_config() {
	cat >"$WORK/$1.cfg" <<-END
		name = "$1"
		memory = 64
		vif = [ 'mac=$(mac_of "$2")${3:+,$3}' ]
	END
	echo "$WORK/$1.cfg"
}

mac_of() { # N
	printf '00:16:3e:00:00:%02x' "$1"
}

# nic_guest NAME N [KEY=VALUE,...]: creates it and gives it its addresses.  XLOOP_XNET has its driver's options.
nic_guest() {
	xloop create "$(nic_config "$@")" && nic_address "$1" "$2"
}

nic_address() { # NAME N [INTERFACE]
	in_guest "$1" ip addr add "10.0.0.1$2/24" dev "${3:-eth0}" &&
		in_guest "$1" ip addr add "fd00::1$2/64" dev "${3:-eth0}" nodad
}

in_guest() { # GUEST COMMAND...
	local guest=$1
	shift
	xloop exec "$guest" -- "$@"
}

# at PLACE COMMAND...: in a guest, or on the host.
at() {
	local place=$1
	shift
	if [ "$place" = host ]; then
		"$@"
	else
		in_guest "$place" "$@"
	fi
}

pings() { # PLACE ADDRESS [PING-OPTION...]
	at "$1" ping -n -c 3 -i 0.05 -W 2 "${@:3}" "$2"
}

# pings_soon PLACE ADDRESS: of what only just came.
pings_soon() {
	wait_for 10 at "$1" ping -n -c 1 -W 1 "$2"
}

# iperf_server PLACE: one that serves one client; returns when it listens.
iperf_server() {
	local log
	log=$(mktemp "$WORK/iperf.XXXXXX")
	at "$1" iperf3 -s -1 --forceflush >"$log" 2>&1 &
	wait_for 10 grep -q listening "$log"
}

# iperf SERVER-PLACE CLIENT-PLACE ADDRESS [OPTION...]: what the client reports, as JSON; fails if it does.
iperf() {
	local server=$1 client=$2 address=$3
	shift 3
	iperf_server "$server" || return 1
	at "$client" iperf3 -c "$address" -J "$@"
}

# gbits SERVER-PLACE CLIENT-PLACE ADDRESS [OPTION...]
gbits() {
	iperf "$@" | jq '.end.sum_received.bits_per_second // .end.sum.bits_per_second | . / 1e9'
}

more_than() { # NUMBER MIN
	[ "$(jq -n "$1 > $2")" = true ]
}

# tcp_works SERVER-PLACE CLIENT-PLACE ADDRESS [OPTION...]: a second of it moves more than 0.1 Gbit.
tcp_works() {
	local got
	got=$(gbits "$@" -t 1) && more_than "${got:-0}" 0.1
}

# serve_files PLACE DIR: by HTTP on port 80.
serve_files() {
	at "$1" busybox httpd -f -p 80 -h "$2" &
	wait_for 10 at "$1" sh -c "cat /proc/net/tcp /proc/net/tcp6 | grep -q ':0050 .* 0A '"
}

fetch() { # PLACE ADDRESS FILE TO
	at "$1" busybox wget -q -O "$4" "http://$2/$3"
}

vif_node() { # GUEST DEVID KEY
	xenstore-read "$VIF_BE/$(domid_of "$1")/$2/$3"
}

vif_state() { # GUEST DEVID STATE
	wait_node "$VIF_BE/$(domid_of "$1")/$2/state" "$3"
}

# The worker of a guest, and all of netback's.
net_worker() { # GUEST
	pgrep -P "$NETBACK_PID" -f "^netback: dom $(domid_of "$1") "
}

# driver_restart GUEST [OPTION...]: another driver for the guest's NIC 0, as by rmmod and modprobe.
driver_restart() {
	local guest=$1 pid
	shift
	pid=$(driver_of "$guest")
	if [ -n "$pid" ]; then
		kill "$pid"
		wait_for 10 is_gone "$pid" || return 1
	fi
	in_guest "$guest" xnet --dev=0 --background "$@" >>"$XLOOP_DIR/xnet.log" 2>&1
}

# By what it is called and where it is: the name of a process is the same in all guests.
driver_of() { # GUEST
	local net pid
	net=$(readlink "/proc/$(cat "$XLOOP_DIR/dom$(domid_of "$1").pid")/ns/net")
	for pid in $(pgrep -x xnet); do
		[ "$(readlink "/proc/$pid/ns/net")" != "$net" ] || echo "$pid"
	done
}

# beside_start: guest b, whose network is to work whatever guest a does: $beside is its ping, $WORK/ping what that says.
beside_start() {
	nic_guest b 2 || exit 1
	pings_soon host 10.0.0.12
	in_guest b stdbuf -oL ping -n -i 0.1 10.0.0.1 >"$WORK/ping" 2>&1 &
	# shellcheck disable=SC2034 # for who sources this
	beside=$!
}
