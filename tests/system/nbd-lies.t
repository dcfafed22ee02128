#!/bin/bash
# SPDX-License-Identifier: MIT
# NBD servers that are none, or lie: one sentence, the device refused, or errors for its guest; nothing else is disturbed.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 29

cd "$WORK" || exit 1
# A server as its first word says: silent, noise, hangup; or one that shakes hands (64 MiB) and then does as the word
# says with each request: babble, swap (answers for another request), or shrinks (is smaller from the second on).
cat >liar <<'END'
use IO::Socket::UNIX;
my ($how, $path) = @ARGV;
my $n = 0;
my $s = IO::Socket::UNIX->new(Local => $path, Listen => 8) or die;
sub get { my ($c, $len) = @_; my $all = ""; while (length $all < $len) { sysread($c, $all, $len - length $all, length $all) or return } $all }
while (my $c = $s->accept) {
	$n++;
	next if $how eq "hangup";
	if ($how eq "silent") { push @kept, $c; next }
	if ($how eq "noise") { syswrite $c, pack("N*", map { rand 2**32 } 1..2000); next }
	my $size = 64 << ($how eq "shrinks" && $n > 1 ? 10 : 20);
	syswrite $c, "NBDMAGICIHAVEOPT" . pack("n", 3);
	get($c, 4) // next;
	while (my $head = get($c, 16)) {
		my (undef, $opt, $len) = unpack("a8NN", $head);
		get($c, $len) if $len;
		my $reply = pack("Q>N", 0x3e889045565a9, $opt);
		if ($opt != 7) { syswrite $c, $reply . pack("NN", 0x80000001, 0); next }
		syswrite $c, $reply . pack("NNnQ>n", 3, 12, 0, $size, 5) . $reply . pack("NN", 1, 0);
		last;
	}
	while (my $request = get($c, 28)) {
		my (undef, undef, $type, $handle, undef, $len) = unpack("Nnna8Q>N", $request);
		last if $type == 2;
		get($c, $len) if $type == 1;
		syswrite $c, $how eq "swap" ? pack("NNa8", 0x67446698, 0, "nothing!") . "x" x $len : "x" x 5000;
	}
}
END
LIARS=()
lie() {
	rm -f "$1.sock"
	perl liar "$1" "$WORK/$1.sock" >>liars.log 2>&1 &
	LIARS+=($!)
	wait_for 5 test -S "$1.sock"
}
serve() { # NAME NBDKIT-ARGUMENT...
	local name=$1
	shift
	nbdkit -f -U "$WORK/$name.sock" "$@" >>nbdkit.log 2>&1 &
	LIARS+=($!)
	wait_for 5 test -S "$name.sock"
}
trap 'kill "${LIARS[@]}" 2>/dev/null; test_end' EXIT

blkback_start --nbd-wait=3
guest_create g "vdev=xvda,target=$(image disk.img 1M)" >/dev/null
neighbour_start g
refused() { # NAME REGEX WHAT
	local out
	out=$(xloop block-attach g "vdev=xvdb,target=nbd+unix:///?socket=$WORK/$1.sock" 2>&1)
	is $? 1 "$3 is refused"
	like "$out" "$1.sock.* $2" "  with a sentence"
}
lie hangup
refused hangup "is no disk that an NBD server exports: " "a server that hangs up"
lie noise
refused noise "is no disk that an NBD server exports: .*server" "one that speaks no NBD"
lie silent
refused silent "is no disk that an NBD server exports: it does not answer in time" "one that says nothing"
serve odd memory 1000
refused odd "has a size that is no multiple of 512 bytes" "a size of 1000 bytes"
serve empty memory 0
refused empty "is empty" "an empty export"
# shellcheck disable=SC2016
serve max eval get_size='echo 9223372036854775807' pread='head -c $3 /dev/zero'
refused max "has a size that is no multiple of 512 bytes" "a size of 2^63-1"
serve coarse --filter=blocksize-policy memory 1M blocksize-minimum=4096 blocksize-preferred=4096 blocksize-maximum=1M
refused coarse "takes no requests of 512 bytes; put nbdkit's blocksize filter before it" "one that wants blocks of 4096"
echo "user:0123456789abcdef0123456789abcdef" >psk
serve tls --tls=require --tls-psk="$WORK/psk" memory 1M
refused tls "is no disk that an NBD server exports: it wants TLS, which is not served" "one that wants TLS"

errors() { # NAME WHAT REASON
	lie "$1"
	ok "$2 is attached" xloop block-attach g "vdev=xvdb,target=nbd+unix:///?socket=$WORK/$1.sock"
	xloop exec g -- blkload --dev=xvdb --rw=randread --ios=4 --qd=4 >out 2>&1
	like "$(cat out)" "failed: Input/output error" "  its guest gets errors"
	like "$(grep "$1.sock" "$XLOOP_DIR/blkback.log")" "$3" "  and the log says why"
	xloop block-detach g xvdb
}
errors babble "one that babbles after the handshake" "lost its server \(invalid reply magic.*its server has been away for 3 s"
errors swap "one that answers what was not asked" "lost its server \(.*its server has been away for 3 s"
errors shrinks "one whose export shrinks" "lost its server \(its export is smaller now than the disk\).*has been away for 3 s"

ok "the guest's other disk worked all the time" neighbour_well g
wait $NEIGHBOUR
is "$(pgrep -c -r Z -P "$BLKBACK_PID")" 0 "no helper is left"
ok "supervisor and worker are the same" kill -0 "$BLKBACK_PID"
is "$(grep -c 'ended by signal' "$XLOOP_DIR/blkback.log")" 0 "and no process of ours died"
