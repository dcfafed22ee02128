# SPDX-License-Identifier: MIT
# gnuplot: results-net.png from net-plot.jq's data.  Called with out= and dat=.
# Above: how much; below: what the whole machine pays for it.

set terminal pngcairo size 1900,900 font "DejaVu Sans,13" background "#ffffff"
set output out
set multiplot title "netback on the embedded Xen, beside a relay between two taps and a veth pair, without any Xen" font ",16"
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
relay = "#e08e45"
veth = "#9aa0a6"

array titles[4]
titles[1] = "TCP: Gbit per second (higher is better)"
titles[2] = "64-byte packets: million per second"
titles[3] = "TCP: processor time of the machine per Mbit in us (lower is better)"
titles[4] = "64-byte packets: us per packet"
figure(x) = x >= 99.5 ? sprintf("%.0f", x) : x >= 9.95 ? sprintf("%.1f", x) : sprintf("%.2f", x)

do for [i = 1:4] {
	tcp = i % 2
	set label 1 titles[i] at graph 0, 1.09 left font ",14"
	set size tcp ? 0.6 : 0.4, 0.455
	set origin tcp ? 0 : 0.6, i <= 2 ? 0.475 : 0.01
	if (i == 1) { set key at screen 0.59, 0.935 right top horizontal } else { unset key }
	plot dat index i - 1 using 2:xtic(1) title "netback" lc rgb ours, \
	     '' index i - 1 using 3 title "tap relay" lc rgb relay, \
	     '' index i - 1 using 4 title "veth" lc rgb veth, \
	     for [k = 2:4] '' index i - 1 using ($0 + (k - 3) * 0.25):k:(figure(column(k))) with labels offset 0, 0.6 font ",10" notitle
}
unset multiplot
