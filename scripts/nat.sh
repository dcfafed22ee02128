# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC3043,SC2034,SC2154 # dash, ash and bash have local; names are shared with who sources it
#
# NAT's own parts, for vif-nat and network-nat: table inet halfback, and one dnsmasq for DHCP and DNS.  Sourced after net.sh and
# addr.sh, below the lock.
#
# dnsmasq reads $NET_DIR/dhcp-hosts/vifDOMID.DEVID as it appears; it has to start anew to forget a lease.  It is known by its pid
# file and its command line together, so no other process is ever signalled.

DNSMASQ_CONF=$NET_DIR/dnsmasq.conf
DNSMASQ_PID=$NET_DIR/dnsmasq.pid
DNSMASQ_LEASES=$NET_DIR/dnsmasq.leases
DHCP_HOSTS=$NET_DIR/dhcp-hosts

# Sets $gateway4, the first address of the subnet, and $netmask4.
nat_gateway() {
	addr_parse "$net_subnet"
	subnet4=${a_text%/*}
	hex_mask ffffffff "$a_len"
	gateway4=$a_hex
	addr_text "$masked"
	netmask4=$a_text
	addr_text "${gateway4%?}1"
	gateway4=$a_text
}

# Sets $nat: the whole table, whether it is there or not, for a transaction.  Only what comes from a vif of ours is translated.
nat_table() {
	nat="add table inet halfback
add set inet halfback nat4 { type ipv4_addr; flags interval; }
add set inet halfback nat6 { type ipv6_addr; flags interval; }
add chain inet halfback postrouting { type nat hook postrouting priority 100; }
flush chain inet halfback postrouting
add rule inet halfback postrouting oifname \"$net_netdev\" ip saddr @nat4 masquerade
add rule inet halfback postrouting oifname \"$net_netdev\" ip6 saddr @nat6 masquerade"
}

# Sets $pid, "" if our dnsmasq does not run.
dnsmasq_pid() {
	local line
	pid=
	[ -r "$DNSMASQ_PID" ] || return 0
	read -r line <"$DNSMASQ_PID"
	[ -r "/proc/$line/cmdline" ] || return 0
	case $(tr '\0' ' ' <"/proc/$line/cmdline") in
	*"-C $DNSMASQ_CONF "*) pid=$line ;;
	esac
}

dnsmasq_config() {
	mkdir -p "$DHCP_HOSTS" || fail "can't make $DHCP_HOSTS"
	nat_gateway
	state_write "$DNSMASQ_CONF" "# Written by network-nat; network-nat stop removes it.
bind-dynamic
listen-address=$gateway4
pid-file=$DNSMASQ_PID
dhcp-leasefile=$DNSMASQ_LEASES
dhcp-hostsdir=$DHCP_HOSTS
dhcp-range=$subnet4,static,$netmask4,1h
dhcp-option=option:router,$gateway4
dhcp-option=option:dns-server,$gateway4
dhcp-authoritative
domain-needed
bogus-priv
no-hosts
"
}

dnsmasq_start() {
	dnsmasq_pid
	[ -z "$pid" ] || return 0
	reason=$(dnsmasq -C "$DNSMASQ_CONF" 2>&1 9>&-) || {
		reason="dnsmasq: ${reason##*dnsmasq: }"
		return 1
	}
}

dnsmasq_stop() {
	local try=0
	dnsmasq_pid
	[ -n "$pid" ] || return 0
	kill "$pid" 2>/dev/null
	while [ -d "/proc/$pid" ] && [ $try -lt 100 ]; do
		sleep 0.02
		try=$((try + 1))
	done
	rm -f "$DNSMASQ_PID"
}

# The vif's address, for its MAC only.
dhcp_offer() {
	mkdir -p "$DHCP_HOSTS" || fail "can't make $DHCP_HOSTS"
	dnsmasq_start || fail "DHCP can't be served: $reason"
	state_write "$DHCP_HOSTS/.vif$id" "$mac,$own4,dom$domid${devid#0}$LF"
	mv "$DHCP_HOSTS/.vif$id" "$DHCP_HOSTS/vif$id"
}

# dhcp_forget MAC ADDRESS: no lease is left, which another guest's NIC would be refused the address for.
dhcp_forget() {
	rm -f "$DHCP_HOSTS/vif$id"
	dnsmasq_pid
	[ -n "$pid" ] || return 0
	dnsmasq_stop
	if [ -s "$DNSMASQ_LEASES" ]; then
		grep -vF " $1 $2 " "$DNSMASQ_LEASES" >"$DNSMASQ_LEASES.new"
		mv -f "$DNSMASQ_LEASES.new" "$DNSMASQ_LEASES"
	fi
	dnsmasq_start || say "DHCP is not served any more: $reason"
}
