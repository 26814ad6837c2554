#!/usr/bin/env bash
# The last copy in sync is gone for good: what is left of the other one is trusted only by force,
# which says before what is lost.
# timeout: 240
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/cluster.sh"

cluster_start 3 64M
qemu-io -f raw -c 'write -P 1 0 8M' -c flush "$URI" >/dev/null
refused 1 'nothing need be given up' cli pg force-available 0 --accept-data-loss
# Node 2 is alone in its domain, and has a copy of everything.
process_kill node-2
qemu-io -f raw -c 'write -P 2 0 4M' -c flush "$URI" >/dev/null

say "the disk of node-1 is gone for good, node-2 comes back"
lost=$(cli disk list --json | python3 -c 'import json, sys
print(next(d["id"] for d in json.load(sys.stdin)["disks"] if d["node"] == "node-1"))')
process_kill node-1
mv "$DATA/node-1/disk-1" "$IT_DIR/gone"
process_start node-2
# Whether others live a new leader knows after three seconds.
stuck() { cli pg force-available --disk "$lost" >"$IT_DIR/plan" 2>&1; grep -q '^4096 placement groups' "$IT_DIR/plan"; }
IT_WAIT=60 await stuck
cat "$IT_DIR/plan"
pg=$(sed -n 's/^placement group //p' "$IT_DIR/plan")
refused 1 'nothing was done' cli pg force-available "$pg"
grep -q "node-1 in a: holds everything, the last copy in sync, away" "$IT_DIR/refused.out" || fail "does not say what is lost: $(cat "$IT_DIR/refused.out")"
grep -q 'node-2 in b: an old copy' "$IT_DIR/refused.out" || fail "does not say what is left: $(cat "$IT_DIR/refused.out")"
force() { cli pg force-available --disk "$lost" --accept-data-loss; }
IT_WAIT=60 await force
# A gateway that has it attached knows of newer writes than there are now, and waits for them.
cli volume detach disk0 --force
[[ $(cli cluster events) == *data-loss-forced* ]] || fail "no event tells of it"
# What only the lost copy had is lost; what both had is there; and one can go on.
timeout 90 qemu-io -f raw -c 'read -P 1 4M 4M' -c 'write -P 3 0 8M' -c flush -c 'read -P 3 0 8M' "$URI" >"$IT_DIR/io"
! grep -q 'Pattern verification failed' "$IT_DIR/io" || fail "what both copies had is gone: $(cat "$IT_DIR/io")"
