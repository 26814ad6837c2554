#!/usr/bin/env bash
# A small file system becomes full, by Comet's own writes and by somebody else's file: the guest gets
# ENOSPC, nothing acknowledged is lost, and all goes on once there is space again.
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/damage.sh"

((EUID == 0)) || skip "a file system can be mounted by root only"
mkdir "$IT_DIR/mnt"
truncate -s 700M "$IT_DIR/small.img"
mkfs.ext4 -q -m 0 "$IT_DIR/small.img"
mount -o loop "$IT_DIR/small.img" "$IT_DIR/mnt" 2>/dev/null || skip "no file system can be mounted here"
DATA=$IT_DIR/mnt/data

filler() { "$COMET_ROOT/it/tools/filler" "$@"; }
# Whether that much can be written at MiB $3 of volume $1.
writable() { [[ $(filler fill "$(nbd_uri "$1")" "$2" "$3" "$4") == "$3" ]]; }

SIZE=1G start_up --set journal-size=64M --set grace-period=1h

say "filled by its own writes"
done=$(filler fill "$(nbd_uri disk0)" 0 1000 1)
((done >= 100 && done < 1000)) || fail "$done MiB were written to a file system of 700"
echo "$done MiB were written"
full() { { cli cluster health 2>&1 || true; } | grep -q 'full'; }
IT_WAIT=10 await full
filler check "$(nbd_uri disk0)" 0 "$done" 1

say "trimmed: others can be written"
filler trim "$(nbd_uri disk0)" 0 40
IT_WAIT=30 await writable disk0 1000 20 2
filler check "$(nbd_uri disk0)" 1000 20 2

say "another volume has no space before one is purged"
cli volume create other --size 1G
more=$(filler fill "$(nbd_uri other)" 0 1000 3)
((more < 60)) || fail "$more MiB more were written"
filler check "$(nbd_uri other)" 0 "$more" 3
filler check "$(nbd_uri disk0)" 40 $((done - 40)) 1
cli volume delete other
cli volume purge other
cli volume create third --size 1G
IT_WAIT=30 await writable third 0 "$((more > 10 ? 10 : more))" 4

say "everything is there after a restart"
stop "$UP_PID"
start_up
filler check "$(nbd_uri disk0)" 40 $((done - 40)) 1
filler check "$(nbd_uri disk0)" 1000 20 2
filler trim "$(nbd_uri disk0)" 0 "$done"
IT_WAIT=30 await writable disk0 0 40 5

say "filled by somebody else"
dd if=/dev/zero of="$IT_DIR/mnt/somebody" bs=1M status=none 2>/dev/null || true
no_space() {
    filler check "$(nbd_uri disk0)" 0 40 5 && ! writable disk0 100 60 7
}
IT_WAIT=30 await no_space
IT_WAIT=10 await full
filler check "$(nbd_uri disk0)" 0 40 5
say "killed and started meanwhile: what is there is served"
kill9 "$UP_PID"
truncate -s -1M "$IT_DIR/mnt/somebody"
start_up
filler check "$(nbd_uri disk0)" 0 40 5
writable disk0 100 60 7 && fail "60 MiB were written where there was no space"
rm "$IT_DIR/mnt/somebody"
IT_WAIT=30 await writable disk0 100 60 7
filler check "$(nbd_uri disk0)" 1000 20 2

say "it fills again and goes: writes go on without a restart"
dd if=/dev/zero of="$IT_DIR/mnt/somebody" bs=1M status=none 2>/dev/null || true
IT_WAIT=30 await no_space
rm "$IT_DIR/mnt/somebody"
IT_WAIT=30 await writable disk0 100 60 8
filler check "$(nbd_uri disk0)" 100 60 8
filler check "$(nbd_uri disk0)" 0 40 5
IT_WAIT=30 await cli cluster health
no_event disk-failed
stop "$UP_PID"
