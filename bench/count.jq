# SPDX-License-Identifier: MIT
# What one use of a disk took: from two readings of `xloop stats --json`, $before and $after, of blkload's result
# $load, and of the backend's $syscalls (or null).  $guest is the guest's name.

def by($side): $side[0] | {
	dom0: (.[] | select(.domid == 0) | .by),
	guest: (.[] | select(.name == $guest) | .by)
};
by($before) as $b | by($after) as $a
| def grew($who; $key): $a[$who][$key] - $b[$who][$key];
{
	ios: ($load[0].ios // 0),
	syscalls: $syscalls,
	notifies_to_guest: grew("dom0"; "notifies"),
	notifies_to_backend: grew("guest"; "notifies"),
	grant_calls: grew("dom0"; "copy_calls"),
	grant_ops: grew("dom0"; "copy_ops"),
	grant_hypercalls: grew("dom0"; "copy_hypercalls"),
	maps: (grew("dom0"; "map_ops") + grew("dom0"; "unmap_ops"))
}
