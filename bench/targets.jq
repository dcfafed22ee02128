# SPDX-License-Identifier: MIT
# What must be reached, and whether it was.  The load is 4 KiB random reads, 32 in flight, on tmpfs.

include "lib";
def line($what; $got; $ok): "\(if $got == null then "not known" elif $ok then "reached  " else "MISSED   " end)  \($what | pad(62)) \($got)";
(map(select(.case == "blk-randread-4k-qd32-tmpfs"))[0] // empty)
| line("IOPS, of fio's io_uring on the same file: at least 0.6"; .ratio["fio-io_uring"]; .ratio["fio-io_uring"] >= 0.6),
  line("IOPS, of QEMU's qdisk on the same embedded Xen: at least 2"; .ratio.qdisk; .ratio.qdisk >= 2),
  line("notifications per I/O, both ways: at most 0.25"; .counts.notifies_per_io; .counts.notifies_per_io <= 0.25),
  line("system calls of the worker per I/O: at most 0.25"; .counts.syscalls_per_io; .counts.syscalls_per_io <= 0.25),
  line("grants mapped or unmapped per I/O: none"; .counts.maps_per_io; .counts.maps_per_io == 0),
  line("system calls of an idle worker in \($idle[0].seconds) s: none"; $idle[0].idle_syscalls; $idle[0].idle_syscalls == 0)
