# SPDX-License-Identifier: MIT
# gnuplot: what a guest sees of its worker's deaths, as a histogram.  Called with out=, dat=, p50=, p99=, longest= and n=.

set terminal pngcairo size 1200,520 font "DejaVu Sans,13" background "#ffffff"
set output out
set title sprintf("A guest's pause as its worker is killed: %d deaths under I/O on four queues, on the embedded Xen", n) font ",15"
set border 3 lc "#606060"
set tics nomirror tc "#303030"
set grid ytics lc "#d8d8d8" lt 1 lw 1
set xlabel "ms without an answer"
set ylabel "deaths"
set xrange [0:(longest > 60 ? longest * 1.05 : 60)]
set yrange [0:*]
set style fill solid 0.9 noborder
bin = 1.0
set boxwidth bin * 0.92
set arrow 1 from 50, graph 0 to 50, graph 1 nohead dt 2 lc "#c0392b"
set label 1 "target for p99" at 50, graph 0.96 right offset -0.5, 0 tc "#c0392b"
set label 2 sprintf("p50 %.1f ms\np99 %.1f ms\nlongest %.1f ms", p50, p99, longest) at graph 0.97, graph 0.85 right
plot dat using (bin * (floor($2 / bin) + 0.5)):(1.0) smooth freq with boxes lc rgb "#1b6ca8" notitle
