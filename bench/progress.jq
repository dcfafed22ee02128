# SPDX-License-Identifier: MIT
# One line about a case that has been measured.

include "lib";
[.[] | select(.case == $case and .iops)] as $rounds
| [$rounds[].engine] | unique | sort_by(. != "ours")
| map(. as $engine | "\(.) \([$rounds[] | select(.engine == $engine) | .iops] | median | short)")
| "\($case | pad(37)) \(join("   "))"
