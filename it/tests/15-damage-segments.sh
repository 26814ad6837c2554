#!/usr/bin/env bash
# Bits that turn over in a segment, and a segment that is gone: reads give the right data, from the
# other replica, and what was bad is good again on the damaged disk.
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/damage.sh"

# Offsets of the blocks of disk $1 full of byte $2, in the file $3 (default: its only segment).
blocks_of() { damage find "$(segment "$1")" "$2"; }
segment() { find "$DATA/disk-$1/segments" -type f | sort | tail -1; }

# Reads the pattern until something that was bad has been repaired at disk $1.
read_until_repaired() {
    local wanted=$2 end=$((SECONDS + 30))
    until (($(metric comet_disk_repaired_blocks_total "disk=\"$1\"") >= wanted)); do
        qemu-io -r -f raw -c 'read -P 0x5a 8M 1M' -c 'read -P 0x5a 8M 1M' -c 'read -P 0x5b 32M 1M' -c 'read -P 0x5b 32M 1M' \
            "$URI" >"$IT_DIR/io.out" ||
            fail "a read failed"
        ! grep -i 'fail\|error' "$IT_DIR/io.out" || fail "wrong data: $(cat "$IT_DIR/io.out")"
        ((SECONDS < end)) || fail "not repaired at disk $1: $(cli cluster events --processes | tail -5)"
    done
}

SIZE=128M start_up --set journal-size=64M
qemu-io -f raw -c 'write -P 0x5a 8M 1M' -c 'write -P 0x5b 32M 1M' -c flush "$URI"
stop "$UP_PID"
for disk in 1 2; do
    (($(blocks_of $disk 0x5a | wc -l) == 256)) || fail "the pattern does not lie in the segment of disk $disk"
done

say "one bit of a block at each disk, two of them in one read"
one=$(blocks_of 1 0x5a | sed -n 20p)
another=$(blocks_of 1 0x5a | sed -n 21p)
two=$(blocks_of 2 0x5b | sed -n 200p)
damage flip "$(segment 1)" $((one + 100))
damage flip "$(segment 1)" $((another + 4095)) 7
damage flip "$(segment 2)" "$two" 0
start_up
read_until_repaired 1 2
read_until_repaired 2 1
event block-corrupt 'disk=1 .*state=corrupt' >/dev/null || fail "no event block-corrupt"
event block-repaired 'disk=1 .*from=2' >/dev/null || fail "no event block-repaired at disk 1"
event block-repaired 'disk=2 .*from=1' >/dev/null || fail "no event block-repaired at disk 2"
(($(metric comet_disk_corrupt_blocks_total 'disk="1"') >= 2)) || fail "corrupt blocks are not counted"
IT_WAIT=10 await cli cluster health
stop "$UP_PID"

say "both disks hold all of it again"
for disk in 1 2; do
    (($(blocks_of $disk 0x5a | wc -l) == 256 && $(blocks_of $disk 0x5b | wc -l) == 256)) ||
        fail "disk $disk holds $(blocks_of $disk 0x5a | wc -l) and $(blocks_of $disk 0x5b | wc -l) blocks"
done

say "the other copy of a block that was repaired is damaged: the repaired one serves"
damage flip "$(segment 2)" $(($(blocks_of 2 0x5a | sed -n 20p) + 7)) 1
damage flip "$(segment 2)" $(($(blocks_of 2 0x5a | sed -n 21p) + 7)) 1
start_up
read_until_repaired 2 2
stop "$UP_PID"

say "a segment is gone"
gone=$(segment 2)
mv "$gone" "$IT_DIR/gone"
start_up
event segment-missing "segment=segments/$(basename "$gone")" >/dev/null || fail "no event segment-missing"
read_until_repaired 2 512
qemu-io -f raw -c 'write -P 0x5c 8704k 64k' -c flush -c 'read -P 0x5c 8704k 64k' -c 'read -P 0x5a 8M 512k' "$URI"
stop "$UP_PID"
(($(blocks_of 2 0x5a | wc -l) >= 240 && $(blocks_of 2 0x5b | wc -l) == 256 && $(blocks_of 2 0x5c | wc -l) == 16)) ||
    fail "the disk holds $(blocks_of 2 0x5a | wc -l), $(blocks_of 2 0x5b | wc -l), $(blocks_of 2 0x5c | wc -l) blocks"

say "and when the other disk loses its own, the recovered copy is all there is"
mv "$(segment 1)" "$IT_DIR/gone-too"
start_up
qemu-io -r -f raw -c 'read -P 0x5a 8M 512k' -c 'read -P 0x5c 8704k 64k' -c 'read -P 0x5b 32M 1M' "$URI" \
    >"$IT_DIR/io.out" || fail "a read failed"
! grep -i 'fail\|error' "$IT_DIR/io.out" || fail "wrong data: $(cat "$IT_DIR/io.out")"
stop "$UP_PID"
