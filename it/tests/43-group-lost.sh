#!/usr/bin/env bash
# The metadata group is lost with all its members' data, under load: it is made anew from the disks,
# everything acknowledged is there, and the load goes on.
# timeout: 240
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/cluster.sh"

cluster_start 3 256M
members=(--to "$DATA/node-1/node.conf" --to "$DATA/node-2/node.conf" --to "$DATA/node-3/node.conf")
lose() {
    process_kill node-1 node-2 node-3
    rm -r "$DATA"/node-*/meta
}

cli cluster export-metadata "$IT_DIR/export" >/dev/null
refused 1 'exists already' cli cluster export-metadata "$IT_DIR/export"
tail -n +2 "$IT_DIR/export" | python3 -m json.tool >/dev/null || fail "the export is not readable"
writer_start 1
writer_past 1 300
# Nothing is done where a member runs.
refused 1 'in use' comet cluster recover "${members[@]}"

say "the group is lost"
lose
comet cluster recover "${members[@]}" --dry-run >/dev/null
refused 1 'were not looked at' comet cluster recover "${members[@]}" --from-disks "$DATA/node-1/disk-1"
grep -q 'its copy of the map may be newer' "$IT_DIR/refused.out" || fail "what was not looked at is not told"
[[ ! -e $DATA/node-1/meta ]] || fail "a refused recovery wrote"
# The first node's disk is looked at here; what those of other hosts know comes in files.
for n in 2 3; do
    comet cluster export-metadata "$IT_DIR/host-$n" --from-disks "$DATA/node-$n/disk-1" >/dev/null
done
comet cluster recover --to "$DATA/node-1/node.conf" --write-state "$IT_DIR/state" \
    --from-file "$IT_DIR/host-2,$IT_DIR/host-3,$IT_DIR/export"
refused 1 'exists already' comet cluster recover "${members[@]:2}" --write-state "$IT_DIR/state"
comet cluster recover "${members[@]:2}" --state "$IT_DIR/state"
refused 1 'holds a member already' comet cluster recover "${members[@]}"
process_start node-1 node-2 node-3
writer_past 1 300
wait_healthy
[[ $(cli cluster events) == *group-remade* ]] || fail "no event tells of it"
# Its numbers are large, and nobody minds.
cli volume create later --size 8M
qemu-io -f raw -c 'write -P 7 0 1M' -c flush -c 'read -P 7 0 1M' "${URI/disk0/later}" >"$IT_DIR/io"
! grep -q 'Pattern verification failed' "$IT_DIR/io" || fail "a volume of the new group: $(cat "$IT_DIR/io")"
writer_stop 1
writer_verify 1
