# SPDX-License-Identifier: MIT
# What must be reached on real Xen, whether it was, and each case in which a peer is ahead, or cheaper.

include "lib";
def best: [.ratio.kernel, .ratio.qdisk] | min;
(.[] | select(.case | startswith("xen-blk-randread-4k-qd32-"))
	| "4 KiB random read QD32, \(.case[-1:]) vCPU: at least the better of kernel and qdisk: \(
		if best == null then "not known" elif best >= 1 then "reached" else "MISSED" end) (\(best)x)"),
([.[] | select(best != null and best < 1)] | if length == 0 then "behind: nowhere" else
	(.[] | . as $row | .ratio | to_entries[] | select(.value < 1)
	| "behind: \($row.case), \(.key): \(.value)x the IOPS") end),
(.[] | . as $row | .peers | keys[] | select($row.cpu_us_per_io.ours > $row.cpu_us_per_io[.])
	| "more dom0 CPU: \($row.case), \(.): \($row.cpu_us_per_io.ours) us/IO to its \($row.cpu_us_per_io[.]), at \($row.ratio[.])x the IOPS")
