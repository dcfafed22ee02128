#!/bin/bash
# SPDX-License-Identifier: MIT
# What blkback counts is what the guest did, to the request and the byte; it can be read while I/O runs, and its
# file is there as long as the disk is connected.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 45

blkback_start --queues=2
guest_create g "vdev=xvda,target=$(image a.img 64M)" "vdev=xvdb,target=null:1G" "vdev=xvdc,target=null:1G" >/dev/null
file=$HALFBACK_RUN_DIR/blkback-1-51712.stats

# stay DISK BLKLOAD-OPTION...: a load that is done and stays connected; its report is in $WORK/report.
stay() {
	local disk=$1
	shift
	xloop exec g -- blkload --dev="$disk" --json --stay "$@" >"$WORK/report" 2>&1 &
	STAY=$!
	wait_for 20 grep -qx connected "$WORK/report"
	sed -i '/^connected$/d' "$WORK/report"
}
leave() {
	kill $STAY
	wait $STAY
}
said() { # JQ: of blkload's report
	jq -r "$1" "$WORK/report"
}
counted() { # DISK JQ: of the disk's total
	halfback stats --json g "$1" | jq -r ".disks[0].total | $2"
}

not_ok "a disk that is not connected has no file" test -e "$file"
like "$(halfback list --interval=0)" "^guest +domid disk +image +engine queues state +IOPS +MB/s
g +1 xvda +[^ ]+/a.img +- +- waiting +- +-
g +1 xvdb +null:1G" "it is listed all the same"

# ---- exact counts
stay xvda --rw=randrw --bs=4k --qd=32 --ios=5000 --flush-every=50
ok "a connected disk has one" test -f "$file"
for op in read write; do
	is "$(counted xvda .$op.requests)" "$(said .$op.ios)" "${op}s are counted: $(said .$op.ios)"
	is "$(counted xvda .$op.bytes)" $(($(said .$op.ios) * 4096)) "and their bytes"
	is "$(counted xvda .$op.latency_ns.count)" "$(said .$op.ios)" "each has a latency"
	is "$(counted xvda "[.$op.latency_ns.buckets[][1]] | add")" "$(said .$op.ios)" "which is in a bucket"
done
is "$(counted xvda .flush.requests)" "$(said .flushes)" "flushes are counted: $(said .flushes)"
is "$(counted xvda '[.read, .write, .flush, .discard, .barrier, .other | .errors] | add')" 0 "and no error"
is "$(counted xvda .copy_segments)" $(($(said .read.ios) + $(said .write.ios))) "each block was one segment of a copy"
is "$(counted xvda '.in_flight, .ring_slots' | xargs)" "0 32" "nothing is in flight, of 32 slots"
ok "its latency is not above the guest's own (p50)" test "$(counted xvda .read.latency_ns.p50)" -le \
	"$(said '.read.latency_us.p50 * 1000 * 1.15 | floor')"
leave
ok "the file goes with the device" wait_for 10 test ! -e "$file"

stay xvda --op=discard --offset=1M --size=2M
is "$(counted xvda '.discard | "\(.requests) \(.bytes)"')" "1 2097152" "a discard is counted, with its bytes"
leave
stay xvda --op=barrier --offset=0 --size=44k
is "$(counted xvda '.barrier | "\(.requests) \(.bytes)"')" "1 45056" "and a barrier"
leave
stay xvda --rw=read --bs=512k --qd=4 --indirect=32 --size=16M
is "$(counted xvda '"\(.indirect) \(.read.requests) \(.read.bytes) \(.copy_segments)"')" "128 128 16777216 4224" \
	"indirect requests are, with the copies of their lists"
leave
stay xvdb --rw=randread --queues=2 --qd=8 --ios=2000
is "$(halfback stats --json g xvdb | jq -c '.disks[0] | [.queues | length, (map(.read.requests) | add), (map(.read.requests > 0) | all)]')" \
	"[2,$(said .read.ios),true]" "two queues count each for itself"
leave
xloop exec g -- "$BUILD/tests/blkhostile" xvdb refused-on >/dev/null 2>&1 &
HOSTILE=$!
wait_for 10 sh -c 'halfback stats --json g xvdb | jq -e ".disks[0].total.turns > 100"'
is "$(counted xvdb '[.read, .write, .flush, .discard, .barrier, .other] | [(map(.errors > 0) | any), (map(.bytes) | add), (map(.requests - .errors) | add)]' | xargs)" \
	"[ true, 0, 0 ]" "requests that are refused are errors, and nothing else"
kill $HOSTILE
wait $HOSTILE 2>/dev/null

# ---- live
xloop exec g -- blkload --dev=xvda --rw=randread --qd=8 --runtime=60 >/dev/null 2>&1 &
LOAD=$!
wait_for 10 test -e "$file"
wait_for 10 sh -c 'halfback list | grep -q "xvda.* uring  *1 connected  *[1-9]"'
one=$(counted xvda .read.requests)
two=$(counted xvda .read.requests)
ok "a running load is seen to run ($one, $two)" [ "$two" -gt "$one" ]
rate=$(halfback stats --json --interval=0.5 g xvda | jq '.disks[0] | .total.read.requests / .seconds | floor')
ok "an interval shows what happened in it ($rate a second)" [ "$rate" -gt 100 ]
all=$(halfback stats --json g xvda | jq '.disks[0] | .seconds')
ok "which the whole does not forget" jq -en "$all > 0.5"
like "$(halfback stats 1 51712)" "^g \(domain 1\) xvda \(vbd 51712\): .*/a.img, connected, uring, 1 queue.*
  read +[0-9]+ +0 +[0-9.]+ +[0-9]+ +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+
" "the table has its lines; numbers name guest and disk, too"

# ---- forms
halfback stats --json >"$WORK/all.json"
ok "the JSON is as its schema says" /usr/bin/python3 -m jsonschema -i "$WORK/all.json" "$TOP/docs/halfback-stats.schema.json"
is "$(jq -r '[.disks[].disk] | join(" ")' "$WORK/all.json")" "xvda xvdb xvdc" "and has all disks, connected or not"
halfback stats --prometheus >"$WORK/all.prom"
prom_check() {
	/usr/bin/python3 - "$WORK/all.prom" <<-'END'
		import sys
		from prometheus_client.parser import text_fd_to_metric_families
		for f in text_fd_to_metric_families(open(sys.argv[1])):
		    assert f.documentation and f.type != "unknown", f.name
		    last = {}
		    for s in f.samples:
		        if f.type != "histogram":
		            assert not s.name.endswith(("_bucket", "_sum", "_count")), s.name
		            assert s.name.endswith("_total") == (f.type == "counter"), s.name
		            continue
		        key = tuple(sorted((k, v) for k, v in s.labels.items() if k != "le"))
		        if s.name.endswith("_bucket"):
		            le, n = last.get(key, (0, 0))
		            assert float(s.labels["le"]) > le and s.value >= n, s
		            last[key] = (float(s.labels["le"]), s.value)
		        elif s.name.endswith("_count"):
		            assert last[key] == (float("inf"), s.value), s
	END
}
ok "Prometheus' own parser takes the text, and its rules for names and buckets hold" prom_check
ok "a read's counter is among it" grep -qE \
	'^halfback_disk_requests_total\{guest="g",domid="1",disk="xvda",devid="51712",op="read"\} [1-9][0-9]*$' "$WORK/all.prom"

# ---- a file that somebody spoils
dd if=/dev/urandom of="$file" bs=4096 count=2 conv=notrunc status=none
like "$(halfback stats g xvda 2>&1)" "blkback-1-51712.stats is no statistics file" "garbage is told in one sentence"
ok "and costs the others nothing" halfback list --interval=0
before=$(stat -c %s "$file")
truncate -s 0 "$file"
like "$(halfback list --interval=0 2>&1)" "is no statistics file.*xvda .* connected +- +-" "so is an empty file (it had $before bytes)"
ok "the load goes on" kill -0 $LOAD
kill $LOAD
wait $LOAD
is $? 0 "and ends well"
stay xvda --rw=read --bs=4k --ios=10
ok "and a new connection has a whole file" halfback stats g xvda
is "$(counted xvda .read.requests)" 10 "that counts"

# ---- errors
leave
stay xvdb --rw=read --ios=4
kill -9 "$(worker_of 1)"
ok "the next worker counts anew" wait_for 10 sh -c \
	'halfback stats --json g xvdb | jq -e ".disks[0] | .state == \"connected\" and .total.read.requests == 0"'
leave
like "$(halfback stats nobody 2>&1)" "^halfback: there is no guest nobody" "a guest that is not there"
like "$(halfback stats g xvdq 2>&1)" "^halfback: guest g has no disk xvdq, nor such a NIC, that is served here; halfback list shows them$" "a disk that is not"
like "$(halfback stats --json --prometheus 2>&1)" "exclude each other" "two forms at once"
like "$(halfback stats --interval=x 2>&1)" "a number of seconds from 0.01 to 3600, not 'x'" "no interval"
touch "$HALFBACK_RUN_DIR/blkback-9-9.stats"
blkback_stop
like "$(halfback list 2>&1)" "^halfback: no blkback is running; start it" "no daemon"
like "$(HALFBACK_RUN_DIR=/nowhere halfback list 2>&1)" "^halfback: /nowhere has no blkback.pid" "no directory"
blkback_start
ok "a daemon removes what an earlier one left" wait_for 10 test ! -e "$HALFBACK_RUN_DIR/blkback-9-9.stats"
