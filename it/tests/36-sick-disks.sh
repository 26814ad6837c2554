#!/usr/bin/env bash
# Disks and nodes that do not answer: a node that is killed, one that is stopped, a device whose writes
# hang. Each time guests pause, then go on with the other copy, and all is in sync again by itself.
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/byhand.sh"

((EUID == 0)) || skip "a file system can be mounted by root only"
mkdir -p "$IT_DIR/mnt" "$IT_DIR/n2"
ln -s "$IT_DIR/mnt" "$IT_DIR/n2/disk"
truncate -s 1500M "$IT_DIR/small.img"
mkfs.ext4 -q -m 0 "$IT_DIR/small.img"
mount -o loop "$IT_DIR/small.img" "$IT_DIR/mnt" 2>/dev/null || skip "no file system can be mounted here"
rmdir "$IT_DIR/mnt/lost+found"

by_hand 64M "v1"
in_sync() { at n1 cluster health >"$IT_DIR/health" 2>&1 && ! grep -q degraded "$IT_DIR/health"; }
left_behind() { [[ $(at n1 pg list --json | jq "[.pgs[] | select(.state == \"degraded\")] | length") -gt 0 ]]; }

# A guest that writes and reads all the time, and notes its longest pause.
load() { # SECONDS
    fio --name=load --ioengine=nbd --uri="nbd+unix:///v1?socket=$IT_DIR/g1/nbd.sock" --rw=randrw --bs=4k \
        --iodepth=8 --size=48m ${SYNC:-} --time_based --runtime="$1" --verify=crc32c --verify_fatal=1 --do_verify=0 \
        --output-format=json --output="$IT_DIR/load.json" >"$IT_DIR/load.err" 2>&1
}
longest_ms() { jq '[.jobs[0].read.lat_ns.max, .jobs[0].write.lat_ns.max] | max / 1e6 | floor' "$IT_DIR/load.json"; }
under_load() { # SECONDS COMMAND…: runs it two seconds after the load has begun
    load "$1" &
    local client=$!
    own $client
    IT_WAIT=20 await writes
    "${@:2}"
    wait $client || fail "fio: $(tail -n 5 "$IT_DIR/load.err")"
    echo "longest request: $(longest_ms) ms"
}
writes() { # Whether writes get through now.
    local before
    before=$(written)
    sleep 0.2
    (($(written) > before + ${ENOUGH:-50}))
}
written() {
    curl -s --unix-socket "$IT_DIR/g1/admin.sock" http://localhost/metrics |
        awk '/^comet_volume_bytes_total\{.*operation="write"/ { n += $NF } END { printf "%d\n", n / 4096 }'
}
within() { (($(longest_ms) <= $1)) || fail "a request took $(longest_ms) ms, more than $1"; }

say "a node is killed"
under_load 12 kill9 "${PID[n2]}"
# The deadline of three seconds and one more; a connection that is refused needs less.
within 4000
left_behind || fail "nothing was left behind"
begin node n2
begun n2
IT_WAIT=60 await in_sync

say "a node is stopped"
under_load 12 stop "${PID[n2]}" 30
within 3000
begin node n2
begun n2
IT_WAIT=60 await in_sync

say "writes and syncs of a device hang, then go on"
hang() {
    fsfreeze -f "$IT_DIR/mnt"
    IT_WAIT=20 await left_behind
    IT_WAIT=20 await writes
    at n2 cluster health >"$IT_DIR/health" 2>&1 || true
    grep -q disk-hangs "$IT_DIR/health" || fail "health does not say that it hangs: $(cat "$IT_DIR/health")"
    fsfreeze -u "$IT_DIR/mnt"
}
under_load 20 hang
within 9000
IT_WAIT=60 await in_sync
grep -q 'event=disk-hangs disk=2' "$IT_DIR/n2.log" || fail "no event that it hangs"
grep -q 'event=disk-answers-again disk=2' "$IT_DIR/n2.log" || fail "no event that it answers again"

say "a node is slow for long: whatever it is asked for takes half a second"
slow_down() { # Until there is no file of that name any more.
    while [[ -e $IT_DIR/slow ]]; do
        kill -STOP "${PID[n2]}"
        sleep 0.6
        kill -CONT "${PID[n2]}"
        sleep 0.05
    done
}
left_for_slowness() { at n1 cluster events | grep -q 'far slower than others'; }
slow() {
    touch "$IT_DIR/slow"
    slow_down &
    local freezer=$!
    own $freezer
    IT_WAIT=60 await left_for_slowness
    IT_WAIT=10 await writes
    rm "$IT_DIR/slow"
    wait $freezer
}
# What is flushed all the time is felt most.
at n1 cluster set slow-after=8s
SYNC=--fsync=8 ENOUGH=10 under_load 25 slow
at n2 cluster events | grep -q 'disk-left-behind' || fail "no event"
# It would be ten minutes before it may come back; started anew, it is at once.
stop "${PID[n2]}" 30
begin node n2
begun n2
IT_WAIT=60 await in_sync

say "all data is right, on both copies"
fio --name=check --ioengine=nbd --uri="nbd+unix:///v1?socket=$IT_DIR/g1/nbd.sock" --rw=randwrite --bs=4k --iodepth=8 \
    --size=48m --verify=crc32c --verify_fatal=1 --do_verify=1 --output="$IT_DIR/check.out" >/dev/null 2>&1 ||
    fail "fio: $(tail -n 5 "$IT_DIR/check.out")"
IT_WAIT=30 await at n1 cluster health
