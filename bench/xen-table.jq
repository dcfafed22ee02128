# SPDX-License-Identifier: MIT
# results-xen.json to the table on the terminal, columns separated by tabs.

include "lib";
(["", "ours", "persistent", "kernel", "qdisk", "ours/", "ours/", "ours/", "CPU", "CPU", "CPU", "CPU", "p99", "p99", "p99", "p99",
  "notifies", "notifies", "notifies"],
 ["case", "", "grants", "", "", "persistent", "kernel", "qdisk", "us/IO", "persistent", "kernel", "qdisk",
  "us", "persistent", "kernel", "qdisk", "/IO", "kernel", "qdisk"],
 (.[] | select(.metric == "iops") | [.case, ((.peers + {ours}) | .ours, .["ours-persistent"], .kernel, .qdisk | num),
	(.ratio["ours-persistent"], .ratio.kernel, .ratio.qdisk | times),
	(.cpu_us_per_io | .ours, .["ours-persistent"], .kernel, .qdisk | num),
	(.latency_p99_us | .ours, .["ours-persistent"], .kernel, .qdisk | num),
	((.counts, .peer_counts.kernel, .peer_counts.qdisk).notifies_per_io | places(2) | num)]))
| join("\t")
