# SPDX-License-Identifier: MIT
# All rounds of net.sh to rows of results.json, which report.jq describes:
#	{case, metric, unit, ours, peers: {tap-relay, veth}, ratio: {tap-relay, veth}, counts, and more}
# `cpu_us` is the processor time of what carries the packets (netback, the relay), per Mbit or per packet, and
# `machine_cpu_us` that of the whole machine: the programs at both ends and their kernels, too.

include "lib";
def peers: ["tap-relay", "veth"];
def all($key; $n): . as $rounds | reduce ("ours", peers[]) as $e ({}; .[$e] = ($rounds | mid($e; $key; $n)));
def row: .[0].case as $case | ($case | startswith("net-tcp")) as $tcp | {
	case: $case,
	metric: (if $tcp then "bits_per_second" else "packets_per_second" end), unit: (if $tcp then "bit/s" else "1/s" end),
	ours: mid("ours"; "iops"; 0),
	peers: (all("iops"; 0) | del(.ours)),
	counts: [$counts[] | select(.case == $case) | .counts][0],
	ratio: (. as $rounds | reduce peers[] as $p ({}; .[$p] = ($rounds | ratio($p)))),
	cpu_per: (if $tcp then "Mbit" else "packet" end),
	cpu_us: (all("cpu"; 3) | del(.veth)),
	machine_cpu_us: all("all_cpu"; 3),
	rounds: (of("ours") | length)
};
by_case | map(row)
