# SPDX-License-Identifier: MIT
# All rounds to results.json: an array of rows
#	{case, metric, unit, ours, peers: {NAME: number or null}, counts: {...}, and more}
# one row per case.  `ratio` is the median of the rounds' ratios of ours to a peer; `counts` are blkback's, and
# `peer_counts` the same of a peer on the same embedded Xen; null means that there is no such figure.  What the peers
# are tells contenders.sh: ours-persistent, ours-nopoll and ours-nojournal are blkback, too.
#
# With one I/O in flight, `wake_p50_us` is what two processes need to wake each other and back, and `latency_ratio` the
# p50 of blkback over the sum of that and of fio's.
#
# Then a row for each number of disks that shared one load (many.sh), whose metric is the processor time per I/O, and
# `ratio.one` what that is of the time on one disk.

include "lib";
def peers: ["fio-io_uring", "qdisk", "ours-persistent", "ours-nopoll", "ours-nojournal"];
def all($key; $n): . as $rounds | reduce ("ours", peers[]) as $e ({}; .[$e] = ($rounds | mid($e; $key; $n)));
def p50($engine; $round): map(select(.engine == $engine and .round == $round))[0].p50_us;
def latency_ratio($engine): . as $rounds | of("eventfd")
	| map(.round as $r | .p50_us as $wake | $rounds | p50($engine; $r) / (p50("fio-io_uring"; $r) + $wake))
	| median | places(3);
def counts_of($case; $engine): [$counts[] | select(.case == $case and .engine == $engine) | .counts][0];
def case_row: .[0].case as $case | {
	case: $case, metric: "iops", unit: "1/s",
	ours: mid("ours"; "iops"; 0),
	peers: (all("iops"; 0) | del(.ours)),
	counts: counts_of($case; "ours"),
	peer_counts: (["qdisk", "ours-persistent", "ours-nojournal"] | map({(.): counts_of($case; .)}) | add),
	ratio: (. as $rounds | reduce peers[] as $p ({}; .[$p] = ($rounds | ratio($p)))),
	bandwidth_bytes: all("bandwidth"; 0),
	cpu_us_per_io: all("cpu_us"; 3),
	guest_cpu_us_per_io: (all("guest_cpu_us"; 3) | del(.["fio-io_uring"])),
	latency_p50_us: all("p50_us"; 2),
	latency_p99_us: all("p99_us"; 2),
	wake_p50_us: mid("eventfd"; "p50_us"; 2),
	latency_ratio: {ours: latency_ratio("ours"), "ours-nopoll": latency_ratio("ours-nopoll")},
	rounds: (of("ours") | length)
};
# blk-many-disks-8: of the same round, the one of blk-many-disks-1.
def many_row: . as $of_case | {
	case: .[0].case, metric: "cpu_us_per_io", unit: "us",
	ours: mid("ours"; "cpu_us"; 3),
	peers: {}, counts: null,
	ratio: {one: ($of_case | map(. as $m | .cpu_us / ($many[] | select(.round == $m.round
		and .case == ($m.case | sub("[0-9]+$"; "1"))) | .cpu_us)) | median | places(3))},
	iops: mid("ours"; "iops"; 0),
	rounds: length
};
(by_case | map(case_row)) + ($many | by_case | map(many_row))
