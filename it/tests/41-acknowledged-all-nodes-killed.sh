#!/usr/bin/env bash
# All nodes are killed at once under a writer, again and again: the gateway lives, so nothing that was
# completed is lost. Then everything at once: nothing that was flushed is lost.
. "$(dirname "$0")/../lib.sh"
. "$IT/cluster.sh"

cluster_start 2
on_exit cluster_stop
write_until_stopped() {
    "$IT/tools/acked-writer" write --uri "$URI" --log "$TMP/log$1" --stop "$TMP/stop$1" --seed "$1" \
        >"$TMP/writer$1.out" 2>&1 &
    writer=$!
}
acked() { grep -c ^a "$TMP/log$1" 2>/dev/null || true; }
more() { [ "$(acked "$1")" -gt "$2" ]; }

write_until_stopped 1
for _ in 1 2 3; do
    wait_until 60 "acknowledged writes" more 1 $(($(acked 1) + 1500))
    process_restart node-1 node-2
done
wait_until 60 "acknowledged writes" more 1 $(($(acked 1) + 1500))
touch "$TMP/stop1"
wait $writer || fail "the writer: $(cat "$TMP/writer1.out")"
cat "$TMP/writer1.out"
"$IT/tools/acked-writer" verify --uri "$URI" --log "$TMP/log1"

write_until_stopped 2
wait_until 60 "acknowledged writes" more 2 3000
process_restart node-1 node-2 gateway-1
wait_until 60 "acknowledged writes" more 2 $(($(acked 2) + 1500))
process_restart node-1 node-2 gateway-1
touch "$TMP/stop2"
wait $writer || fail "the writer: $(cat "$TMP/writer2.out")"
cat "$TMP/writer2.out"
wait_healthy
"$IT/tools/acked-writer" verify --flushed --uri "$URI" --log "$TMP/log2"
