#!/usr/bin/env bash
# A writer notes what was acknowledged while a node and then the gateway are killed: every
# acknowledged write is there afterwards.
# long: the soak does the same and more
# timeout: 300
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/cluster.sh"

cluster_start 2
writer_start 1
writer_past 1 2000
process_restart node-1
writer_past 1 2000
process_restart gateway-1
writer_past 1 2000
process_restart node-2
writer_past 1 2000
writer_stop 1
wait_healthy
writer_verify 1
