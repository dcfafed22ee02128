#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # text that is not for this shell
# halfback network reads halfback.conf and xend-config.sxp; each fault is one sentence with file and line, and changes nothing.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 43

lan_make lan
before=$(census)
net() { halfback network "$@" 2>&1; }
conf() { printf '%b' "$1" >"$WORK/c"; }

conf '# comment\n[network]\nmode = route ; routed\nnetdev = lan\nantispoof = no\n'
ok "a config starts its network" net start --config "$WORK/c"
like "$(net status --config "$WORK/c")" 'network-route: started; netdev=lan antispoof=no' "as it says"
ok "and stops it" net stop --config "$WORK/c"
is "$(diff <(echo "$before") <(census))" "" "the host is as it was"

fault() { # LINE REGEX CONFIG
	conf "$3"
	like "$(net start --config "$WORK/c")" "^$WORK/c:$1: .*$2[^
]*$" "refused: ${3//$'\n'/ }"
}
fault 2 "there is no key 'nic'; the keys are mode, netdev" '[network]\nnic = lan\n'
fault 2 'mode = wireless: write bridge, route, nat or openvswitch' '[network]\nmode = wireless\nnetdev = lan\n'
fault 2 'mode = route needs a netdev; write netdev = NAME' '[network]\nmode = route\n'
fault 2 'mode = openvswitch needs a bridge' '[network]\nmode = openvswitch\n'
fault 4 'netdev stands in line 3 already' '[network]\nmode = route\nnetdev = lan\nnetdev = lan2\n'
fault 4 'bridge is not for mode = route' '[network]\nmode = route\nnetdev = lan\nbridge = xenbr0\n'
fault 3 'netdev = a b: write the name of an interface' '[network]\nmode = nat\nnetdev = a b\n'
fault 3 'netdev = .*: write the name' '[network]\nmode = nat\nnetdev = $(touch /run/owned)\n'
fault 3 'netdev = x+: write the name' "[network]\nmode = nat\nnetdev = $(printf 'x%.0s' {1..150})\n"
fault 4 'subnet = 10.0.0.0/33: write an IPv4 subnet' '[network]\nmode = nat\nnetdev = lan\nsubnet = 10.0.0.0/33\n'
fault 4 'subnet6 = fd00::: write an IPv6 prefix' '[network]\nmode = nat\nnetdev = lan\nsubnet6 = fd00::\n'
fault 4 'dhcp = maybe: write yes or no' '[network]\nmode = nat\nnetdev = lan\ndhcp = maybe\n'
fault 1 "'mode' stands in no section; write \[network\]" 'mode = nat\n'
fault 2 'there is no section \[net\]' '[net]\nmode = nat\n'
fault 3 'neither a comment, nor \[network\], nor KEY = VALUE' '[network]\nmode = nat\nnetdev lan\n'
fault 1 'neither a comment' '[network\n'
conf ''
like "$(net start --config "$WORK/c")" "the mode is missing; write mode = bridge" "an empty config is refused"
like "$(net start --config "$WORK/none")" "none: can't read it: No such file" "and one that is not there"
like "$(net start)" "/etc/xen/halfback.conf: can't read it" "which is /etc/xen/halfback.conf unless named"
conf '[network]\nmode = route\nnetdev = nope\n'
like "$(net start --config "$WORK/c")" 'there is no interface nope' "a netdev that is not there is refused"

sxp() { # LINES WORDS-OF-STATUS
	conf "$1"
	ok "xend: $1" net start --from "$WORK/c"
	like "$(net status --from "$WORK/c")" "$2" "means: $2"
	net stop --from "$WORK/c" >/dev/null
}
sxp "(network-script 'network-route netdev=lan')\n(vif-script 'vif-route netdev=lan')\n" 'network-route: started; netdev=lan'
sxp '# (network-script old)\n(xend-unix-server yes)(network-script network-route)\n(x (network-script y) "a)b")' 'network-route: started; netdev=lan'
sxp "(network-script 'network-bridge netdev=lan bridge=br7')\n(vif-script vif-bridge)" 'network-bridge: started; netdev=lan bridge=br7'
sxp "(network-script 'network-nat dhcp=no')" 'network-nat: started; netdev=lan .*dhcp=no'
conf '(network-script network-dummy)\n(vif-script vif-bridge)\n'
like "$(net start --from "$WORK/c")" "the system's own; nothing to start" "xend: network-dummy starts nothing"

bad() { # LINE REGEX LINES
	conf "$3"
	like "$(net start --from "$WORK/c")" "^$WORK/c:$1: .*$2" "xend: refused: $3"
}
bad 2 'vifnum= was for Xen 3' "\n(network-script 'network-bridge vifnum=0')"
bad 1 "'my-script' is none of network-bridge" '(network-script my-script)'
bad 2 'vif-bridge does not go with the network-route of line 1' '(network-script network-route)\n(vif-script vif-bridge)'
bad 3 'netdev stands in line 2' "\n(network-script 'network-route netdev=lan')\n(vif-script 'vif-route netdev=eth1')"
bad 1 'quote that opens here is never closed' "(network-script 'network-route)\n"
bad 2 "a '\)' is missing" '(network-script network-route\n'
bad 1 "'foo' is no KEY=VALUE" "(network-script 'network-route foo')"
bad 1 'no script is named here' '(network-script)'
bad 2 "'my' is none of network-bridge" '(a \0 b)\n(network-script my)'
is "$(diff <(echo "$before") <(census); ls /run/owned 2>/dev/null)" "" "the host is as it was"
