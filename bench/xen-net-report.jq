# SPDX-License-Identifier: MIT
# The rounds of bench/xen-net-dom0.sh to rows of results-xen.json, which xen-report.jq describes:
#	{case, metric, unit, ours, peers: {kernel}, ratio: {kernel}, cpu_us: {ours, kernel}, rounds}
# `cpu_us` is all that dom0 used, per Mbit; where dom0 is an end of the connection, iperf3 is in it.

include "lib";
by_case | map({
	case: .[0].case, metric: "bits_per_second", unit: "bit/s",
	ours: mid("ours"; "iops"; 0),
	peers: {kernel: mid("kernel"; "iops"; 0)},
	ratio: {kernel: ratio("kernel")},
	cpu_per: "Mbit",
	cpu_us: {ours: mid("ours"; "cpu_us"; 0), kernel: mid("kernel"; "cpu_us"; 0)},
	rounds: (of("ours") | length)
})
