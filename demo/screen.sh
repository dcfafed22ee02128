#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A guest's screen on VNC, on the embedded Xen: a test card that a guest draws, through pvfb, as a viewer made of
# libvncclient saves it.  Started by `make demo`; its picture is $BUILD/demo/screen.png.

set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in
/*) ;;
*) BUILD=$TOP/$BUILD ;;
esac
export BUILD
PATH=$BUILD:$PATH:/usr/sbin:/sbin

die() {
	echo "demo: $*" >&2
	tail -n 20 "$XLOOP_DIR"/*.log >&2
	exit 1
}

# A port of this machine may be in use, so the demo has a network of its own.
if [ -z "${DEMO_IN_HOST:-}" ]; then
	export DEMO_IN_HOST=1
	exec unshare --net sh -c 'ip link set lo up && exec "$@"' sh xloop run -- "$BASH" "$0"
fi

wait_for() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || die "timed out: $*"
		sleep 0.05
	done
}

echo
echo "A guest's screen: pvfb, and a guest with vfb=['vnc=1'] that draws a test card"
mkdir -p "$BUILD/demo"
cd "$XLOOP_DIR" || exit 1
pvfb >>pvfb.log 2>&1 &
pvfb=$!
printf 'name="screen"\nmemory=64\nvfb=["vnc=1"]\n' >screen.cfg
xloop create screen.cfg >/dev/null || die "the guest was not created"
wait_for 10 xenstore-read /local/domain/1/console/vnc-port
mkfifo commands
xloop exec screen -- fbplay --size=1024x768 <>commands >screen.out 2>&1 &
wait_for 10 grep -q connected screen.out
"$BUILD/tests/vncshot" "$(xenstore-read /local/domain/1/console/vnc-port)" "tight zrle hextile raw" "$BUILD/demo/screen.png" ||
	die "the viewer saw nothing"
"$BUILD/tests/vncshot" "$(xenstore-read /local/domain/1/console/vnc-port)" "tight zrle hextile raw" shot.ppm
echo "dump $XLOOP_DIR/guest.ppm" >commands
wait_for 10 grep -q "done dump" screen.out
cmp guest.ppm shot.ppm || die "the viewer saw another picture than the guest drew"
echo "      a viewer saw each of its 786432 pixels and saved them as ${BUILD#"$TOP/"}/demo/screen.png"
echo quit >commands
wait %2
xloop destroy screen || die "the guest was not destroyed"
kill $pvfb
wait $pvfb
