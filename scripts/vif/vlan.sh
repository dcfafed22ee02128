# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC3043,SC2034,SC2154 # dash, ash and bash have local; names are shared with who sources it
#
# vlan= of a bridge's port: ranges between slashes (xl-network-configuration(5) of Xen 4.19).
#
#	10        one VLAN; p behind it: frames without a tag are of it (and leave without one), u: they leave without one
#	10-20     these; 100+10x4: 100 and four more, each 10 higher; u behind either
# One VLAN alone is p.  Sourced by vif-bridge.

# vlan_parse TEXT: sets $vlans, "FIRST STEP COUNT FLAGS" in lines.
vlan_parse() {
	local part text="$1" IFS=/ pvid=0
	vlans=
	case $1 in
	*[!0-9pu/x+-]* | */ | /* | *//* | '') vlan_bad ;;
	esac
	[ ${#1} -le 255 ] || vlan_bad
	for part in $1; do
		case $part in
		*p) pvid=$((pvid + 1)) ;;
		esac
		case $text in
		*/* | *p | *-* | *+*) ;;
		*) part=${part%u}p pvid=1 ;;
		esac
		vlan_part "$part"
	done
	[ $pvid -eq 1 ] || fail "vlan=$text: one VLAN must be marked with p, for frames without a tag"
}

vlan_bad() {
	fail "vlan=$vlan is no list of VLANs, like 10 or 10p/20/30-39/100+10x4"
}

vlan_part() {
	local flags='' first="$1" step=1 count=1
	case $first in
	*p) flags='pvid untagged' first=${first%p} ;;
	*u) flags=untagged first=${first%u} ;;
	esac
	case $first in
	*-*)
		count=${first#*-} first=${first%%-*}
		{ vlan_number "$count" && vlan_number "$first" && [ "$count" -ge "$first" ]; } || vlan_bad
		count=$((count - first + 1))
		;;
	*+*x*)
		step=${first#*+} count=${first##*x} first=${first%%+*}
		step=${step%x*}
		{ vlan_number "$step" && vlan_number "$count"; } || vlan_bad
		count=$((count + 1))
		;;
	esac
	{ vlan_number "$first" && [ $((first + (count - 1) * step)) -le 4094 ]; } || vlan_bad
	case $flags/$count in
	pvid*/1 | untagged/* | /*) ;;
	*) vlan_bad ;;
	esac
	vlans=$vlans$first' '$step' '$count' '$flags$LF
}

vlan_number() {
	case $1 in
	'' | 0* | *[!0-9]* | ?????*) return 1 ;;
	esac
	[ "$1" -le 4094 ]
}

# vlan_set PORT: takes the bridge's own default away and gives what was asked for.
vlan_set() {
	local first step count flags lines="vlan del dev $1 vid 1-4094"
	while read -r first step count flags; do
		while [ "${count:-0}" -gt 0 ]; do
			if [ "$step" -eq 1 ] && [ "$count" -gt 1 ]; then
				lines=$lines$LF"vlan add dev $1 vid $first-$((first + count - 1)) $flags"
				break
			fi
			lines=$lines$LF"vlan add dev $1 vid $first $flags"
			first=$((first + step)) count=$((count - 1))
		done
	done <<-EOF
		$vlans
	EOF
	reason=$(bridge -batch - 2>&1 >/dev/null <<-EOF
		$lines
	EOF
	) && return 0
	reason=${reason%%"$LF"*}
	return 1
}
