# SPDX-License-Identifier: MIT
# results-xen.json's NICs to the table on the terminal, columns separated by tabs.

include "lib";
(["case", "ours Mbit/s", "kernel", "ours/kernel", "dom0 us/Mbit", "kernel"],
 (.[] | select(.case | startswith("xen-net-")) | [.case, (.ours, .peers.kernel | . / 1e6 | places(0) | num),
	(.ratio.kernel | times), (.cpu_us.ours, .cpu_us.kernel | num)]))
| join("\t")
