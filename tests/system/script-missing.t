#!/bin/bash
# SPDX-License-Identifier: MIT
# A missing command: one sentence with the package that has it, and nothing of the host is changed.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 9

bridge_make
guest a 7 ip=10.0.0.7
before=$(census)
# Commands that can't be run for a while.
hide() { # COMMAND
	hidden=$(type -ap "$1" | xargs -rn1 readlink -f | sort -u)
	for file in $hidden; do
		mount --bind /dev/null "$file"
	done
}

show() {
	# shellcheck disable=SC2086 # words
	umount $hidden
}

missing() { # SCRIPT COMMAND PACKAGE
	hide "$2"
	not_ok "without $2 it does not go online" vif "$1" online 7
	like "$(vif_node 7 hotplug-error)" "the command $2 is missing.*apt install $3" "and hotplug-error says what to install"
	show
}

missing bridge nft nftables
missing bridge ip iproute2
missing bridge flock util-linux
missing openvswitch ovs-vsctl openvswitch-switch
is "$(census)" "$before" "the host is as it was"
