# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC3043,SC2034 # dash, ash and bash have local; what is set here is read by who sources it
#
# IPv4 and IPv6 addresses, prefixes and MAC addresses, for the vif-* and network-* scripts.  Sourced.
#
# Text from outside becomes bits here, written as hex digits, or is refused; what goes to ip and nft is made from the bits
# again, so it holds nothing else, and is the same for all ways to write an address.  No processes are started.

# addr_parse ADDRESS[/LENGTH]: sets a_family (4, 6), a_hex, a_len, a_whole (y: one address), and a_text, which ends in the length
# if it is a prefix.  Bits beyond the length are cleared.
addr_parse() {
	local bits=32
	a_family=4
	case $1 in
	*:*)
		a_family=6
		bits=128
		addr6_hex "${1%%/*}" || return 1
		;;
	*) addr4_hex "${1%%/*}" || return 1 ;;
	esac
	a_len=$bits
	case $1 in
	*/*)
		a_len=${1#*/}
		case $a_len in
		'' | *[!0-9]* | 0?* | ????*) return 1 ;;
		esac
		[ "$a_len" -le $bits ] || return 1
		;;
	esac
	hex_mask "$a_hex" "$a_len"
	a_hex=$masked
	addr_text "$a_hex"
	a_whole=y
	if [ "$a_len" -lt $bits ]; then
		a_whole=
		a_text=$a_text/$a_len
	fi
}

addr4_hex() {
	local IFS=.
	case $1 in
	*[!0-9.]* | .* | *. | *..*) return 1 ;;
	esac
	# shellcheck disable=SC2086 # split at the dots
	set -- $1
	[ $# -eq 4 ] || return 1
	a_hex=
	for part; do
		case $part in
		0?* | ????*) return 1 ;;
		esac
		[ "$part" -le 255 ] || return 1
		hex_digit $((part / 16))
		a_hex=$a_hex$digit
		hex_digit $((part % 16))
		a_hex=$a_hex$digit
	done
}

addr6_hex() {
	local left="$1" right='' gap=''
	case $1 in
	*[!0-9a-fA-F:]* | *:::* | *::*::*) return 1 ;;
	*::*)
		left=${1%%::*}
		right=${1#*::}
		gap=y
		;;
	esac
	groups6 "$right" || return 1
	right=$g_hex
	groups6 "$left" || return 1
	left=$g_hex
	if [ -n "$gap" ]; then
		# "::" stands for one group at least.
		[ $((${#left} + ${#right})) -lt 32 ] || return 1
		while [ $((${#left} + ${#right})) -lt 32 ]; do
			left=${left}0000
		done
	fi
	a_hex=$left$right
	[ ${#a_hex} -eq 32 ] || return 1
	hex_lower "$a_hex"
	a_hex=$lower
}

groups6() {
	local IFS=:
	g_hex=
	case $1 in
	:* | *:) return 1 ;;
	esac
	# shellcheck disable=SC2086 # split at the colons
	set -- $1
	for group; do
		[ ${#group} -le 4 ] || return 1
		while [ ${#group} -lt 4 ]; do
			group=0$group
		done
		g_hex=$g_hex$group
	done
}

# hex_digit NUMBER (0 to 15): sets $digit.
hex_digit() {
	local n="$1"
	set -- 0 1 2 3 4 5 6 7 8 9 a b c d e f
	shift "$n"
	digit=$1
}

hex_lower() {
	local rest="$1"
	lower=$1
	case $1 in
	*[A-F]*) ;;
	*) return 0 ;;
	esac
	lower=
	while [ -n "$rest" ]; do
		case $rest in
		A*) lower=${lower}a ;;
		B*) lower=${lower}b ;;
		C*) lower=${lower}c ;;
		D*) lower=${lower}d ;;
		E*) lower=${lower}e ;;
		F*) lower=${lower}f ;;
		*) lower=$lower${rest%"${rest#?}"} ;;
		esac
		rest=${rest#?}
	done
}

# hex_mask HEX LENGTH: sets $masked, the digits with all bits beyond the length cleared.
hex_mask() {
	local rest="$1" left="$2"
	masked=
	while [ -n "$rest" ]; do
		if [ "$left" -ge 4 ]; then
			masked=$masked${rest%"${rest#?}"}
		elif [ "$left" -gt 0 ]; then
			hex_digit $((0x${rest%"${rest#?}"} & (0xf0 >> left) & 0xf))
			masked=$masked$digit
		else
			masked=${masked}0
		fi
		left=$((left - 4))
		rest=${rest#?}
	done
}

# addr_text HEX: sets a_text.
addr_text() {
	local rest="$1" head
	a_text=
	if [ ${#rest} -eq 8 ]; then
		while [ -n "$rest" ]; do
			head=${rest%"${rest#??}"}
			a_text=$a_text${a_text:+.}$((0x$head))
			rest=${rest#??}
		done
		return
	fi
	while [ -n "$rest" ]; do
		a_text=$a_text${a_text:+:}${rest%"${rest#????}"}
		rest=${rest#????}
	done
}

# prefix_has HEX LENGTH OTHER-HEX: of one family, the other address is in the prefix.
prefix_has() {
	[ ${#1} -eq ${#3} ] || return 1
	hex_mask "$3" "$2"
	[ "$masked" = "$1" ]
}

# mac_parse TEXT: sets $mac and $mac_hex; a multicast address is none of an interface's.
mac_parse() {
	case $1 in
	*[!0-9a-fA-F:]*) return 1 ;;
	??:??:??:??:??:??) ;;
	*) return 1 ;;
	esac
	hex_lower "$1"
	mac=$lower
	case $mac in
	?[13579bdf]* | 00:00:00:00:00:00) return 1 ;;
	esac
	local IFS=:
	# shellcheck disable=SC2086 # split at the colons
	set -- $mac
	[ $# -eq 6 ] || return 1
	mac_hex=$1$2$3$4$5$6
}

# mac_link_local MAC-HEX: sets a_text and a_hex to the link-local address that is made from it (RFC 4291, appendix A).
mac_link_local() {
	local second="${1#?}"
	hex_digit $((0x${second%"${second#?}"} ^ 2))
	second=${1#??}
	a_hex=fe80000000000000${1%"${1#?}"}$digit${second%??????}fffe${1#??????}
	addr_text "$a_hex"
}
