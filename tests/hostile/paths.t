#!/bin/bash
# SPDX-License-Identifier: MIT
# Directories that name no device, and nodes that name another one than their path: the first are left alone, the second
# are refused with a sentence.  What a guest writes beside, or about its backend, is nothing to us (XSA-175).
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
export POSIXLY_CORRECT=1 # -1 is a value
in_host "$@"
plan 42

blkback_start
guest_create g "vdev=xvda,target=$(image a.img 8M)" >/dev/null
guest_create other "vdev=xvda,target=$(image other.img 16M)" >/dev/null
neighbour_start other
secret=$(image secret.img 8M)
census=$(vbd_census)

words=(params "$secret" mode w type phy device-type disk discard-enable 1 dev xvdz online 1 frontend-id 1)
# An alias of a device that is not there, but of which an admin may still want to know something.
alias_error=/local/domain/0/error/backend/vbd/1/51728/error
xenstore-write "$alias_error" "an error of earlier"
for path in 01/51712 1/051712 01/51728 1/051728 1/0051728 -1/51712 1/-1 99999999999/51712 1/4294967296 1/99999999999999999999 1/51712x \
	1x/51712 0x1/51712 x/y 32752/51712 65535/51712; do
	fe=/local/domain/1/device/vbd/${path#*/}
	args=()
	for ((i = 0; i < ${#words[@]}; i += 2)); do
		args+=("$BE/$path/${words[i]}" "${words[i + 1]}")
	done
	xenstore-write -- "${args[@]}" "$BE/$path/frontend" "$fe" "$BE/$path/state" 1 2>/dev/null
	read -rt 0.1 <> <(:) || :
	is "$(xenstore-read -- "$BE/$path/state" 2>/dev/null)" 1 "backend/vbd/$path is left alone"
	xenstore-rm -- "$BE/${path%%/*}/${path#*/}" 2>/dev/null
	case ${path%%/*} in 1) ;; *) xenstore-rm -- "$BE/${path%%/*}" 2>/dev/null ;; esac
done
is "$(xenstore-read "$alias_error")" "an error of earlier" "nothing is done to the device that an alias resembles"
xenstore-rm "${alias_error%/error}"
ok "a device below a device is none" xenstore-write "$BE/1/51712/51728/state" 1 "$BE/1/51712/51728/params" "$secret"
read -rt 0.2 <> <(:) || :
is "$(xenstore-read "$BE/1/51712/51728/state")" 1 "  and left alone"
xenstore-rm "$BE/1/51712/51728"

# Its own nodes name another.
fe1=/local/domain/1/device/vbd/51728
for word in frontend-id=2 frontend-id=01x frontend-id=-1 frontend-id=65537 frontend-id- "frontend=$(fe_dir 2 51728)" \
	frontend=/local/domain/1/device/vbd/51712 "frontend=$fe1/" frontend=/local/domain/1/device/vbd/../vbd/51728 \
	frontend=/local/domain/01/device/vbd/51728 frontend- frontend=; do
	vbd_make 1 51728 "$secret" "$word"
	wait_for 5 vbd_error 1 51728
	like "$(vbd_error 1 51728)" "nodes frontend and frontend-id don't name the guest and number of its path" "$word is refused"
	vbd_remove 1 51728
	wait_for 5 no_node "/local/domain/0/error/backend/vbd/1/51728/error"
done

# What a guest says of its backend, and what it puts beside.
xloop exec g -- xenstore-write device/vbd/51712/backend "$BE/2/51712" device/vbd/51712/backend-id 2 \
	device/vbd/51712/params "$secret" device/vbd/51712/mode w device/vbd/51712/frontend x
xloop exec g -- xenstore-write data/99/state 1 data/99/backend "$BE/1/99"
read -rt 0.2 <> <(:) || :
is "$(xenstore-read "$BE/1/51712/state")" 2 "a guest that names another's backend has its own"
not_ok "  and gets no new one" xenstore-read "$BE/1/99/state"
xenstore-write "$(fe_dir 1 51712)/backend" "$BE/1/51712" "$(fe_dir 1 51712)/backend-id" 0
ok "  it can use its disk" xloop exec g -- blkload --dev=xvda --rw=randrw --verify --ios=500
not_ok "a guest can't write to its backend's directory" xloop exec g -- xenstore-write "$BE/1/51712/params" "$secret"
not_ok "  nor ask blkback for an upgrade" xloop exec g -- xenstore-write /local/domain/0/data/halfback/blkback/upgrade "all 1"
is "$(log_count '99|secret')" 0 "the log names none of it"
is "$(cmp "$secret" /dev/zero 2>&1 | grep -c EOF)" 1 "no image was touched"
ok "the image is not locked" flock -n -x "$secret" true
same() {
	[ "$(vbd_census)" = "$census" ]
}
wait_for 5 same
is "$(vbd_census)" "$census" "no fd, map, port or grant is left"
is "$(pgrep -c -P "$BLKBACK_PID" -f '^blkback: dom')" 2 "there are two workers"
ok "another guest's disk worked all the time" neighbour_well other
