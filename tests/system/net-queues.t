#!/bin/bash
# SPDX-License-Identifier: MIT
# One, two and four queues, with split event channels or one: TCP in both directions, and packets in several queues.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 25

bridge_make
netback_start --queues=4
nic_guest a 1 && nic_guest b 2 || exit 1

for queues in 1 2 4; do
	for channel in "" --one-channel; do
		what="$queues queues${channel:+, one channel each}"
		ok "$what: the guest connects" driver_restart a --queues=$queues $channel
		nic_address a 1
		wait_for 10 pings_soon a 10.0.0.1
		is "$(xloop network-list a | awk 'NR == 2 { print $5 }')" $queues "$what: that is what it has"
		ok "$what: TCP to the host" tcp_works host a 10.0.0.1 -P 4
		ok "$what: TCP from the other guest" tcp_works a b 10.0.0.11 -P 4
	done
done
frontend=/local/domain/$(domid_of a)/device/vif/0
driver_restart a --queues=2
like "$(xenstore-ls "$frontend/queue-1")" 'event-channel-rx.*event-channel-tx|event-channel-tx.*event-channel-rx' \
	"channels are split when the frontend can"
