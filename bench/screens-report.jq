# SPDX-License-Identifier: MIT
# All rounds of screens.sh to rows of results.json, which report.jq describes.  The metric is the worker's processor time
# for an update; `ratio.full` is what that is of the time for all of the screen, `kib` its memory beside its shadow.

include "lib";
def row: . as $of_case | .[0].case as $case | {
	case: $case, metric: "cpu_us_per_update", unit: "us",
	ours: mid("ours"; "cpu_us"; 2),
	peers: {}, counts: [$counts[] | select(.case == $case) | .counts][0],
	ratio: {full: ($of_case | map(. as $r | $all[] | select(.round == $r.round and (.case | startswith("fb-full")))
		| $r.cpu_us / .cpu_us) | median | places(4))},
	updates_per_s: mid("ours"; "iops"; 1),
	latency_p50_us: mid("ours"; "p50_us"; 0), latency_p99_us: mid("ours"; "p99_us"; 0),
	kib: mid("ours"; "kib"; 0),
	rounds: length
};
by_case | map(row)
