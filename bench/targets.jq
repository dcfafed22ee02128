# SPDX-License-Identifier: MIT
# What must be reached on the embedded Xen, whether it was, and by how much: a line for each target and case.

include "lib";
def line($case; $what; $got; $ok): "\(if $got == null then "not known" elif $ok then "reached  " else "MISSED   " end)  \(
	$case | pad(37))\($what | pad(55)) \($got | num)";
def at_least($what; $got; $min): line(.case; "\($what): at least \($min)"; $got; $got >= $min);
def at_most($what; $got; $max): line(.case; "\($what): at most \($max)"; $got; $got <= $max);
def below($what; $got; $max): line(.case; "\($what): below \($max)"; $got; $got < $max);
def cases($pattern): .[] | select(.case | test("^blk-\($pattern)$"));

(cases("rand(read|write)-4k-qd32-tmpfs")
	| at_least("IOPS, of fio's io_uring"; .ratio["fio-io_uring"]; 0.9),
	  at_least("IOPS, of QEMU's qdisk"; .ratio.qdisk; 3)),
# One call for each batch of 16 would be 0.06; how often a round slept makes a part of that.
(cases("rand(read|write)-4k-qd32-(tmpfs|null)")
	| at_least("IOPS, of those without a journal"; .ratio["ours-nojournal"]; 0.95),
	  (.counts.syscalls_per_io - .peer_counts["ours-nojournal"].syscalls_per_io) as $more
	| at_most("system calls per I/O that the journal adds"; $more; 0.05)),
(cases("(read|write)-128k-qd8-tmpfs") | at_least("IOPS, of fio's io_uring"; .ratio["fio-io_uring"]; 0.9)),
(cases("rand(read|write)-4k-qd32-null")
	| at_least("IOPS on one queue"; .ours; 1000000),
	  below("us of CPU per I/O"; .cpu_us_per_io.ours; 1)),
(cases("rand(read|write)-4k-qd1-tmpfs")
	| at_most("p50, of fio's + a wake-up and back"; .latency_ratio["ours-nopoll"]; 1.2),
	  below("the same, with blkback's polling"; .latency_ratio.ours; 1)),
(cases("rand(read|write)-4k-qd32-(tmpfs|device|null)")
	| at_most("notifications per I/O, both ways"; .counts.notifies_per_io; 0.05),
	  at_most("system calls of the worker per I/O"; .counts.syscalls_per_io; 0.1),
	  at_most("grant calls per I/O"; .counts.grant_calls_per_io; 0.1),
	  at_most("grants mapped or unmapped per I/O"; .counts.maps_per_io; 0)),
(.[] | select(.metric == "cpu_us_per_io" and .ratio.one != 1)
	| at_most("CPU per I/O, of that on one disk"; .ratio.one; 1.15)),
(.[] | select(.case | startswith("net-tcp-"))
	| (if .case | test("-(g2h|h2g)-") then at_least("bit/s, of a tap relay's"; .ratio["tap-relay"]; 0.5) else empty end),
	  at_most("system calls of the worker per 1500 bytes"; .counts.syscalls_per_packet; 0.1),
	  at_most("notifications per 1500 bytes, both ways"; .counts.notifies_per_packet; 0.05),
	  at_most("grant calls per page"; .counts.grant_calls_per_page; 0.0625)),
(.[] | select(.case | test("^net-pps64-.*-q1$")) | at_least("packets per second on one queue"; .ours; 500000)),
(. as $rows | .[] | select(.case | test("^net-.*-q2$")) | .case as $case
	| ($rows[] | select(.case == ($case | sub("q2$"; "q1"))).ours) as $one
	| at_least("two queues, of one"; .ours / $one | places(3); 1)),
(.[] | select(.case | startswith("fb-"))
	| at_most("us from drawing to the last byte, 99 of 100"; .latency_p99_us; 16667),
	  below("KiB of the worker beside its shadow"; .kib; 8192)),
(.[] | select(.case | startswith("fb-full")) | at_least("updates a second, all on one core"; .updates_per_s; 60)),
(.[] | select(.case | startswith("fb-small")) | below("CPU per update, of a full one"; .ratio.full; 0.01)),
if $idle[0] == null then empty else line("idle"; "system calls of a worker in \($idle[0].seconds) s: none"; $idle[0].idle_syscalls; $idle[0].idle_syscalls == 0) end
