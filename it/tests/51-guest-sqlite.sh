#!/usr/bin/env bash
# SQLite commits rows in a guest; guest, gateway and nodes are all killed at random points: every
# committed row is there.
# long: another guest writes and is checked in each run
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/cluster.sh"
. "$COMET_ROOT/it/guest/lib.sh"
guest_prepare

cluster_start 2
disk="server.type=unix,server.path=$SOCK,export=disk0"
rounds=${ROUNDS:-3}
rows=0
RANDOM=${SEED:-1}

for round in $(seq "$rounds"); do
    guest_start "$IT_DIR/sql$round" "$disk" step=sql
    guest_wait_past "$IT_DIR/sql$round" committed $((rows + 3 + RANDOM % 20)) 120
    process_kill node-1 node-2 gateway-1 &
    guest_kill
    wait $!
    last=$(guest_last "$IT_DIR/sql$round" committed)
    rows=$((last > rows ? last : rows))
    process_start node-1 node-2 gateway-1
    wait_healthy
    wait_served
    guest_start "$IT_DIR/check$round" "$disk" step=sqlcheck "upto=$rows"
    guest_wait "$IT_DIR/check$round" "whole $rows" 120
    guest_end 30
    echo "round $round: $rows committed rows are there"
done
