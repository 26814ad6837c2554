#!/usr/bin/env bash
# A writer notes what was acknowledged while a node and then the gateway are killed: every
# acknowledged write is there afterwards.
. "$(dirname "$0")/../lib.sh"
. "$IT/cluster.sh"

cluster_start 2
on_exit cluster_stop
"$IT/tools/acked-writer" write --uri "$URI" --log "$TMP/log" --stop "$TMP/stop" >"$TMP/writer.out" 2>&1 &
writer=$!
acked() { grep -c ^a "$TMP/log" 2>/dev/null || true; }
more() { [ "$(acked)" -gt "$1" ]; }
wait_more() { wait_until 60 "acknowledged writes beyond $1" more "$1"; }

wait_more 2000
process_restart node-1
wait_more $(($(acked) + 2000))
process_restart gateway-1
wait_more $(($(acked) + 2000))
process_restart node-2
wait_more $(($(acked) + 2000))
touch "$TMP/stop"
wait $writer || fail "the writer: $(cat "$TMP/writer.out")"
cat "$TMP/writer.out"
wait_healthy
"$IT/tools/acked-writer" verify --uri "$URI" --log "$TMP/log"
