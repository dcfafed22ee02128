#!/bin/bash
# SPDX-License-Identifier: MIT
# vifname= that is another interface's: the attach fails, and neither it nor the offline after it touches that interface.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 8

bridge_make
guest a 7 vifname=web
guest b 8 vifname=web
guest c 9 vifname=lo
ok "the first guest gets the name" vif bridge online 7
up=$(ip -o link show web)
not_ok "the second one does not" vif bridge online 8
like "$(vif_node 8 hotplug-error)" 'vifname=web: another interface has this name' "and hotplug-error says why"
ok "the offline that libxl runs then succeeds" vif bridge offline 8
is "$(ip -o link show web)" "$up" "and the first guest's interface is up in its bridge"
not_ok "nor may a guest be called lo" vif bridge online 9
ok "the first guest goes offline" vif bridge offline 7
is "$(ip -br link | awk '{ print $1 }' | grep -E '^(web|vif)' | sort | xargs)/$(planned_vifs)" "vif7.0@if2 vif8.0@if2 vif9.0@if2/" "and its interface has its first name again"
