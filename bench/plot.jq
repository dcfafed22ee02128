# SPDX-License-Identifier: MIT
# results.json to plot.gp's nine blocks of data: IOPS of 4 KiB cases, GiB/s of 128 KiB cases, and CPU time per I/O of
# 4 KiB cases: for tmpfs, then the same for the block device and for the null disk.

include "lib";
def words: .case | ltrimstr("blk-") | split("-") | .[0] |= sub("^rand"; "");
def on($store): .case | endswith("-" + $store);
# read, QD 32, 2 queues
def axis: words as $w | if small then "\"\($w[0])\\n\($w[2] | sub("qd"; "QD "))\(
	if $w[3] == "2queues" then "\\n2 queues" else "" end)\"" else "\"\($w[0])\"" end;
def row($values; $per): "\(axis) \([$values.ours, $values["fio-io_uring"], $values.qdisk] | map(number($per) | tostring) | join(" "))";
map(select(.metric == "iops")) as $all
| ("tmpfs", "device", "null") as $store |
block([$all[] | select(on($store) and small) | row(.peers + {ours}; 1000)]),
block([$all[] | select(on($store) and (small | not)) | row(.bandwidth_bytes; 1073741824)]),
block([$all[] | select(on($store) and small) | row(.cpu_us_per_io; 1)])
