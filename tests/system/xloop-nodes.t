#!/bin/bash
# SPDX-License-Identifier: MIT
# The nodes of a guest and its disk, and who may read and write them, are those of libxl 4.17.
. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 9

fake_backend_start
disk=$(image 'disk one.img' 1M)
cfg=$(guest_config g "format=raw,vdev=xvda,access=rw,target=$disk" "vdev=xvdb,access=ro,direct-io-safe,target=null:1G")
ok "a guest with two disks is created" xloop create "$cfg"
script=$TOP/scripts/block-halfback

# xenstore-ls cuts long values when it prints permissions, so those are looked at apart.
nodes() {
	xenstore-ls -f "$1"
}
perms() {
	xenstore-ls -fp "$1" | sed -E 's/^([^ ]+) = .*\(([^()]*)\)$/\1 \2/'
}

is "$(nodes /local/domain/1/device/vbd/51712)" "$(
	cat <<-END
		/local/domain/1/device/vbd/51712/backend = "/local/domain/0/backend/vbd/1/51712"
		/local/domain/1/device/vbd/51712/backend-id = "0"
		/local/domain/1/device/vbd/51712/state = "1"
		/local/domain/1/device/vbd/51712/virtual-device = "51712"
		/local/domain/1/device/vbd/51712/device-type = "disk"
		/local/domain/1/device/vbd/51712/trusted = "1"
		/local/domain/1/device/vbd/51712/protocol = "x86_64-abi"
	END
)" "the frontend's nodes"

is "$(nodes /local/domain/0/backend/vbd/1/51712)" "$(
	cat <<-END
		/local/domain/0/backend/vbd/1/51712/frontend = "/local/domain/1/device/vbd/51712"
		/local/domain/0/backend/vbd/1/51712/params = "$disk"
		/local/domain/0/backend/vbd/1/51712/script = "$script"
		/local/domain/0/backend/vbd/1/51712/frontend-id = "1"
		/local/domain/0/backend/vbd/1/51712/online = "1"
		/local/domain/0/backend/vbd/1/51712/removable = "0"
		/local/domain/0/backend/vbd/1/51712/bootable = "1"
		/local/domain/0/backend/vbd/1/51712/state = "2"
		/local/domain/0/backend/vbd/1/51712/dev = "xvda"
		/local/domain/0/backend/vbd/1/51712/type = "phy"
		/local/domain/0/backend/vbd/1/51712/mode = "w"
		/local/domain/0/backend/vbd/1/51712/device-type = "disk"
		/local/domain/0/backend/vbd/1/51712/discard-enable = "1"
		/local/domain/0/backend/vbd/1/51712/specification = "xen"
		/local/domain/0/backend/vbd/1/51712/served-by = "halfback"
		/local/domain/0/backend/vbd/1/51712/hotplug-status = "connected"
	END
)" "the backend's nodes, with the script's verdict"

be=/local/domain/0/backend/vbd/1/51728
is "$(for key in params mode discard-enable direct-io-safe; do xenstore-read $be/$key; done | xargs)" \
	"null:1G r 0 1" "a read-only disk has mode r and no discard"

is "$(xenstore-read /libxl/1/device/vbd/51712/frontend /libxl/1/device/vbd/51712/backend \
	/libxl/1/device/vbd/51712/params /libxl/1/device/vbd/51712/state /libxl/1/type)" \
	"$(printf '%s\n' /local/domain/1/device/vbd/51712 /local/domain/0/backend/vbd/1/51712 "$disk" 1 pv)" \
	"the trusted copy below /libxl"

is "$(perms /local/domain/1/device/vbd | awk '{ print $NF }' | sort -u)" n1,r0 \
	"the frontend's directory is the guest's, readable by the backend's domain"

is "$(perms /local/domain/0/backend | awk '{ print $NF }' | sort | uniq)" "$(printf 'n0\nn0,r1')" \
	"the backend's directory is dom0's, readable by the guest"

is "$(perms /libxl | awk '{ print $NF }' | sort -u)" n0 "the trusted copy is dom0's alone"

is "$(xenstore-ls -fp /local/domain/1 | sed -nE 's/^\/local\/domain\/1\/([^ ]+) = .*\(n1\)$/\1/p' | sort | xargs)" \
	"attr control/feature-poweroff control/feature-reboot control/feature-suspend control/shutdown control/sysrq data device/suspend/event-channel drivers error feature" \
	"the guest may write exactly where libxl lets it"
fake_backend_stop
