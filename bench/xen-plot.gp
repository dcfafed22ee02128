# SPDX-License-Identifier: MIT
# gnuplot: results-xen.png from xen-plot.jq's data.  Called with out= and dat=.
# Above: how much; below: what dom0 pays for it.  The large requests have a scale of their own.

set terminal pngcairo size 1900,900 font "DejaVu Sans,13" background "#ffffff"
set output out
set multiplot title "blkback, the kernel's xen-blkback and QEMU's qdisk on real Xen (emulated: only ratios mean something)" font ",16"
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
set yrange [0:*]
ours = "#1b6ca8"
persistent = "#7fb3d9"
kernel = "#9aa0a6"
qdisk = "#e08e45"

array titles[4]
titles[1] = "4 KiB random: I/Os per second (higher is better)"
titles[2] = "128 KiB: MiB/s"
titles[3] = "4 KiB random: processor time of dom0 per I/O in us (lower is better)"
titles[4] = "128 KiB: us per I/O"
figure(x) = x >= 99.5 ? sprintf("%.0f", x) : sprintf("%.1f", x)

do for [i = 1:4] {
	small = i % 2
	set label 1 titles[i] at graph 0, 1.09 left font ",14"
	set size small ? 0.75 : 0.25, 0.455
	set origin small ? 0 : 0.75, i <= 2 ? 0.475 : 0.01
	if (i == 1) { set key at screen 0.74, 0.935 right top horizontal } else { unset key }
	plot dat index i - 1 using 2:xtic(1) title "blkback" lc rgb ours, \
	     '' index i - 1 using 3 title "blkback --persistent" lc rgb persistent, \
	     '' index i - 1 using 4 title "kernel" lc rgb kernel, \
	     '' index i - 1 using 5 title "qdisk" lc rgb qdisk, \
	     for [k = 2:5] '' index i - 1 using ($0 + (k - 3.5) * 0.2):k:(figure(column(k))) with labels offset 0, 0.6 font ",10" notitle
}
unset multiplot
