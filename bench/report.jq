# SPDX-License-Identifier: MIT
# All rounds to results.json: an array of rows
#	{case, metric, unit, ours, peers: {NAME: number or null}, counts: {...}, and more}
# one row per case.  `ratio` is the median of the rounds' ratios of ours to a peer; `counts` are blkback's, and
# `peer_counts` the same of a peer on the same embedded Xen; null means that there is no such figure.

include "lib";
def three($key; $n): {ours: mid("ours"; $key; $n), "fio-io_uring": mid("fio-io_uring"; $key; $n),
	qdisk: mid("qdisk"; $key; $n)};
by_case | map(
	.[0].case as $case
	| {
		case: $case, metric: "iops", unit: "1/s",
		ours: mid("ours"; "iops"; 0),
		peers: {"fio-io_uring": mid("fio-io_uring"; "iops"; 0), qdisk: mid("qdisk"; "iops"; 0)},
		counts: ([$counts[] | select(.case == $case and .engine == "ours") | .counts][0]),
		peer_counts: {qdisk: ([$counts[] | select(.case == $case and .engine == "qdisk") | .counts][0])},
		ratio: {"fio-io_uring": ratio("fio-io_uring"), qdisk: ratio("qdisk")},
		bandwidth_bytes: three("bandwidth"; 0),
		cpu_us_per_io: three("cpu_us"; 3),
		guest_cpu_us_per_io: {ours: mid("ours"; "guest_cpu_us"; 3), qdisk: mid("qdisk"; "guest_cpu_us"; 3)},
		latency_p50_us: three("p50_us"; 2),
		latency_p99_us: three("p99_us"; 2),
		rounds: (of("ours") | length)
	})
