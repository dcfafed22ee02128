# SPDX-License-Identifier: MIT
# gnuplot: results.png from plot.jq's data.  Called with out= and dat=.
# Left: tmpfs, then the block device, with the peers.  Right: the null disk, which has none.  Each has a scale of its own.

set terminal pngcairo size 1900,1300 font "DejaVu Sans,13" background "#ffffff"
set output out
set multiplot title "blkback on the embedded Xen, beside fio's io\\_uring on the same store and QEMU's qdisk on the same Xen" font ",16"
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.9 noborder
set boxwidth 0.92
set border 3 lc "#606060"
set tics nomirror tc "#303030"
set grid ytics lc "#d8d8d8" lt 1 lw 1
set offsets -0.3, -0.3, graph 0.1, 0
set tmargin 3.2
set bmargin 4.2
set lmargin 8
set rmargin 1
ours = "#1b6ca8"
fio = "#9aa0a6"
qdisk = "#e08e45"

array titles[3]
titles[1] = "4 KiB random: thousand I/Os per second (higher is better)"
titles[2] = "128 KiB sequential, 8 in flight: GiB per second (higher is better)"
titles[3] = "4 KiB random: processor time of the backend, or of fio, per I/O in us (lower is better)"
array stores[3]
stores[1] = "tmpfs"
stores[2] = "block device, O\\_DIRECT"
stores[3] = "null disk: blkback alone"
array left[4]
left[1] = 0
left[2] = 0.43
left[3] = 0.76
left[4] = 1
# A figure of three digits.
figure(x) = x >= 99.5 ? sprintf("%.0f", x) : sprintf("%.1f", x)

do for [i = 1:3] {
	set label 2 titles[i] at screen 0.015, 0.935 - (i - 1) * 0.315 left font ",14"
	do for [k = 1:3] {
		set label 1 stores[k] at graph 0, 1.09 left font ",13" tc "#606060"
		set yrange [0:*]
		set size left[k + 1] - left[k], 0.295
		set origin left[k], 0.955 - i * 0.315
		block = 3 * (k - 1) + i - 1
		if (i == 1 && k == 1) { set key at screen 0.99, 0.94 right center horizontal } else { unset key }
		if (k < 3) {
			plot dat index block using 2:xtic(1) title "blkback" lc rgb ours, \
			     '' index block using 3 title "fio" lc rgb fio, \
			     '' index block using 4 title "qdisk" lc rgb qdisk, \
			     '' index block using ($0 - 0.25):2:(figure($2)) with labels offset 0, 0.6 font ",11" notitle, \
			     '' index block using 0:3:(figure($3)) with labels offset 0, 0.6 font ",11" notitle, \
			     '' index block using ($0 + 0.25):4:(figure($4)) with labels offset 0, 0.6 font ",11" notitle
		} else {
			plot dat index block using 2:xtic(1) notitle lc rgb ours, \
			     '' index block using 0:2:(figure($2)) with labels offset 0, 0.6 font ",11" notitle
		}
		unset label 2
	}
}
unset multiplot
