# SPDX-License-Identifier: MIT
# results.json's NICs to the table on the terminal, columns separated by tabs.

include "lib";
def figure: if . == null then "-" elif . >= 1e9 then "\(. / 1e9 | places(2)) G" else "\(. / 1e6 | places(3)) M" end;
(["", "ours", "tap-relay", "veth", "ours/", "ours/", "CPU", "CPU", "machine", "machine", "notifies", "syscalls", "copies"],
 ["case", "", "", "", "tap-relay", "veth", "us", "tap-relay", "us", "tap-relay", "/packet", "/packet", "calls/page"],
 (.[] | select(.case | startswith("net-")) | [.case, (.ours | figure), (.peers["tap-relay"] | figure), (.peers.veth | figure),
	(.ratio["tap-relay"] | times), (.ratio.veth | times),
	(.cpu_us.ours, .cpu_us["tap-relay"], .machine_cpu_us.ours, .machine_cpu_us["tap-relay"] | num),
	(.counts | .notifies_per_packet, .syscalls_per_packet, .grant_calls_per_page | num)]))
| join("\t")
