#!/usr/bin/env bash
# Processes with little memory under load that asks for much: guests wait, and nobody sees an error. Processes with
# far too little end, with a status that says so, rather than go on by halves; started again with enough of it all
# goes on, and every acknowledged write is there.
# long: what it guards changes seldom
# timeout: 200
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/byhand.sh"

export COMET_JAVA_OPTS="${COMET_JAVA_OPTS:-} -Xmx96m -XX:MaxDirectMemorySize=192m"
VOLUME_SIZE=128M by_hand 64M "v1 v2"
uri() { echo "nbd+unix:///$1?socket=$IT_DIR/$2/nbd.sock"; }
acked() { awk '/^a/ { n++ } END { print n + 0 }' "$IT_DIR/acked" 2>/dev/null || echo 0; }
more() {
    local goal=$(($(acked) + 200)) end=$((SECONDS + 60))
    until (($(acked) > goal)); do
        ((SECONDS < end)) || fail "no progress: $(cat "$IT_DIR/writer.out")"
        sleep 0.1
    done
}
# Requests of 4 MiB, 256 of them at a time: a gigabyte.
heavy() { # GATEWAY
    local way clients=() client status=0
    for way in -w -w "" ""; do
        # shellcheck disable=SC2086
        timeout 60 qemu-img bench $way -f raw -t none -c 70 -d 64 -s 4M -S 4M "$(uri v2 "$1")" >>"$IT_DIR/heavy.out" 2>&1 &
        clients+=($!)
        own $!
    done
    for client in "${clients[@]}"; do wait "$client" || status=1; done
    return $status
}
"$COMET_ROOT/it/tools/acked-writer" write --uri "$(uri v1 g1)" --log "$IT_DIR/acked" --stop "$IT_DIR/stop" \
    --blocks 16000 >"$IT_DIR/writer.out" 2>&1 &
writer=$!
own $writer
more

say "a gigabyte is asked for where there are 192 MiB: it waits"
heavy g1 || fail "a client has seen an error: $(tail -n 5 "$IT_DIR/heavy.out")"
more
for name in n1 n2 g1 g2; do alive "${PID[$name]}" || fail "$name has ended: $(tail -n 3 "$IT_DIR/$name.log")"; done

# Starts it anew with hardly any memory, has it work until it ends, and starts it with enough.
starved() { # ROLE NAME GATEWAY
    stop "${PID[$2]}"
    COMET_JAVA_OPTS="$COMET_JAVA_OPTS -Xmx96m -XX:MaxDirectMemorySize=$4" begin "$1" "$2"
    begun "$2"
    local end=$((SECONDS + 60))
    while alive "${PID[$2]}"; do
        ((SECONDS < end)) || fail "$2 has not ended"
        heavy "$3" || true
    done
    local status=0
    wait "${PID[$2]}" || status=$?
    echo "$2 ended with status $status"
    ((status == 70 || status == 3)) || fail "not with one that says why"
    grep -q 'OutOf.*MemoryError' "$IT_DIR/$2.log" || fail "$2 does not say why: $(tail -n 3 "$IT_DIR/$2.log")"
    begin "$1" "$2"
    begun "$2"
}
say "far too little: a gateway"
starved gateway g2 g2 12m
more
say "far too little: a node"
starved node n2 g1 28m
more
IT_WAIT=60 await at g1 cluster health

say "every acknowledged write is there"
touch "$IT_DIR/stop"
wait $writer || fail "the writer: $(cat "$IT_DIR/writer.out")"
"$COMET_ROOT/it/tools/acked-writer" verify --uri "$(uri v1 g1)" --log "$IT_DIR/acked" || fail "acknowledged writes are missing"
