#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Stock netfront with programs of XDP: they want bytes before each packet, which the frontend asks for while it is
# connected; those are there for the first packet on, programs may use them, and packets that one sends back leave the
# guest.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"
xen_test 15

mkdir -p "$WORK/initrd/bin"
cp "$BUILD/xdp" "$WORK/initrd/bin"
(cd "$WORK/initrd" && find . | cpio -o -H newc -R 0:0 --quiet) >"$WORK/xdp.cpio"
cat "$BUILD/guest.cpio" "$BUILD/iperf.cpio" "$WORK/xdp.cpio" >"$WORK/guest.cpio"
GUEST_INITRD=$WORK/guest.cpio
net_start
dom0_serves
ok "a guest is created" bridge_guest a 1 pv
BE=/local/domain/0/backend/vif/$(xl domid a)/0
FE=/local/domain/$(xl domid a)/device/vif/0
xdp() { # PROGRAM
	guest_run a "xdp eth0 $1"
}
works() {
	guest_reaches a 10.0.0.1 && tcp_from a 10.0.0.1 -R
}
# echoed: frames of an experimental protocol to the guest come back with their addresses exchanged.
echoed() {
	/usr/bin/python3 - "$(cat /sys/class/net/xenbr0/address)" <<-'END'
		import socket, sys
		mac = lambda text: bytes.fromhex(text.replace(":", ""))
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88b5))
		s.bind(("xenbr0", 0x88b5))
		s.settimeout(20)
		guest, own, typ = mac("00:16:3e:00:00:01"), mac(sys.argv[1]), b"\x88\xb5"
		for size in (60, 1000, 1514):
		    body = bytes((i * 7 + size) % 256 for i in range(size - 14))
		    s.send(guest + own + typ + body)
		    while True:
		        got, where = s.recvfrom(2000)
		        if where[2] != socket.PACKET_OUTGOING:
		            break
		    assert got == own + guest + typ + body, (size, got[:20], len(got))
	END
}
is "$(xenstore-read "$BE"/feature-xdp-headroom)" 1 "netback offers room before packets"
ok "a program that lets all pass is taken" xdp pass
is "$(xenstore-read "$FE"/xdp-headroom)" 256 "  the frontend has asked for 256 bytes"
ok "  both ends are connected again" wait_node "$BE"/state 4
ok "  and its network works" works
ok "one that moves each packet's start by 200 bytes is taken" xdp grow
ok "  and has the room: the network works" works
ok "one that sends frames back is taken" xdp echo
ok "  and they come, whole" echoed
worker=$(net_worker a)
kill -9 "$worker"
wait_for 20 eval 'net_worker a'
ok "after its worker was killed, too" echoed
ok "the program is taken away" xdp off
is "$(xenstore-read "$FE"/xdp-headroom)" 0 "  the frontend wants no more room"
ok "  and its network works" works
is "$(xenstore-read /local/domain/0/error/backend/vif/"$(xl domid a)"/0/error 2>/dev/null)" "" "no error is in the store"
