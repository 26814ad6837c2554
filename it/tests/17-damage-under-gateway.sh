#!/usr/bin/env bash
# A node is killed under a writer and its journal is damaged before it starts again; then all nodes are,
# and one journal is: the gateway lives and waits, and nothing that was acknowledged is lost.
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/cluster.sh"
. "$COMET_ROOT/it/damage.sh"

# What is damaged on one disk must have come back before it is the other one's turn.
in_sync() { [[ $(cli pg list --json | jq '[.pgs[] | select(.state != "ok")] | length') == 0 ]]; }
journal() { find "$DATA/node-$1" -name journal; }

cluster_start 2
writer_start 1
writer_past 1 3000
process_kill node-1
damage durable "$(journal 1)"
process_start node-1
writer_past 1 2000
wait_healthy
IT_WAIT=90 await in_sync
event journal-damaged >/dev/null || fail "no event journal-damaged"

writer_past 1 2000
process_kill node-1 node-2
damage durable "$(journal 2)"
process_start node-1 node-2
writer_past 1 2000
writer_stop 1
wait_healthy
(($(grep -c journal-damaged "$IT_DIR/node-2.log") == 1)) || fail "node-2 did not notice"
writer_verify 1
