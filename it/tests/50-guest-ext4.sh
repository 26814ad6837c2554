#!/usr/bin/env bash
# A Linux guest makes ext4 on a volume, writes and syncs files and is killed: fsck clean, every synced
# file whole. Then all nodes, and the gateway, are killed and started again under the running guest.
. "$(dirname "$0")/../lib.sh"
. "$IT/cluster.sh"
. "$IT/guest/lib.sh"
GUEST_DIR=$IT/target/guest
"$IT/guest/build.sh" "$GUEST_DIR"

cluster_start 2
on_exit cluster_stop
on_exit guest_kill
disk="server.type=unix,server.path=$SOCK,export=disk0"

guest_start "$TMP/write" "$disk" step=write
guest_wait_past "$TMP/write" synced 20 120
guest_kill
synced=$(guest_last "$TMP/write" synced)

guest_start "$TMP/check" "$disk" step=check "upto=$synced"
guest_wait "$TMP/check" "whole $synced" 120
guest_end 30
echo "killed guest: files 0 to $synced whole"

guest_start "$TMP/more" "$disk" step=more "from=$((synced + 1))"
guest_wait_past "$TMP/more" synced $((synced + 5)) 120
process_restart node-1 node-2
guest_wait_past "$TMP/more" synced $(($(guest_last "$TMP/more" synced) + 10)) 120
process_restart gateway-1
guest_wait_past "$TMP/more" synced $(($(guest_last "$TMP/more" synced) + 10)) 120
guest_kill
synced=$(guest_last "$TMP/more" synced)

guest_start "$TMP/check2" "$disk" step=check "upto=$synced"
guest_wait "$TMP/check2" "whole $synced" 120
guest_end 30
echo "nodes and gateway killed under the guest: files 0 to $synced whole"
