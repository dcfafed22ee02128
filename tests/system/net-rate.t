#!/bin/bash
# SPDX-License-Identifier: MIT
# A vif's rate is one for all its queues, in each direction for itself, and can be changed while the guest runs.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 8

bridge_make
netback_start --queues=2
# 20 Mb/s of what the guest sends
XLOOP_XNET="--queues=2" nic_guest a 1 "rate=20Mb/s" || exit 1
own=$VIF_BE/1/0
pings_soon a 10.0.0.1
is "$(xenstore-read $own/rate)" "125000,50000" "libxl's node is there"
between() { # NUMBER MIN MAX
	[ "$(jq -n "$1 >= $2 and $1 <= $3")" = true ]
}
mbits() { # IPERF-OPTION...
	jq -n "$(gbits host a 10.0.0.1 -t 2 "$@") * 1000"
}
sent=$(mbits -P 4)
ok "four connections over two queues get the rate once ($sent Mb/s of 20)" between "$sent" 10 26
got=$(mbits -R)
ok "what it gets is not limited by it ($got Mb/s)" more_than "$got" 100
xenstore-write $own/rate-rx "125000,50000"
got=$(mbits -R -P 4)
ok "rate-rx limits that ($got Mb/s of 20)" between "$got" 10 26
xenstore-rm $own/rate
sent=$(mbits)
ok "without the node it sends as it likes ($sent Mb/s)" more_than "$sent" 100
ok "held back packets are counted" [ "$(halfback stats --json a | jq '.nics[0].total.limited')" -gt 3 ]
xenstore-write $own/rate fast
ok "a rate that is none is refused" wait_for 5 grep -q "keeps its settings: its node rate 'fast' is not of the form" \
	"$XLOOP_DIR/netback.log"
ok "and the guest has its network" pings a 10.0.0.1
