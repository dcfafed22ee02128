# SPDX-License-Identifier: MIT
# results.json to net-plot.gp's four blocks of data: Gbit/s, million packets per second, and the processor time of the
# whole machine for both.

include "lib";
# net-tcp-g2h-q1
def axis: .case | split("-") | "\"\({g2h: "guest to host", h2g: "host to guest", g2g: "guest to guest"}[.[2]])\\n\(
	{q1: "1 queue", q2: "2 queues"}[.[3]])\"";
def row($values; $per): "\(axis) \([$values.ours, $values["tap-relay"], $values.veth] | map(number($per) | tostring) | join(" "))";
[.[] | select(.case | startswith("net-tcp"))] as $tcp | [.[] | select(.case | startswith("net-pps"))] as $pps
| block([$tcp[] | row(.peers + {ours}; 1e9)]),
  block([$pps[] | row(.peers + {ours}; 1e6)]),
  block([$tcp[] | row(.machine_cpu_us; 1)]),
  block([$pps[] | row(.machine_cpu_us; 1)])
