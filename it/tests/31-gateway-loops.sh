#!/usr/bin/env bash
# A gateway on two event loops: fio verifies four volumes at the same time, and both loops work; others
# are detached, attached and migrated meanwhile; the gateway is killed under writers and comes back with
# another number of loops; all data is right, and it stops cleanly.
# long: the same code as with one loop, but for the hand-overs between them
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/byhand.sh"

VOLUME_SIZE=128M by_hand 128M "v1 v2 v3 v4 v5 v6" "loops = 2"

uri() { echo "nbd+unix:///$1?socket=$IT_DIR/${2:-g1}/nbd.sock"; }
# Processor time of the loops of g1, in ticks: one line for each.
loops() {
    local task
    for task in "/proc/${PID[g1]}"/task/*; do
        if [[ $(<"$task/comm") == g1-* ]]; then awk '{ print $14 + $15 }' "$task/stat"; fi
    done
}
# Writes a volume through g2 by a client that stays until the volume was seen there: idle ones detach.
written_at_g2() { # VOLUME PATTERN OFFSET LENGTH
    local client out="$IT_DIR/client.out"
    mkfifo "$IT_DIR/client.in"
    qemu-io -f raw "$(uri "$1" g2)" <"$IT_DIR/client.in" >"$out" 2>&1 &
    client=$!
    own $client
    exec 7>"$IT_DIR/client.in"
    printf 'write -P %s %s %s\nflush\n' "$2" "$3" "$4" >&7
    IT_WAIT=30 await grep -q 'wrote ' "$out" || fail "$1 was not written at g2: $(cat "$out")"
    IT_WAIT=10 await is "$1" gateway g2 || fail "$1 is not at g2"
    echo quit >&7
    exec 7>&-
    wait $client || fail "the client of $1: $(cat "$out")"
    rm "$IT_DIR/client.in"
}
no_errors() { ! grep -E ' ERROR |nbd-failure' "$IT_DIR"/*.log || fail "errors in the logs"; }

say "what was said to clients of several volumes"
[[ $(nbdinfo --list --json "nbd+unix:///?socket=$IT_DIR/g1/nbd.sock" | jq -r '[.exports[]["export-name"]] | sort | join(" ")') == "v1 v2 v3 v4 v5 v6" ]] ||
    fail "the list of exports"
refused 1 "" nbdinfo "$(uri v7)"

say "four volumes are verified at the same time, over both sockets"
fio_job() { # VOLUME URI
    fio --name="$1" --ioengine=nbd --uri="$2" --rw=randwrite --bsrange=512-64k --blockalign=512 \
        --iodepth=16 --size=48m --fsync=64 --verify=crc32c --verify_fatal=1 --do_verify=1 \
        --output="$IT_DIR/fio-$1.out" >"$IT_DIR/fio-$1.err" 2>&1
}
jobs=()
fio_job v1 "$(uri v1)" & jobs+=($!)
fio_job v2 "$(uri v2)" & jobs+=($!)
fio_job v3 "nbd://127.0.0.1:$TCP/v3" & jobs+=($!)
fio_job v4 "nbd://127.0.0.1:$TCP/v4" & jobs+=($!)
for pid in "${jobs[@]}"; do own "$pid"; done

say "meanwhile others are attached, detached and migrated"
for volume in v5 v6; do
    qemu-io -f raw -c 'write -P 0x51 0 16M' -c flush "$(uri $volume)" >/dev/null
    at g1 volume attach $volume
    is $volume state attached || fail "$volume is not attached"
done
at g1 volume detach v5
is v5 state detached || fail "v5 is still attached"
at g1 volume migrate v6 --to g2
qemu-io -r -f raw -c 'read -P 0x51 0 16M' "$(uri v6 g2)" >/dev/null
written_at_g2 v6 0x52 0 4M
qemu-io -f raw -c 'read -P 0x51 0 16M' -c 'write -P 0x53 4M 4M' -c flush "$(uri v5)" >/dev/null
# A gateway that has not written yields: the loop that owns the volume has to answer.
for volume in v5 v6; do
    IT_WAIT=20 await is $volume state detached
    at g1 volume attach $volume
    written_at_g2 $volume 0x54 8M 4M
done
at g1 volume rename v5 renamed
qemu-io -r -f raw -c 'read -P 0x53 4M 4M' "$(uri renamed)" >/dev/null

for pid in "${jobs[@]}"; do wait "$pid" || fail "fio: $(tail -n 5 "$IT_DIR"/fio-*.out "$IT_DIR"/fio-*.err)"; done
echo "ticks of the loops: $(loops | tr '\n' ' ')"
(($(loops | wc -l) == 2)) || fail "g1 has not two loops"
for ticks in $(loops); do ((ticks >= 5)) || fail "a loop had nothing to do"; done
[[ $(at g1 volume list --json | jq '.volumes | length') == 6 ]]
curl -s --unix-socket "$IT_DIR/g1/admin.sock" http://localhost/metrics >"$IT_DIR/metrics"
for volume in v1 v2 v3 v4; do
    grep -q "comet_volume_bytes_total{.*volume=\"$volume\"" "$IT_DIR/metrics" || fail "no metrics of $volume"
done
no_errors

say "the gateway is killed under writers, and comes back, with other numbers of loops too"
# Behind what fio has left: a block that nobody has acknowledged is zeros then.
writers=()
for i in 1 2 3 4; do
    "$COMET_ROOT/it/tools/acked-writer" write --uri "$(uri v$i)" --log "$IT_DIR/acked-$i" --stop "$IT_DIR/stop" \
        --seed "$i" --first 12288 --blocks 16000 >"$IT_DIR/writer-$i.out" 2>&1 &
    writers+=($!)
    own $!
done
acked() { awk '/^a/ { n++ } END { print n + 0 }' "$IT_DIR/acked-$1" 2>/dev/null || echo 0; }
past() { # N: each writer has had so many more acknowledged
    local i end=$((SECONDS + 90)) goals=()
    for i in 1 2 3 4; do goals[i]=$(($(acked $i) + $1)); done
    for i in 1 2 3 4; do
        until (($(acked $i) > goals[i])); do
            ((SECONDS < end)) || fail "no progress of writer $i: $(cat "$IT_DIR/writer-$i.out")"
            sleep 0.1
        done
    done
}
for count in 2 3 1 2; do
    past 500
    kill9 "${PID[g1]}"
    begin gateway g1 --set loops=$count
    begun g1
done
past 500
touch "$IT_DIR/stop"
for pid in "${writers[@]}"; do wait "$pid" || fail "a writer: $(cat "$IT_DIR"/writer-*.out)"; done
for i in 1 2 3 4; do
    "$COMET_ROOT/it/tools/acked-writer" verify --uri "$(uri v$i)" --log "$IT_DIR/acked-$i" ||
        fail "acknowledged writes of v$i are missing"
done
qemu-io -r -f raw -c 'read -P 0x53 4M 4M' -c 'read -P 0x54 8M 4M' "$(uri renamed)" >/dev/null
IT_WAIT=30 await at g1 cluster health

say "it stops cleanly under load: what is in flight is answered, all is flushed and detached"
for i in 1 2; do
    fio --name="load$i" --ioengine=nbd --uri="$(uri v$i)" --rw=randwrite --bs=4k --iodepth=16 --size=32m \
        --time_based --runtime=20 >"$IT_DIR/load-$i.out" 2>&1 &
    own $!
done
busy() { is v1 state attached && is v2 state attached; }
await busy
began=$SECONDS
stop "${PID[g1]}" 30 || fail "status of the gateway at its end"
((SECONDS - began < 12)) || fail "it took $((SECONDS - began)) s to stop"
for i in 1 2 3 4; do is v$i state detached || fail "v$i was left attached"; done
no_errors
stop "${PID[g2]}" || fail "status of g2 at its end"
