# SPDX-License-Identifier: MIT
# What the other .jq files share.

def median: sort | if length == 0 then null elif length % 2 == 1 then .[length / 2 | floor]
	else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def places($n): if . == null then null else . * pow(10; $n) | round / pow(10; $n) end;
# Three figures: 1234567 is 1.23M.
def short: if . == null then "-" elif . >= 999500 then "\(. / 1e6 | places(2))M"
	elif . >= 9995 then "\(. / 1e3 | places(0))k" elif . >= 1000 then "\(. / 1e3 | places(1))k"
	else "\(places(0))" end;
def pad($n): . + (" " * ([$n - length, 1] | max));
