#!/usr/bin/env bash
# A Linux guest makes ext4 on a volume, writes and syncs files and is killed: fsck clean, every synced
# file whole. Then all nodes, and the gateway, are killed and started again under the running guest.
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/cluster.sh"
. "$COMET_ROOT/it/guest/lib.sh"
guest_prepare

cluster_start 2
disk="server.type=unix,server.path=$SOCK,export=disk0"

guest_start "$IT_DIR/write" "$disk" step=write
guest_wait_past "$IT_DIR/write" synced 20 120
guest_kill
synced=$(guest_last "$IT_DIR/write" synced)

guest_start "$IT_DIR/check" "$disk" step=check "upto=$synced"
guest_wait "$IT_DIR/check" "whole $synced" 120
guest_end 30
echo "killed guest: files 0 to $synced whole"

guest_start "$IT_DIR/more" "$disk" step=more "from=$((synced + 1))"
guest_wait_past "$IT_DIR/more" synced $((synced + 5)) 120
process_restart node-1 node-2
guest_wait_past "$IT_DIR/more" synced $(($(guest_last "$IT_DIR/more" synced) + 10)) 120
process_restart gateway-1
guest_wait_past "$IT_DIR/more" synced $(($(guest_last "$IT_DIR/more" synced) + 10)) 120
guest_kill
synced=$(guest_last "$IT_DIR/more" synced)

guest_start "$IT_DIR/check2" "$disk" step=check "upto=$synced"
guest_wait "$IT_DIR/check2" "whole $synced" 120
guest_end 30
echo "nodes and gateway killed under the guest: files 0 to $synced whole"
