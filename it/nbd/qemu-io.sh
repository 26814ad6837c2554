#!/usr/bin/env bash
# qemu-io: patterns at odd places, zeroes, discards, flushes and FUA, and many requests at once.
. "$(dirname "$0")/lib.sh"
need qemu-io nbdinfo

io() {
    qemu-io -f raw "$@" "$NBD_URI" >"$NBD_DIR/out" 2>&1 || fail "qemu-io $*: $(cat "$NBD_DIR/out")"
    ! grep -q "failed\|rror" "$NBD_DIR/out" || fail "qemu-io $*: $(cat "$NBD_DIR/out")"
}

io -c "write -P 0x11 0 16M" -c "read -P 0x11 0 16M"
# Over a chunk's border, not at blocks.
io -c "write -P 0x22 $(((4 << 20) - 700)) 1500" -c "read -P 0x22 $(((4 << 20) - 700)) 1500" \
    -c "read -P 0x11 $(((4 << 20) - 1000)) 300" -c "read -P 0x11 $(((4 << 20) + 800)) 300"
io -c "write -P 0x33 511 1" -c "read -P 0x33 511 1" -c "read -P 0x11 510 1" -c "read -P 0x11 512 1"
io -c "write -z 1M 64k" -c "read -P 0 1M 64k" -c "read -P 0x11 $(((1 << 20) - 512)) 512"
io -c "write -z -u 2M 65k" -c "read -P 0 2M 65k"
io -c "discard 8M 4M" -c "write -P 0x44 8M 4M" -c "read -P 0x44 8M 4M"
io -c "write -f -P 0x55 12M 4k" -c "flush" -c "read -P 0x55 12M 4k"
io -c "write -P 0x66 5M 9M" -c "read -P 0x66 5M 9M"
io -t none -c "aio_write -P 1 0 1M" -c "aio_write -P 2 1M 1M" -c "aio_write -P 3 2M 1M" \
    -c "aio_write -z 3M 1M" -c "aio_flush" -c "aio_read -P 1 0 1M" -c "aio_read -P 2 1M 1M" \
    -c "aio_read -P 3 2M 1M" -c "aio_read -P 0 3M 1M" -c "aio_flush"
size=$(size_of "$NBD_URI")
io -c "write -P 0x77 $((size - 512)) 512" -c "read -P 0x77 $((size - 512)) 512"
if [[ -n $NBD_URI_READ_ONLY ]]; then
    qemu-io -r -f raw -c "read 0 64k" "$NBD_URI_READ_ONLY" >/dev/null
    if qemu-io -f raw -c "write 0 512" "$NBD_URI_READ_ONLY" >"$NBD_DIR/out" 2>&1 &&
        ! grep -qi "read-only\|failed\|not permitted" "$NBD_DIR/out"; then
        fail "a read-only export was written: $(cat "$NBD_DIR/out")"
    fi
fi
