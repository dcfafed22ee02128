# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# A host with a network of its own, for tests of scripts/vif and scripts/network: in_net runs the rest of the test in
# new network, mount and process namespaces below `xloop run`, so that xenstored is real, nothing of this machine is touched,
# and no process outlives the test.
# Interfaces that stand in for netback's are veths, whose other ends are the guests' eth0 in namespaces named like them.
# Source it after lib.sh.

SCRIPTS=$TOP/scripts
STATES=/run/halfback/net
VIFS=/local/domain/0/backend/vif

# Runs the rest of the test in it.
in_net() {
	need_root
	if [ -z "${TEST_IN_HOST:-}" ]; then
		export TEST_IN_HOST=1
		timed "$BUILD/xloop" run -- unshare --net --mount --pid --fork --kill-child "$BASH" "$0" "$@"
	fi
	WORK=$XLOOP_DIR/work
	mkdir -p "$WORK"
	trap test_end EXIT
	mount -t proc proc /proc
	mount -t sysfs sysfs /sys
	ip link set lo up
	net_ready
}

# A /run of its own, for namespaces' names and dnsmasq, which has to read what scripts write there; also for a test that
# is in xloop's own network (in_host), with real guests.
net_ready() {
	mount -t tmpfs none /run
	export HALFBACK_RUN_DIR=/run/halfback
	mkdir /run/halfback
	sysctl -qw net.ipv6.conf.default.dad_transmits=0 net.ipv6.conf.all.dad_transmits=0
}

# lan_make [NIC]: a NIC, eth0, with 192.168.7.2 and 2001:db8:7::2, and behind it the namespace lan, a router with .1 and ::1 that
# is 203.0.113.1 and 2001:db8:99::1, too.
lan_make() {
	local nic=${1:-eth0}
	ip netns add lan
	ip link add "$nic" type veth peer name nic netns lan
	ip -n lan link set lo up
	ip -n lan addr add 203.0.113.1/32 dev lo
	ip -n lan addr add 2001:db8:99::1/128 dev lo
	ip -n lan addr add 192.168.7.1/24 dev nic
	ip -n lan addr add 2001:db8:7::1/64 dev nic nodad
	ip -n lan link set nic up
	ip addr add 192.168.7.2/24 dev "$nic"
	ip addr add 2001:db8:7::2/64 dev "$nic" nodad
	ip link set "$nic" up
	ip route add default via 192.168.7.1
	ip -6 route add default via 2001:db8:7::1
	wait_for 5 carrier "$nic"
}

carrier() {
	[ "$(cat "/sys/class/net/$1/carrier" 2>/dev/null)" = 1 ]
}

bridge_make() {
	ip link add "${1:-xenbr0}" type bridge forward_delay 0
	ip link set "${1:-xenbr0}" up
}

guest_mac() { # DOMID
	printf '00:16:3e:00:%02x:%02x\n' $(($1 / 256)) $(($1 % 256))
}

# guest NAME DOMID [KEY=VALUE]...: a guest whose NIC is there, with the nodes that libxl writes.  No script has run.
guest() {
	local name=$1 domid=$2 key args=()
	shift 2
	ip netns add "$name"
	ip link add "vif$domid.0" type veth peer name eth0 netns "$name"
	ip -n "$name" link set lo up
	ip -n "$name" link set eth0 address "$(guest_mac "$domid")"
	ip netns exec "$name" sysctl -qw net.ipv6.conf.eth0.dad_transmits=0
	ip -n "$name" link set eth0 up
	nodes "$domid" "bridge=xenbr0" "mac=$(guest_mac "$domid")" "$@"
}

# nodes DOMID KEY=VALUE...: of its backend directory, with what stands in every one.
nodes() {
	local dir=$VIFS/$1/0 args key
	args=("$dir/frontend" "/local/domain/$1/device/vif/0" "$dir/state" 2 "$dir/hotplug-status" "")
	shift
	for key; do
		args+=("$dir/${key%%=*}" "${key#*=}")
	done
	xenstore-write "${args[@]}"
}

# vif SCRIPT online|offline DOMID: as libxl runs it; VIF_ENV has more of the environment, like netdev=eth0.
vif() {
	# shellcheck disable=SC2086 # words
	env -i PATH="$PATH" HALFBACK_RUN_DIR="$HALFBACK_RUN_DIR" XENSTORED_PATH="${XENSTORED_PATH:-}" \
		XENSTORED_RUNDIR="${XENSTORED_RUNDIR:-}" XENBUS_TYPE=vif XENBUS_PATH="backend/vif/$3/0" XENBUS_BASE_PATH=backend \
		netdev= vif="vif$3.0" ${VIF_ENV:-} ${VIF_SHELL:-} "$SCRIPTS/vif/vif-$1" "$2" type_if=vif </dev/null 2>&1
}

network() { # MODE start|stop|status [WORD...]
	local mode=$1
	shift
	"$SCRIPTS/network/network-$mode" "$@" 2>&1
}

vif_node() { # DOMID KEY
	xenstore-read "$VIFS/$1/0/$2" 2>/dev/null
}

# All of the host that scripts may change, as it is.  What the kernel does by itself once a link has been up is left out.
census() {
	ip -o link show | sed 's/^[0-9]*: //; s/ state [A-Z]*//; s/ mode .*//; s/qdisc [a-z_]*//; s/,\?\(LOWER_UP\|M-DOWN\|NO-CARRIER\),\?//g'
	ip -o addr show | sed 's/^[0-9]*: //' | grep -v fe80
	ip route show table all | grep -vE 'fe80|ff00::/8'
	ip neigh show proxy
	nft list ruleset | sed "s,packets [0-9]* bytes [0-9]*,,"
	grep -s . /proc/sys/net/ipv[46]/conf/{all,default,eth0,lan0}/{forwarding,accept_ra,accept_redirects,proxy_arp,proxy_ndp,disable_ipv6} \
		/proc/sys/net/ipv[46]/neigh/eth0/proxy_delay
	[ ! -d $STATES ] || find $STATES -mindepth 1 ! -name lock
}

# How many packets a guest's chain has dropped as WHAT (MAC, ARP, ...).
dropped() { # DOMID WHAT
	nft list ruleset | awk -v chain="vif$1.0" -v what="\"$2\"" '
		$1 == "chain" { mine = index($2, chain) == 1 }
		mine && $NF == what { for (i = 1; i < NF; i++) if ($i == "packets") n += $(i + 1) }
		END { print n + 0 }'
}

# The vifs that have a plan.
planned_vifs() {
	find $STATES -name 'vif*' -printf '%f '
}

in_ns() { # NAME COMMAND...
	local name=$1
	shift
	ip netns exec "$name" "$@"
}

pings() { # NAME ADDRESS
	in_ns "$1" ping -n -c 1 -W 2 "$2"
}

# guest_addresses NAME ADDRESS... [via GATEWAY...]: on its eth0.
guest_addresses() {
	local name=$1 via=
	shift
	for word; do
		if [ "$word" = via ]; then
			via=y
		elif [ -n "$via" ]; then
			ip -n "$name" route add default via "$word" dev eth0 onlink
		else
			case $word in
			*:*) ip -n "$name" addr add "$word" dev eth0 nodad ;;
			*) ip -n "$name" addr add "$word" dev eth0 ;;
			esac
		fi
	done
}

# stub NAME: makes $STUBS/NAME, whose text is standard input, and puts $STUBS first in PATH.
STUBS=
stub() {
	if [ -z "$STUBS" ]; then
		STUBS=$WORK/stubs
		mkdir -p "$STUBS"
		PATH=$STUBS:$PATH
	fi
	cat >"$STUBS/$1"
	chmod +x "$STUBS/$1"
}
