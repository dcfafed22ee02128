# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC3043,SC2034,SC2154 # dash, ash and bash have local; what is set here is read by who sources it
#
# What the vif-* and network-* scripts share: sentences, the lock, the files that say what was done.
# Sourced; $me is the script's name then.  It owns $NET_DIR and is the only one to write there.
#
# What is done to the host is planned first, written to a file (by rename, so it is there whole or not at all), and then
# done; undoing reads that file and nothing else.  So whatever kills a script, the next one knows what there may be to undo.

PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
me=${0##*/}
NET_DIR=${HALFBACK_RUN_DIR:-/run/halfback}/net
LF='
'
umask 022
set -uf

say() {
	printf '%s: %s\n' "$me" "$1" >&2
}

# Ends the script.  A script that has more to do then than to say why has its own fail().
fail() {
	say "$1"
	exit 1
}

# need COMMAND PACKAGE...: pairs of them.
need() {
	while [ $# -gt 1 ]; do
		command -v "$1" >/dev/null 2>&1 || fail "the command $1 is missing; install it (Debian: apt install $2)"
		shift 2
	done
}

# One script at a time changes anything.  The lock ends with the script, however that ends; a daemon that is started
# meanwhile must not inherit it (9>&-).
net_lock() {
	# A script that a vif-* runs, which holds it.
	[ -z "${HALFBACK_NET_LOCKED:-}" ] || return 0
	need flock util-linux
	[ -d "$NET_DIR" ] || mkdir -p "$NET_DIR" || fail "can't make the directory $NET_DIR"
	exec 9>"$NET_DIR/lock"
	flock -w 30 9 || fail "another script has held $NET_DIR/lock for 30 seconds; look for one that hangs"
}

net_unlock() {
	exec 9>&-
}

# state_write FILE TEXT: whole or not at all.
state_write() {
	{ printf '%s' "$2" >"$1.new" && mv -f "$1.new" "$1"; } || fail "can't write $1"
}

# ip_do TEXT: one ip(8) process for all lines, up to the first that fails, whose complaint is in $reason then.
ip_do() {
	reason=$(ip -batch - 2>&1 >/dev/null <<-EOF
		$1
	EOF
	) && return 0
	reason=${reason%%"$LF"*}
	reason=${reason#RTNETLINK answers: }
	reason=${reason#Error: }
	return 1
}

# ip_undo TEXT: all lines; what is gone already is no fault.
ip_undo() {
	[ -z "$1" ] || ip -force -batch - >/dev/null 2>&1 <<-EOF
		$1
	EOF
	return 0
}

# nft_do TEXT: one transaction.
nft_do() {
	reason=$(nft -f - 2>&1 <<-EOF
		$1
	EOF
	) && return 0
	reason=${reason%%"$LF"*}
	reason="nft: ${reason#*Error: }"
	return 1
}

# nft_file FILE: the same, and the file stays to be done again.
nft_file() {
	reason=$(nft -f "$1" 2>&1) && return 0
	reason=${reason%%"$LF"*}
	reason="nft: ${reason#*Error: }"
	return 1
}

nft_undo() {
	nft -f - >/dev/null 2>&1 <<-EOF
		$1
	EOF
	return 0
}

# ---- interfaces -----------------------------------------------------------------------------------

# Letters, digits and . _ - only, at most 15: safe in every line that is put together here.
name_ok() {
	case $1 in
	'' | . | .. | -* | *[!A-Za-z0-9._-]*) return 1 ;;
	esac
	[ ${#1} -le 15 ]
}

dev_exists() {
	[ -e "/sys/class/net/$1/ifindex" ]
}

# dev_index NAME: sets $index, "" if there is no such interface.
dev_index() {
	index=
	[ ! -e "/sys/class/net/$1/ifindex" ] || read -r index <"/sys/class/net/$1/ifindex"
}

# The device of the default route: $1 is -4 or -6.  Sets $gateway_dev and $gateway, "" if there is none.
default_route() {
	local word last='' line
	gateway=
	gateway_dev=
	line=$(ip "$1" route show default)
	for word in ${line%%"$LF"*}; do
		case $last in
		via) gateway=$word ;;
		dev) gateway_dev=$word ;;
		esac
		last=$word
	done
}

# sysctl_get NAME (with slashes): sets $value, "" if the kernel has no such one.
sysctl_get() {
	value=
	[ ! -r "/proc/sys/net/$1" ] || value=$(cat "/proc/sys/net/$1")
}

# The same for one that has one digit, without a process: `read` takes a byte at a time, and sysctls have no second one then.
sysctl_digit() {
	value=
	[ ! -r "/proc/sys/net/$1" ] || read -r value <"/proc/sys/net/$1"
}

sysctl_set() {
	[ ! -w "/proc/sys/net/$1" ] || echo "$2" >"/proc/sys/net/$1"
}


# sysfs_read NAME: sets $value from /sys/class/net/NAME.
sysfs_read() {
	value=
	[ ! -r "/sys/class/net/$1" ] || read -r value <"/sys/class/net/$1"
}

# ---- the network ------------------------------------------------------------------------------------
# network-* writes $NET_DIR/network.bridge.BRIDGE, network.route.NETDEV or network.nat: lines "set KEY VALUE" for vif-*, and what
# there is to undo.

# Sets $networks: the files of those that were started.
network_files() {
	set +f
	set -- "$NET_DIR"/network.*[!w]
	set -f
	networks=$*
	[ -e "$1" ] || networks=
}

# network_read MODE [NAME]: that one, or the first of its mode.  Sets net_netdev, ...: "" where nothing was started.
network_read() {
	local word key value
	net_file='' net_mode='' net_netdev='' net_bridge='' net_subnet='' net_subnet6='' net_antispoof='' net_dhcp=''
	network_files
	for word in $networks; do
		case $word in
		"$NET_DIR/network.$1" | "$NET_DIR/network.$1".*)
			[ -z "${2:-}" ] || [ "$word" = "$NET_DIR/network.$1.$2" ] || continue
			net_file=$word
			break
			;;
		esac
	done
	[ -n "$net_file" ] || return 0
	while read -r word key value; do
		case $word/$key in
		set/mode) net_mode=$value ;;
		set/netdev) net_netdev=$value ;;
		set/bridge) net_bridge=$value ;;
		set/subnet) net_subnet=$value ;;
		set/subnet6) net_subnet6=$value ;;
		set/antispoof) net_antispoof=$value ;;
		set/dhcp) net_dhcp=$value ;;
		esac
	done <"$net_file"
}
