#!/usr/bin/env bash
# The cluster changes while fio writes and verifies: a disk is added and gets its share, a weight is
# changed, a node is drained and removed, and its folder is then empty of chunks; another one is lost
# and made up for. No client sees an error, and all data is right.
# timeout: 600
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/cluster.sh"

disks() { cli disk list --json | jq -r "[.disks[] | select(.state != \"removed\")][] | $1"; }
disk_of() { disks "select(.node == \"$1\") | .id" | head -1; }
pgs_of() { disks "select(.id == $1) | .pgs"; }
settled() { cli cluster rebalance --json | jq -e '.waiting + .moving == 0' >/dev/null; }
# Chunks that a node still has, by its own metrics.
chunks_of() {
    curl -s --unix-socket "$DATA/$1/admin.sock" http://localhost/metrics |
        awk -v p="process=\"$1\"" '/^comet_disk_chunks/ && index($0, p) { n += $2 } END { print n + 0 }'
}

# Few placement groups: each is moved several times.
CLUSTER_FLAGS=(--set placement-groups=1024)
cluster_start 4 1G
CLUSTER_FLAGS=()
[[ $(disks .id | wc -l) == 4 ]]
writer_start 7
fio --name=moves --ioengine=nbd --uri="$URI" --rw=randwrite --bs=16k --size=192M --iodepth=8 \
    --rate_iops=600 --loops=1000 --time_based --runtime=400 --verify=crc32c --verify_backlog=2048 \
    --verify_fatal=1 --output="$IT_DIR/fio.out" >"$IT_DIR/fio.log" 2>&1 &
FIO=$!
own $FIO
writer_past 7 500

say "a disk is added: its share moves to it"
mkdir "$IT_DIR/extra"
cli disk add node-1 "$IT_DIR/extra"
new=$(disks .id | sort -n | tail -1)
moving() { (($(pgs_of "$new") > 0)); }
IT_WAIT=30 await moving
IT_WAIT=120 await settled
share=$(pgs_of "$new")
echo "disk $new has $share placement groups"
((share > 310 && share < 530)) || fail "$share is not its share"
writer_past 7 200

say "moves can be paused"
cli cluster rebalance pause
cli disk set-weight "$new" "$(($(disks "select(.id == $new) | .weight") / 2))"
paused() { cli cluster status | grep -q 'moves .*paused'; }
IT_WAIT=30 await paused
(($(pgs_of "$new") == share)) || fail "it moved all the same"
cli cluster health 2>&1 | grep -q moves-paused
cli cluster rebalance resume
less() { (($(pgs_of "$new") < share)); }
IT_WAIT=30 await less

say "a node is drained, while its groups move nothing is missing"
victim=$(disk_of node-4)
refused 1 'drain the node first' cli node remove node-4
cli node drain node-4 --wait >"$IT_DIR/drain.out"
tail -1 "$IT_DIR/drain.out" | grep -q 'is empty'
(($(pgs_of "$victim") == 0)) || fail "node-4 still has placement groups"
cli node list | grep node-4 | grep -q drained
[[ $(cli pg list --json | jq '[.pgs[] | select((.members | length) < 2)] | length') == 0 ]]
writer_past 7 200

say "its folder is empty of chunks, and it is removed"
empty() { (($(chunks_of node-4) == 0)); }
IT_WAIT=30 await empty
cli node remove node-4
! cli node list | grep -q node-4 || fail "node-4 is still listed"
process_kill node-4
IT_WAIT=120 await settled
writer_past 7 200

say "no other node of its domain may go"
refused 1 'add a disk there' cli node drain node-2

say "a node in maintenance says so, one that is not there is refused"
cli node maintenance node-2 on --for 30m
cli cluster health 2>&1 | grep -q maintenance
cli node maintenance node-2 off
refused 1 'no node nobody' cli node maintenance nobody on
refused 2 'maintenance is' cli node maintenance node-2 perhaps

say "a node that does not come back: its copies are made anew on the others of its domain"
lost=$(disk_of node-3)
cli cluster set rebuild-after=5s
process_kill node-3
rebuilt() { (($(disks "select(.id == $lost) | .pgsHeld") == 0)); }
IT_WAIT=150 await rebuilt
[[ $(cli pg list --json | jq '[.pgs[] | select((.members | map(select(.state == "in-sync")) | length) < 2)] | length') == 0 ]]
cli cluster events | grep -q 'made anew'
cli cluster set rebuild-after=
process_start node-3
writer_past 7 200

say "what was written all the time is right"
alive $FIO || fail "fio ended: $(cat "$IT_DIR/fio.log" "$IT_DIR/fio.out")"
kill -INT $FIO
wait $FIO 2>/dev/null || true
! grep -qiE 'verify: bad|error=|err= *[1-9]' "$IT_DIR/fio.out" "$IT_DIR/fio.log" ||
    fail "fio saw errors: $(cat "$IT_DIR/fio.log" "$IT_DIR/fio.out")"
writer_stop 7
writer_verify 7
wait_healthy 60

say "the process of the removed node may start again: its disk stays out"
process_start node-4
out() { curl -s --unix-socket "$DATA/node-4/admin.sock" http://localhost/v1/node/disks | grep -q '"removed"'; }
IT_WAIT=30 await out
wait_healthy 30
stop "$UP_PID" 90
