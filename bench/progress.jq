# SPDX-License-Identifier: MIT
# One line about a case that has been measured.

include "lib";
[.[] | select(.case == $case)] as $rounds
| $rounds[0] as $first
| [$rounds[].engine] | unique | sort_by(. != "ours")
| map(. as $engine | "\(.) \([$rounds[] | select(.engine == $engine) | .iops] | median | short)")
| "\($case | pad(30)) \(join("   "))"
