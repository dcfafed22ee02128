# SPDX-License-Identifier: MIT
# All rounds of bench/xen.sh to results-xen.json: an array of rows
#	{case, metric, unit, ours, peers: {ours-persistent, kernel, qdisk}, ratio: {ours-persistent, kernel, qdisk}, and more}
# one row per case.  Figures are medians; `ratio` is the median of the rounds' ratios of ours to a peer, of which
# ours-persistent is blkback --persistent; `persistent_ratio` are that one's ratios.
# `cpu_us_per_io` is all that dom0 used, less what it uses when idle, and `guest_cpu_us_per_io` the same of the guest.
# `counts` and `peer_counts` are interrupts that were taken, on either side, per I/O: notifications that found one
# pending are not in them.

include "lib";
def peers: ["ours-persistent", "kernel", "qdisk"];
def each($key; $n): . as $all | reduce ("ours", peers[]) as $e ({}; .[$e] = ($all | mid($e; $key; $n)));
def counts($engine): {
	notifies_per_io: (of($engine) | map(.notifies_to_backend + .notifies_to_guest) | median | places(3)),
	notifies_to_backend_per_io: mid($engine; "notifies_to_backend"; 3),
	notifies_to_guest_per_io: mid($engine; "notifies_to_guest"; 3)
};
by_case | map({
	case: .[0].case, metric: "iops", unit: "1/s",
	ours: mid("ours"; "iops"; 0),
	peers: (each("iops"; 0) | del(.ours)),
	ratio: (. as $all | reduce peers[] as $p ({}; .[$p] = ($all | ratio($p)))),
	persistent_ratio: {kernel: ratio("ours-persistent"; "kernel"), qdisk: ratio("ours-persistent"; "qdisk")},
	counts: counts("ours"),
	peer_counts: (. as $all | reduce peers[] as $p ({}; .[$p] = ($all | counts($p)))),
	bandwidth_bytes: each("bandwidth"; 0),
	cpu_us_per_io: each("cpu_us"; 0),
	guest_cpu_us_per_io: each("guest_cpu_us"; 0),
	latency_p50_us: each("p50_us"; 0),
	latency_p99_us: each("p99_us"; 0),
	rounds: (of("ours") | length)
})
