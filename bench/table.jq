# SPDX-License-Identifier: MIT
# results.json to the table on the terminal, columns separated by tabs.

include "lib";
(["", "ours", "fio", "qdisk", "ours/fio", "ours/qdisk", "persistent", "p50", "p99", "CPU", "CPU", "CPU", "notifies", "syscalls", "copies"],
 ["case", "", "", "", "", "", "grants", "us", "us", "us/IO", "fio", "qdisk", "/IO", "/IO", "calls/IO"],
 (.[] | select(.metric == "iops") | [.case, (.ours | short), (.peers["fio-io_uring"] | short), (.peers.qdisk | short),
	(.ratio["fio-io_uring"] | times), (.ratio.qdisk | times), (.peers["ours-persistent"] | short),
	(.latency_p50_us.ours | places(0) | num), (.latency_p99_us.ours | places(0) | num),
	(.cpu_us_per_io.ours | places(2) | num), (.cpu_us_per_io["fio-io_uring"] | places(2) | num),
	(.cpu_us_per_io.qdisk | places(2) | num),
	(.counts.notifies_per_io | places(3) | num), (.counts.syscalls_per_io | places(3) | num),
	(.counts.grant_calls_per_io | places(3) | num)]))
| join("\t")
