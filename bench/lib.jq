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

# Of rounds {case, engine, round, iops, ...}.
def of($engine): map(select(.engine == $engine));
def mid($engine; $key; $n): of($engine) | map(.[$key]) | median | places($n);
# The median of the rounds' ratios of one contender, or of ours, to a peer.
def ratio($mine; $peer): . as $all | of($peer)
	| map(. as $p | ($all | of($mine)[] | select(.round == $p.round) | .iops) / $p.iops) | median | places(3);
def ratio($peer): ratio("ours"; $peer);
# In the order in which they were measured.
def by_case: reduce .[] as $r ({order: [], sets: {}};
	(if .sets[$r.case] then . else .order += [$r.case] end) | .sets[$r.case] += [$r])
	| .sets as $sets | .order | map($sets[.]);

# Cells of a table.
def times: if . == null then "-" else "\(places(2))x" end;
def num: if . == null then "-" else tostring end;

# Blocks of data for gnuplot.
def number($per): if . == null then "nan" else . / $per end;
def small: .case | contains("-4k-");
def block($rows): if ($rows | length) == 0 then "none 0 0 0 0" else $rows[] end, "\n";
