#!/bin/bash
# SPDX-License-Identifier: MIT
# A NIC of an xl.cfg becomes the nodes that libxl 4.17 writes, its script is run as libxl runs one, and network-attach,
# network-list and network-detach are xl's.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 41

FAKE_KIND=vif fake_backend_start
export XLOOP_XNET=none
# Notes how it was called; writes what STATUS says, and ends with what EXIT says.
cat >"$WORK/script" <<'END'
#!/bin/sh
dir=$(dirname "$0")
echo "$0 $* $script|$XENBUS_TYPE|$XENBUS_PATH|$XENBUS_BASE_PATH|$vif|$netdev" >>"$dir/calls"
[ "$1" = online ] || exit 0
xenstore-write "$XENBUS_PATH/hotplug-status" "$(cat "$dir/status")"
xenstore-write "$XENBUS_PATH/hotplug-error" "the cable is broken"
[ "$(cat "$dir/status")" = connected ]
END
chmod +x "$WORK/script"
echo connected >"$WORK/status"

xloop create "$(nic_config g 7 "script=$WORK/script,bridge=br7,ip=10.0.0.7 10.0.0.8,vifname=web,gatewaydev=eth9,rate=1MB/s@20ms,mtu=9000,model=e1000")" ||
	exit 1
while read -r key value; do
	is "$(vif_node g 0 "$key")" "$value" "the backend's $key"
done <<END
frontend /local/domain/1/device/vif/0
frontend-id 1
online 1
state 2
script $WORK/script
vifname web
mac 00:16:3e:00:00:07
ip 10.0.0.7 10.0.0.8
gatewaydev eth9
rate 20000,20000
mtu 9000
bridge br7
handle 0
type vif
END
front=/local/domain/1/device/vif/0
while read -r key value; do
	is "$(xenstore-read "$front/$key")" "$value" "the frontend's $key"
done <<END
backend $VIF_BE/1/0
backend-id 0
state 1
handle 0
mac 00:16:3e:00:00:07
trusted 1
mtu 9000
END
is "$(xenstore-ls -p /local/domain/1/device/vif | sed -n 's/^ *mtu = .*(\(.*\))/\1/p')" n0,r1 "the guest may not write its mtu"
not_ok "it can't" in_guest g xenstore-write device/vif/0/mtu 1500
is "$(xenstore-ls -p "$VIF_BE/1" | sed -n 's/^0 = .*(\(.*\))/\1/p')" n0,r1 "the guest may read the backend's"
is "$(xenstore-read /libxl/1/device/vif/0/script)" "$WORK/script" "libxl's own copy has the script"
is "$(cat "$WORK/calls")" "$WORK/script online type_if=vif $WORK/script|vif|backend/vif/1/0|backend|vif1.0|eth9" \
	"the script is told what libxl tells it"

ok "a second NIC is attached" xloop network-attach g "script=$WORK/script"
is "$(vif_node g 1 bridge)" xenbr0 "its bridge is libxl's default"
like "$(vif_node g 1 mac)" '^00:16:3e:[0-7]' "its MAC is of Xen's"
not_ok "there is no mtu in the backend's nodes then" vif_node g 1 mtu
is "$(xenstore-read /local/domain/1/device/vif/1/mtu)" 1500 "but in the frontend's"
is "$(xloop network-list g | awk '{ print $1, $4, $6 }' | xargs)" "Idx back bridge 0 2 br7 1 2 xenbr0" "both are listed"
ok "a NIC is detached by its MAC" xloop network-detach g 00:16:3E:00:00:07
is "$(tail -n 1 "$WORK/calls")" "$WORK/script offline type_if=vif $WORK/script|vif|backend/vif/1/0|backend|vif1.0|eth9" \
	"its script is run once more"
ok "its nodes are gone" no_node "$VIF_BE/1/0"

echo error >"$WORK/status"
like "$(xloop network-attach g "script=$WORK/script" 2>&1)" 'NIC 2 of guest 1: the cable is broken' \
	"what the script says of its failure is told"
ok "and the NIC is not there" no_node "$VIF_BE/1/2"
not_ok "an unknown key is refused" xloop network-attach g colour=red
not_ok "a MAC that is none, too" xloop network-attach g mac=00:16:3e:00:00
not_ok "and a rate that is none" xloop network-attach g rate=fast

is "$(ip -o link | wc -l) $(in_guest g ip -o link | wc -l)" "1 1" "host and guest have networks of their own, with nothing but lo"
fake_backend_stop
