# SPDX-License-Identifier: MIT
# Counts of a case of net.sh, a line of `net-counts`: from two readings of `xloop stats --json`, $before and $after, the
# worker's $syscalls (or null) and the result $load, of iperf3 or of netload.  Per packet; for TCP, of 1500 bytes each.
# A page is 4096 bytes that were copied: from guest to guest, each byte is copied twice.

include "lib";
def by($side): $side[0] | {
	dom0: (.[] | select(.domid == 0) | .by),
	guests: ([.[] | select(.domid != 0) | .by.notifies] | add)
};
def packets: $load[0] | if .end then .end.sum_received.bytes / 1500 else .packets end;
by($before) as $b | by($after) as $a
| def per($n): if $n == null or packets == 0 then null else $n / packets | places(4) end;
($a.dom0.copy_calls - $b.dom0.copy_calls) as $calls
| {
	$case,
	counts: {
		syscalls_per_packet: per($syscalls),
		notifies_per_packet: per($a.dom0.notifies - $b.dom0.notifies + $a.guests - $b.guests),
		grant_calls_per_packet: per($calls),
		grant_calls_per_page: (if $load[0].end then $calls / (($a.dom0.copy_bytes - $b.dom0.copy_bytes) / 4096) | places(4)
			else null end),
		grant_ops_per_packet: per($a.dom0.copy_ops - $b.dom0.copy_ops),
		maps_per_packet: per($a.dom0.map_ops - $b.dom0.map_ops + $a.dom0.unmap_ops - $b.dom0.unmap_ops)
	}
}
