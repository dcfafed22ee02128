# SPDX-License-Identifier: MIT
# What must be reached on real Xen, a line for each case: ahead of the kernel and of qdisk.  Then what speaks for and
# against persistent grants, and each case in which a peer is cheaper.

include "lib";
def worst: if .kernel == null or .qdisk == null then null else [.kernel, .qdisk] | min end;
(.[] | select(.metric == "iops") | (.ratio | worst) as $got
	| "\(if $got == null then "not known" elif $got >= 1 then "reached  " else "MISSED   " end)  \(.case | pad(30))\(
	"IOPS, of the kernel's and of qdisk's: at least 1" | pad(50)) \([.ratio.kernel, .ratio.qdisk | num | pad(6)] | add) with persistent grants \(
	[.persistent_ratio.kernel, .persistent_ratio.qdisk | num | pad(6)] | add)"),
([.[].ratio["ours-persistent"] | values] | if length == 0 then empty else
	"persistent grants: copying has \(median | places(2)) times their IOPS in the middle case, \(min)x to \(max)x, and more in \(
	map(select(. > 1)) | length) of \(length)" end),
(.[] | select(.metric == "iops") | . as $row | .peers | keys[] | select($row.cpu_us_per_io.ours > $row.cpu_us_per_io[.])
	| "more dom0 CPU: \($row.case), \(.): \($row.cpu_us_per_io.ours) us/IO to its \($row.cpu_us_per_io[.]), at \($row.ratio[.])x the IOPS"),
(.[] | select(.metric == "bits_per_second") | .ratio.kernel as $got
	| "\(if $got == null then "not known" elif $got >= 1 then "reached  " else "MISSED   " end)  \(.case | pad(30))\(
	"bit/s, of the kernel's netback: at least 1" | pad(50)) \($got | num | pad(6)) dom0 \(.cpu_us.ours | num) us/Mbit to its \(.cpu_us.kernel | num)")
