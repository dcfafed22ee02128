# SPDX-License-Identifier: MIT
# gnuplot: results.png from plot.jq's data.  Called with out= and dat=.
# Left: tmpfs, with the peers.  Right: the null disk, which has none, on a scale of its own.

set terminal pngcairo size 1500,1300 font "DejaVu Sans,13" background "#ffffff"
set output out
set multiplot title "blkback on the embedded Xen, beside fio's io\\_uring on the same file and QEMU's qdisk on the same Xen" font ",16"
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.9 noborder
set boxwidth 0.92
set border 3 lc "#606060"
set tics nomirror tc "#303030"
set grid ytics lc "#d8d8d8" lt 1 lw 1
set offsets -0.3, -0.3, graph 0.1, 0
set tmargin 3.2
set bmargin 3.5
set lmargin 8
set rmargin 1
ours = "#1b6ca8"
fio = "#9aa0a6"
qdisk = "#e08e45"

array titles[3]
titles[1] = "4 KiB random: thousand I/Os per second (higher is better)"
titles[2] = "128 KiB sequential, 8 in flight: GiB per second (higher is better)"
titles[3] = "4 KiB random: processor time of the backend, or of fio, per I/O in us (lower is better)"
# A figure of three digits.
figure(x) = x >= 99.5 ? sprintf("%.0f", x) : sprintf("%.1f", x)

do for [i = 1:3] {
	bottom = 0.955 - i * 0.315
	set label 1 titles[i] at graph 0, 1.09 left font ",14"
	set yrange [0:*]
	set size 0.64, 0.31
	set origin 0, bottom
	if (i == 1) { set key at screen 0.63, 0.945 right top horizontal } else { unset key }
	plot dat index i - 1 using 2:xtic(1) title "blkback" lc rgb ours, \
	     '' index i - 1 using 3 title "fio" lc rgb fio, \
	     '' index i - 1 using 4 title "qdisk" lc rgb qdisk, \
	     '' index i - 1 using ($0 - 0.25):2:(figure($2)) with labels offset 0, 0.6 font ",11" notitle, \
	     '' index i - 1 using 0:3:(figure($3)) with labels offset 0, 0.6 font ",11" notitle, \
	     '' index i - 1 using ($0 + 0.25):4:(figure($4)) with labels offset 0, 0.6 font ",11" notitle
	set label 1 "null disk: blkback alone" at graph 0, 1.09 left font ",14"
	set size 0.36, 0.31
	set origin 0.64, bottom
	unset key
	plot dat index i + 2 using 2:xtic(1) notitle lc rgb ours, \
	     '' index i + 2 using 0:2:(figure($2)) with labels offset 0, 0.6 font ",11" notitle
}
unset multiplot
