# SPDX-License-Identifier: MIT
# Counts per I/O, a line of `counts`: what a load $used, less what it took to $connect and to close.

include "lib";
$used[0] as $u | $connect[0] as $c
| def per_io($key): if $u[$key] == null or $u.ios == 0 then null
	else ([$u[$key] - ($c[$key] // 0), 0] | max) / $u.ios | places(4) end;
{
	$case, $engine,
	counts: {
		notifies_per_io: ((per_io("notifies_to_guest") + per_io("notifies_to_backend")) | places(4)),
		syscalls_per_io: per_io("syscalls"),
		grant_calls_per_io: per_io("grant_calls"),
		maps_per_io: per_io("maps"),
		notifies_to_guest_per_io: per_io("notifies_to_guest"),
		notifies_to_backend_per_io: per_io("notifies_to_backend"),
		grant_ops_per_io: per_io("grant_ops"),
		grant_hypercalls_per_io: per_io("grant_hypercalls")
	}
}
