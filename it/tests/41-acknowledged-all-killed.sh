#!/usr/bin/env bash
# All nodes are killed at once under a writer, again and again: the gateway lives, so nothing that was
# completed is lost. Then everything at once: nothing that was flushed is lost.
# timeout: 900
# long
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/cluster.sh"

cluster_start 2
writer_start 1
for _ in 1 2 3; do
    writer_past 1 1500
    process_restart node-1 node-2
done
writer_past 1 1500
writer_stop 1
writer_verify 1

writer_start 2
for _ in 1 2; do
    writer_past 2 2500
    process_restart node-1 node-2 gateway-1
done
writer_stop 2
wait_healthy
writer_verify 2 --flushed
