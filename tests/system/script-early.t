#!/bin/bash
# SPDX-License-Identifier: MIT
# A script that comes before its interface says so, and works once that is there.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 7

bridge_make
nodes 7 mac=00:16:3e:00:00:07 bridge=xenbr0
not_ok "online before the interface fails" vif bridge online 7
like "$(vif_node 7 hotplug-status)/$(vif_node 7 hotplug-error)" 'error/.*there is no interface vif7.0; is netback running' "and says so"
xenstore-write error/backend/vif/7/0/error "22 its node mac is none; write one"
not_ok "as it does when netback has said why there is none" vif bridge online 7
is "$(vif_node 7 hotplug-error)" "vif-bridge: its node mac is none; write one" "in netback's words"
ok "the offline after it succeeds" vif bridge offline 7
guest a 7
ok "online works once the interface is there" vif bridge online 7
is "$(vif_node 7 hotplug-status)" connected "and says that, too"
