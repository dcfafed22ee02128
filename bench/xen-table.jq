# SPDX-License-Identifier: MIT
# results-xen.json to the table on the terminal, columns separated by tabs.

include "lib";
(["", "ours", "kernel", "qdisk", "ours/kernel", "ours/qdisk", "CPU", "CPU", "CPU", "p99", "p99", "p99",
  "notifies", "notifies", "notifies"],
 ["case", "", "", "", "", "", "us/IO", "kernel", "qdisk", "us", "kernel", "qdisk", "/IO", "kernel", "qdisk"],
 (.[] | [.case, (.ours, .peers.kernel, .peers.qdisk | num), (.ratio.kernel, .ratio.qdisk | times),
	(.cpu_us_per_io | .ours, .kernel, .qdisk | num), (.latency_p99_us | .ours, .kernel, .qdisk | num),
	((.counts, .peer_counts.kernel, .peer_counts.qdisk).notifies_per_io | places(2) | num)]))
| join("\t")
