#!/usr/bin/env bash
# A device that answers reads and writes with errors: its disk says so and serves no longer, guests go on with the
# other copy. Repaired and mounted again it takes up what it has missed, and then serves alone.
# timeout: 200
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/byhand.sh"

((EUID == 0)) || skip "a file system can be mounted by root only"
cleanup_more() {
    umount -l "$IT_DIR/fuse" 2>/dev/null
    kill "${SERVERS[@]}" 2>/dev/null
}
# A file system on a loop device on a file whose server fails while $IT_DIR/failing exists.
SERVERS=()
mkdir -p "$IT_DIR"/{mnt,fuse,n2}
truncate -s 1G "$IT_DIR/image"
mkfs.ext4 -q -m 0 "$IT_DIR/image"
nbdkit -f -U "$IT_DIR/device.sock" --filter=error file "$IT_DIR/image" error=EIO error-pread-rate=100% \
    error-pwrite-rate=100% error-file="$IT_DIR/failing" >"$IT_DIR/nbdkit.out" 2>&1 &
SERVERS+=($!)
await test -S "$IT_DIR/device.sock"
nbdfuse "$IT_DIR/fuse/device" "nbd+unix:///?socket=$IT_DIR/device.sock" >"$IT_DIR/nbdfuse.out" 2>&1 &
SERVERS+=($!)
IT_WAIT=5
there() { [[ -f $IT_DIR/fuse/device ]] || ! alive "${SERVERS[1]}"; }
await there
mount -o loop "$IT_DIR/fuse/device" "$IT_DIR/mnt" 2>/dev/null || skip "no device of a user's can be mounted here"
rmdir "$IT_DIR/mnt/lost+found"
ln -s "$IT_DIR/mnt" "$IT_DIR/n2/disk"

META_ALONE=yes by_hand 64M "v1"
uri="nbd+unix:///v1?socket=$IT_DIR/g1/nbd.sock"
states() { at m pg list --json | jq "[.pgs[] | select(.state == \"$1\")] | length"; }
in_sync() { [[ $(states ok) == 64 ]]; }
left_behind() { [[ $(states degraded) == 64 ]]; }
"$COMET_ROOT/it/tools/acked-writer" write --uri "$uri" --log "$IT_DIR/acked" --stop "$IT_DIR/stop" --depth 4 \
    --blocks 12000 >"$IT_DIR/writer.out" 2>&1 &
writer=$!
own $writer
acked() { awk '/^a/ { n++ } END { print n + 0 }' "$IT_DIR/acked" 2>/dev/null || echo 0; }
more() {
    local goal=$(($(acked) + 500)) end=$((SECONDS + 40))
    until (($(acked) > goal)); do
        ((SECONDS < end)) || fail "no progress: $(cat "$IT_DIR/writer.out")"
        sleep 0.1
    done
}
more

say "the device fails"
touch "$IT_DIR/failing"
IT_WAIT=30 await left_behind
more
grep -o 'ERROR.*event=disk-failed.*' "$IT_DIR/n2.log" | cut -c1-200 || fail "the disk does not say that it failed"
at m cluster health >"$IT_DIR/health" 2>&1 || true
cat "$IT_DIR/health"

say "repaired and mounted again"
rm "$IT_DIR/failing"
kill9 "${PID[n2]}"
umount "$IT_DIR/mnt"
e2fsck -fy "$IT_DIR/fuse/device" >"$IT_DIR/e2fsck.out" 2>&1 || (($? < 4)) || fail "e2fsck: $(tail -n 3 "$IT_DIR/e2fsck.out")"
mount -o loop "$IT_DIR/fuse/device" "$IT_DIR/mnt"
begin node n2
begun n2
IT_WAIT=60 await in_sync
more

say "the other node is lost: what was repaired has everything"
kill9 "${PID[n1]}"
IT_WAIT=30 await left_behind
more
touch "$IT_DIR/stop"
wait $writer || fail "the writer: $(cat "$IT_DIR/writer.out")"
cat "$IT_DIR/writer.out"
! grep refused "$IT_DIR/writer.out" || fail "a guest has seen an error"
"$COMET_ROOT/it/tools/acked-writer" verify --uri "$uri" --log "$IT_DIR/acked" || fail "acknowledged writes are missing"
