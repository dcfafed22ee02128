#!/bin/bash
# SPDX-License-Identifier: MIT
# `xloop run`: the host answers, CMD's exit status comes through, and nothing is left behind.
. "$(dirname "$0")/../lib.sh"
no_host "$@"
plan 19

run() {
	TMPDIR=$WORK timeout 60 xloop run -- "$@"
}

left_behind() {
	find "$WORK" -maxdepth 1 -name 'xloop.*'
}

is "$(run xenstore-read /local/domain/0/name)" Domain-0 "the store answers, and dom0 has its name"
is "$(run sh -c 'xenstore-read domid')" 0 "relative paths are dom0's"
run sh -c 'exit 7'
is $? 7 "CMD's exit status is run's"
run sh -c 'kill -KILL $$'
is $? 137 "a CMD that a signal ended gives 128 + its number"
run /nonexistent/cmd 2>/dev/null
is $? 127 "a CMD that is not there gives 127"
is "$(left_behind)" "" "no directory is left"

# A command that leaves daemons behind, one of them deaf to SIGTERM.
# shellcheck disable=SC2016 # $0 and $! are for the inner shell
run bash -c 'setsid sleep 1000 & echo $! >"$0"; (trap "" TERM; exec setsid sleep 1000) & echo $! >>"$0"; disown -a' \
	"$WORK/pids" 2>/dev/null
is "$(wc -l <"$WORK/pids")" 2 "two commands were left running"
while read -r pid; do
	ok "what CMD left running is ended" is_gone "$pid"
done <"$WORK/pids"

# A signal to run itself: CMD hears of it, then all ends.
# shellcheck disable=SC2016 # $0 is for the inner shell
TMPDIR=$WORK xloop run -- bash -c 'trap "touch $0/heard; exit" TERM; touch $0/up; while :; do sleep 0.05; done' \
	"$WORK" 2>/dev/null &
pid=$!
wait_for 10 test -e "$WORK/up"
hv=$(cat "$WORK"/xloop.*/hv.pid)
stored=$(cat "$WORK"/xloop.*/xenstored.pid)
kill -TERM $pid
wait $pid
is $? 143 "SIGTERM ends run with 143"
ok "CMD heard of it" test -e "$WORK/heard"
ok "hv is gone" is_gone "$hv"
ok "xenstored is gone" is_gone "$stored"
is "$(left_behind)" "" "no directory is left"

# --dir and --keep
mkdir "$WORK/full" && touch "$WORK/full/file"
out=$(xloop run --dir "$WORK/full" -- true 2>&1)
is $? 125 "a directory with files in it is refused"
like "$out" "full.*not empty" "and the sentence names it"
ok "--keep keeps the directory" xloop run --dir "$WORK/kept" --keep -- true
ok "with the logs in it" test -e "$WORK/kept/hv.log"
out=$(xloop run --dir "$WORK/$(printf 'x%.0s' {1..90})" -- true 2>&1)
like "$out" "too long for unix sockets.*--dir or TMPDIR" "a directory's name that is too long is refused"
