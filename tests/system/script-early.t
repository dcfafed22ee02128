#!/bin/bash
# SPDX-License-Identifier: MIT
# A script that comes before its interface says so, and works once that is there.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 5

bridge_make
nodes 7 mac=00:16:3e:00:00:07 bridge=xenbr0
not_ok "online before the interface fails" vif bridge online 7
like "$(vif_node 7 hotplug-status)/$(vif_node 7 hotplug-error)" 'error/.*there is no interface vif7.0; is netback running' "and says so"
ok "the offline after it succeeds" vif bridge offline 7
guest a 7
ok "online works once the interface is there" vif bridge online 7
is "$(vif_node 7 hotplug-status)" connected "and says that, too"
