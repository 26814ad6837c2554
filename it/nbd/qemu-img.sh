#!/usr/bin/env bash
# qemu-img: convert to and from the export, compare, map.
. "$(dirname "$0")/lib.sh"
need qemu-img qemu-io nbdinfo jq

size=$(size_of "$NBD_URI")
qemu-img create -q -f qcow2 "$NBD_DIR/image.qcow2" "$size"
qemu-io -f qcow2 -c "write -P 0x5a 1M 7M" -c "write -P 0xa5 20M 300k" -c "write -z 40M 1M" \
    -c "write -P 1 $((size - 65536)) 64k" "$NBD_DIR/image.qcow2" >/dev/null
head -c $((3 << 20)) /dev/urandom >"$NBD_DIR/noise"
qemu-io -f qcow2 -c "write -s $NBD_DIR/noise 30M 3M" "$NBD_DIR/image.qcow2" >/dev/null

qemu-img convert -n -f qcow2 -O raw "$NBD_DIR/image.qcow2" "$NBD_URI"
qemu-img compare -f qcow2 -F raw "$NBD_DIR/image.qcow2" "$NBD_URI"
qemu-img convert -n -W -m 8 -f qcow2 -O raw "$NBD_DIR/image.qcow2" "$NBD_URI"
qemu-img compare -f qcow2 -F raw "$NBD_DIR/image.qcow2" "$NBD_URI"
qemu-img convert -f raw -O qcow2 "$NBD_URI" "$NBD_DIR/back.qcow2"
qemu-img compare -f qcow2 -F qcow2 "$NBD_DIR/image.qcow2" "$NBD_DIR/back.qcow2"
qemu-img map -f raw --output=json "$NBD_URI" |
    jq -e --argjson size "$size" '(map(.length) | add) == $size and any(.data) and any(.zero)' >/dev/null ||
    fail "map: $(qemu-img map -f raw --output=json "$NBD_URI" | head -c 2000)"
# What was written is not shown as a hole.
qemu-img map -f raw --output=json "$NBD_URI" |
    jq -e 'any(.data and .start <= 1048576 and .start + .length >= 8388608)' >/dev/null ||
    fail "data shows as a hole"
qemu-img info "$NBD_URI" | grep -q 'virtual size'
