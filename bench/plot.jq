# SPDX-License-Identifier: MIT
# results.json to plot.gp's six blocks of data: IOPS of 4 KiB cases, GiB/s of 128 KiB cases, and CPU time per I/O of
# 4 KiB cases: for tmpfs, then the same for the null disk.

include "lib";
def words: .case | ltrimstr("blk-") | split("-") | .[0] |= sub("^rand"; "");
def on($store): .case | endswith("-" + $store);
def row($values; $per): words as $w
	| (if small then "\"\($w[0])\\n\($w[2] | sub("qd"; "QD "))\"" else "\"\($w[0])\"" end)
	+ " \($values.ours | number($per)) \($values["fio-io_uring"] | number($per)) \($values.qdisk | number($per))";
. as $all
| ("tmpfs", "null") as $store |
block([$all[] | select(on($store) and small) | row(.peers + {ours}; 1000)]),
block([$all[] | select(on($store) and (small | not)) | row(.bandwidth_bytes; 1073741824)]),
block([$all[] | select(on($store) and small) | row(.cpu_us_per_io; 1)])
