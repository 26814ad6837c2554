#!/usr/bin/env bash
# Many volumes and connections at one gateway: 64 volumes with 256 connections that write and compare,
# 1,000 connections at once, a volume that is kept busy beside a quiet one, and memory within its
# bound all the while. And a volume that grows while clients are connected.
# long
# timeout: 400
. "$(dirname "$0")/../lib.sh"

many() { "$COMET_ROOT/it/tools/many-clients" "$DATA/nbd.sock" "$@"; }
number() { sed -n "s/.*\b$1=\([0-9]*\).*/\1/p" <<<"$2"; }
resident() { awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$UP_PID/status"; }
ulimit -n 4096

SIZE=64M start_up
for i in {0..63}; do echo "disk-$i"; done | xargs -P 4 -I{} "$COMET_ROOT/comet" volume create {} --size 64M --data "$DATA" >/dev/null

say "a volume grows under its clients"
coproc GROW { many size disk-3; }
own "$GROW_PID"
read -r -t 30 before <&"${GROW[0]}"
cli volume resize disk-3 128M
echo >&"${GROW[1]}"
read -r -t 30 after <&"${GROW[0]}"
[[ $before == $((64 << 20)) && $after == $((128 << 20)) ]] || fail "size $before, then $after"
[[ $(nbdinfo --size "$(nbd_uri disk-3)") == $((128 << 20)) ]] || fail "size of a new client"
qemu-io -f raw -c 'write -P 5 100M 1M' -c 'read -P 5 100M 1M' "nbd+unix:///disk-3?socket=$DATA/nbd.sock"

say "64 volumes, 256 connections"
line=$(many io 64 256 15)
echo "$line"
(($(number least "$line") * 4 > $(number most "$line"))) || fail "unequal shares of connections"
(($(number least-volume "$line") * 3 > $(number most-volume "$line"))) || fail "unequal shares of volumes"
before=$(resident)

say "1,000 connections at once"
coproc IDLE { many idle 1000; }
own "$IDLE_PID"
read -r -t 60 line <&"${IDLE[0]}"
[[ $line == open=1000 ]] || fail "$line"
many io 64 16 5
during=$(resident)
echo >&"${IDLE[1]}"
read -r -t 60 line <&"${IDLE[0]}"
[[ $line == answered=1000 ]] || fail "$line"
echo "resident MiB: $before, with 1,000 connections more $during"
((during - before < 200)) || fail "1,000 idle connections take $((during - before)) MiB"

say "one volume at depth 128 beside one at depth 1"
line=$(many fair disk-1 disk-2 128 8)
echo "$line"
# A request waits for those that were there before it, and for little more.
(($(number shares-percent "$line") < 250)) || fail "the quiet volume gets less than its share"
((SECONDS < 1000 && $(resident) < 2500)) || fail "$(resident) MiB"
cli cluster health
! grep -E ' ERROR |nbd-failure' "$IT_DIR/up.log" || fail "errors in the log"
stop "$UP_PID" || fail "stop"
