# SPDX-License-Identifier: MIT
# results-xen.json to xen-plot.gp's four blocks of data: IOPS of 4 KiB cases, MiB/s of 128 KiB cases, and dom0's CPU time
# per I/O of both.

include "lib";
# xen-blk-randread-4k-qd1-v1
def words: .case | ltrimstr("xen-blk-") | split("-");
def axis: words | "\"\(.[0])\\n\(.[2] | sub("qd"; "QD ")), \(.[3][1:]) vCPU\"";
def row($values; $per): "\(axis) \([$values | .ours, .["ours-persistent"], .kernel, .qdisk] | map(number($per) | tostring) | join(" "))";
map(select(.metric == "iops")) | map(select(small)) as $small | map(select(small | not)) as $large
| block([$small[] | row(.peers + {ours}; 1)]),
  block([$large[] | row(.bandwidth_bytes; 1048576)]),
  block([$small[] | row(.cpu_us_per_io; 1)]),
  block([$large[] | row(.cpu_us_per_io; 1)])
