# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Disks made by hand, for tests of what no toolstack would write: nodes, errors, log lines, workers.
# Source it after lib.sh.

BE=/local/domain/0/backend/vbd

fe_dir() { # DOMID DEVID
	echo "/local/domain/$1/device/vbd/$2"
}

# vbd_make DOMID DEVID PARAMS [KEY=VALUE | KEY-]...: a disk as libxl writes it, without a hotplug script; last of
# all its state.  A later KEY=VALUE wins, KEY- leaves a node out.
vbd_make() {
	local be=$BE/$1/$2 fe key value args=()
	local -A nodes
	fe=$(fe_dir "$1" "$2")
	nodes=([frontend]=$fe [frontend-id]=$1 [online]=1 [params]=$3 [mode]=w [type]=phy [device-type]=disk
		[discard-enable]=1 [dev]=xvdz)
	xenstore-write "$fe" ""
	xenstore-chmod "$fe" "n$1" r0
	xenstore-write "$fe/backend" "$be" "$fe/backend-id" 0 "$fe/virtual-device" "$2" "$fe/state" 1
	xenstore-write "$be" ""
	xenstore-chmod "$be" n0 "r$1"
	shift 3
	for key; do
		case $key in
		*-) unset "nodes[${key%-}]" ;;
		*) nodes[${key%%=*}]=${key#*=} ;;
		esac
	done
	for key in "${!nodes[@]}"; do
		value=${nodes[$key]}
		args+=("$be/$key" "$value")
	done
	xenstore-write "${args[@]}"
	xenstore-write "$be/state" 1
}

vbd_remove() { # DOMID DEVID
	xenstore-rm "$BE/$1/$2"
	xenstore-rm "$(fe_dir "$1" "$2")"
}

# vbd_state DOMID DEVID STATE: waits until the backend is there.
vbd_state() {
	wait_node "$BE/$1/$2/state" "$3" 10
}

vbd_error() { # DOMID DEVID
	xenstore-read "/local/domain/0/error/backend/vbd/$1/$2/error" 2>/dev/null
}

# The worker of a guest, by its domid.
worker_of() {
	pgrep -P "$BLKBACK_PID" -f "^blkback: dom $1 "
}

fds_of() { # PID
	find "/proc/$1/fd" -mindepth 1 | wc -l
}

rss_kib() { # PID
	awk '/^VmRSS/ { print $2 }' "/proc/$1/status"
}

# How many lines of blkback's log match.
log_count() { # REGEX
	grep -cE "$1" "$XLOOP_DIR/blkback.log"
}

# What a leak would make grow: blkback's fds, dom0's maps, ports and grants.
vbd_census() {
	echo "fds $(fds_of "$BLKBACK_PID")"
	xloop stats --json 0 | jq -r '"maps \(.maps) ports \(.ports) grants \(.grants)"'
}

# A guest that does verified I/O until neighbour_ended well.  GUEST's xvda.
neighbour_start() { # GUEST [BLKLOAD-OPTION...]
	local guest=$1
	shift
	xloop exec "$guest" -- blkload --dev=xvda --rw=randrw --verify --qd=4 --runtime=100 --json "$@" \
		>"$WORK/neighbour.$guest" 2>&1 &
	NEIGHBOUR=$!
	wait_for 10 node_is "$BE/$(domid_of "$guest")/51712/state" 4
}

# Ends it; true if it was still there and found no error.  (Runs in a subshell below `ok`, so it cannot wait.)
neighbour_well() { # GUEST
	kill "$NEIGHBOUR" && wait_for 10 test -s "$WORK/neighbour.$1" &&
		jq -es '.[0] | .errors == 0 and .verify_errors == 0 and .verified > 0' "$WORK/neighbour.$1" && return 0
	cat "$WORK/neighbour.$1"
	return 1
}

# A disk of a guest as an NBD server, whose frontend stays connected: process FRONTEND.  Each look at its size is a
# connection of its own.
frontend_serve() { # GUEST VDEV
	xloop exec "$1" -- nbdkit -f -U "$WORK/$1-$2" "$BUILD/nbdkit-xenblk-plugin.so" dev="$2" >>"$WORK/nbdkit.log" 2>&1 &
	# shellcheck disable=SC2034 # the test's
	FRONTEND=$!
	wait_for 10 test -S "$WORK/$1-$2"
}
frontend_uri() { # GUEST VDEV
	echo "nbd+unix:///?socket=$WORK/$1-$2"
}
frontend_size_is() { # GUEST VDEV BYTES
	[ "$(nbdinfo --size "$(frontend_uri "$1" "$2")")" = "$3" ]
}
# Verified I/O through it.
frontend_fio() { # GUEST VDEV FIO-OPTION...
	(cd "$WORK" && fio --name="$2" --ioengine=nbd --uri="$(frontend_uri "$1" "$2")" --rw=randrw --bs=4k --iodepth=8 \
		--verify=crc32c --verify_fatal=1 --do_verify=1 "${@:3}")
}
