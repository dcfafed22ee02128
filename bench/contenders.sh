# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The contenders of bench.sh, what they have to work on, and one round of each:
#
#	ours             blkback as it is installed
#	ours-persistent  blkback --persistent, and a guest that promises to use its grants again
#	ours-nopoll      blkback --poll-us=0 and a guest that does not spin either: both sleep at once
#	ours-nojournal   blkback --no-journal: what it costs that disks survive their worker
#	qdisk            QEMU's backend on the same embedded Xen; always through the page cache, since Debian's has no
#	                 linux-aio and so refuses direct-io-safe
#	fio-io_uring     fio on the store itself, without any Xen
#	eventfd          no contender, but what two processes need to wake each other and back (roundtrip.c)
#
# Those of ours are one daemon, which is started again with other options: guests stay, and their next frontend is
# offered what the new one has.

TICK=$(getconf CLK_TCK)
FILE_MIB=256
DEVICE_MIB=128
IMG=$XLOOP_DIR/tmpfs/disk.img
declare -A BLKBACK_OPTIONS=([ours-persistent]=--persistent [ours-nopoll]=--poll-us=0 [ours-nojournal]=--no-journal)
declare -A GUEST_OPTIONS=([ours-persistent]=--persistent [ours-nopoll]=--spin=0)
declare -A VDEV=([tmpfs]=xvda [device]=xvdb [null]=xvdc)
declare -A LOOP=()

# shellcheck disable=SC2317 # called by the trap
cleanup() {
	local engine

	for engine in "${!LOOP[@]}"; do
		losetup -d "${LOOP[$engine]}"
	done
}

# ---- setting up ----

# A file full of random bytes: no holes in what follows.
fill() { # FILE MIB
	dd if=/dev/urandom of="$1" bs=1M count="$2" status=none || die "not enough memory for a tmpfs file of $2 MiB"
}

make_stores() {
	local engine

	mkdir tmpfs
	mount -t tmpfs -o "size=$((FILE_MIB + 3 * DEVICE_MIB + 16))m" bench tmpfs || die "cannot mount a tmpfs"
	fill "$IMG" $FILE_MIB
	for engine in ours qdisk fio-io_uring; do
		fill tmpfs/$engine $DEVICE_MIB
		LOOP[$engine]=$(losetup --find --show "tmpfs/$engine") || die "cannot set up a loop device; is the module loop loaded?"
	done
}

make_guests() {
	local guest

	cat >ours.cfg <<-END
		name = "ours"
		memory = 64
		disk = [ 'vdev=xvda,target=$IMG', 'vdev=xvdb,target=${LOOP[ours]}', 'vdev=xvdc,target=null:${FILE_MIB}M' ]
	END
	cat >qdisk.cfg <<-END
		name = "qdisk"
		memory = 64
		disk = [ 'vdev=xvda,backendtype=qdisk,target=$IMG',
			'vdev=xvdb,backendtype=qdisk,target=${LOOP[qdisk]}' ]
	END
	for guest in ours qdisk; do
		xloop create $guest.cfg >/dev/null || die "cannot make the guest of $guest"
	done
	QEMU=$(xenstore-read "/local/domain/$(domid_of qdisk)/image/device-model-pid")
}

# What one backend wrote, the other must read.
check_each_other() {
	local load=(--dev=xvda --bs=128k --qd=8 --size=64M --verify) pair seed=1

	for pair in "ours qdisk" "qdisk ours"; do
		# shellcheck disable=SC2086 # two words
		set -- $pair
		xloop exec "$1" -- blkload --rw=write "${load[@]}" --seed=$seed >>load.log 2>&1 ||
			die "what was written through $1 could not be read back"
		xloop exec "$2" -- blkload --rw=randread "${load[@]}" --bs=4k --qd=32 --seed=$seed >>load.log 2>&1 ||
			die "what was written through $1 is not what $2 reads"
		seed=$((seed + 1))
		printf '64 MiB written through %s and read through %s: every block is right\n' "$1" "$2"
	done
}

prepare() {
	make_stores
	BLKBACK=
	blkback_start ours
	make_guests
	check_each_other
}

# ---- who serves ----

domid_of() {
	xloop list | awk -v name="$1" '$1 == name { print $2 }'
}

guest_of() { # ENGINE
	echo "${1%%-*}"
}

blkback_start() { # ENGINE
	SERVES=$1
	# shellcheck disable=SC2086 # none, or one
	blkback ${BLKBACK_OPTIONS[$1]:-} >>blkback.log 2>&1 &
	BLKBACK=$!
}

# Makes blkback the one that ENGINE names, with a worker that has served already.
blkback_as() { # ENGINE
	[ "$SERVES" != "$1" ] || return
	kill "$BLKBACK"
	wait "$BLKBACK"
	blkback_start "$1"
	xloop exec ours -- blkload --dev=xvdc --op=info >>load.log 2>&1 || die "blkback can't be started again; see its log"
}

# The process that serves the guest's I/O.
pid_of() { # ENGINE
	case $1 in
	ours*) ps -o pid= --ppid "$BLKBACK" | tr -d ' ' ;;
	qdisk) echo "$QEMU" ;;
	esac
}

# Processor time in ticks, of a process and its children, dead or alive; io_uring's kernel threads are in it.
cpu_ticks() { # PID
	local pid

	for pid in "$1" $(ps -o pid= --ppid "$1"); do
		sed 's/.*) //' "/proc/$pid/stat"
	done | awk '{ t += $12 + $13 + $14 + $15 } END { print t }'
}

# ---- rounds: each gives one line {case, engine, round, iops, bandwidth, cpu_us, p50_us, p99_us} ----

round() { # ENGINE ROUND CASE STORE RW BS QD QUEUES
	case $1 in
	fio-io_uring) round_fio "$@" ;;
	eventfd) round_eventfd "$@" ;;
	*) round_guest "$@" ;;
	esac
}

# LOAD are blkload's options for a case; --qd is that of each queue.
load_options() { # ENGINE CASE STORE RW BS QD QUEUES
	LOAD=(--dev="${VDEV[$3]}" --rw="$4" --bs="$5" --qd=$(($6 / $7)) --queues="$7" --json)
	[ -z "${GUEST_OPTIONS[$1]:-}" ] || LOAD+=("${GUEST_OPTIONS[$1]}")
}

round_guest() {
	local pid before after

	load_options "$1" "${@:3}"
	case $1 in
	ours*)
		blkback_as "$1"
		pid=$BLKBACK
		;;
	*) pid=$QEMU ;;
	esac
	before=$(cpu_ticks "$pid")
	xloop exec "$(guest_of "$1")" -- blkload "${LOAD[@]}" --runtime="$(awk "BEGIN { print $ROUND_MS / 1000 }")" \
		>load.json 2>>load.log || die "$3 failed on $1"
	after=$(cpu_ticks "$pid")
	jq -c --arg case "$3" --arg engine "$1" --argjson round "$2" --argjson queues "$8" \
		--argjson ticks $((after - before)) --argjson tick "$TICK" 'if .errors > 0 then error("I/O errors")
		elif .queues != $queues then error("\(.queues) queues") elif .persistent != ($engine == "ours-persistent")
		then error("persistent: \(.persistent)") else {$case, $engine, $round, iops, bandwidth,
		cpu_us: ($ticks / $tick * 1e6 / .ios), guest_cpu_us: (.cpu_seconds * 1e6 / .ios),
		p50_us: .latency_us.p50, p99_us: .latency_us.p99} end' load.json >>rounds || die "$3 was not served as it should be by $1"
}

# fio's own processor time is that of the whole program, since its percentages leave io_uring's kernel threads
# out; what it takes to start fio and to end it is taken off.
fio_timed() { # FIO-OPTION...: prints microseconds
	local TIMEFORMAT='%U %S'

	{ time fio --name=bench --ioengine=io_uring --norandommap --randrepeat=0 --thread --group_reporting \
		--clat_percentiles=0 --lat_percentiles=1 --output-format=json "$@" >fio.json 2>>fio.log; } 2>&1 |
		awk '{ printf "%d", ($1 + $2) * 1e6 }'
}

# Latencies are whole ones: an I/O that ends within the call that submits it has no other.
round_fio() {
	local us options=(--rw="$5" --bs="$6" --iodepth=$(($7 / $8)) --numjobs="$8")

	case $4 in
	tmpfs) options+=(--filename="$IMG" --size="${FILE_MIB}M") ;;
	device) options+=(--filename="${LOOP[$1]}" --size="${DEVICE_MIB}M" --direct=1) ;;
	esac
	[ "$2" -gt 1 ] || FIO_START_US=$(fio_timed "${options[@]}" --number_ios=1)
	us=$(fio_timed "${options[@]}" --time_based --runtime="${ROUND_MS}ms")
	jq -c --arg case "$3" --argjson round "$2" --argjson us $((us - FIO_START_US)) '.jobs[0]
		| (if .read.total_ios > 0 then .read else .write end)
		| {$case, engine: "fio-io_uring", $round, iops, bandwidth: .bw_bytes, cpu_us: ($us / .total_ios),
		p50_us: (.lat_ns.percentile["50.000000"] / 1000), p99_us: (.lat_ns.percentile["99.000000"] / 1000)}' \
		fio.json >>rounds || die "$3 failed in fio"
}

round_eventfd() {
	"$BUILD/bench/roundtrip" 100 >roundtrip.json || die "the wake-ups of two processes can't be measured"
	jq -c --arg case "$3" --argjson round "$2" '{$case, engine: "eventfd", $round, p50_us, p99_us}' roundtrip.json >>rounds
}
