#!/usr/bin/env bash
# A qcow2 image with real files goes into a volume and back with the usual tools: identical each time.
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/cluster.sh"

cluster_start 2 256M

# An ext4 file system that holds this machine's own programs.
truncate -s 200M "$IT_DIR/fs.raw"
mkdir "$IT_DIR/files"
cp -r /usr/share/doc/fio /usr/bin/qemu-img /usr/bin/fio "$IT_DIR/files/" 2>/dev/null || true
mkfs.ext4 -q -d "$IT_DIR/files" "$IT_DIR/fs.raw"
truncate -s 256M "$IT_DIR/fs.raw"
qemu-img convert -f raw -O qcow2 "$IT_DIR/fs.raw" "$IT_DIR/image.qcow2"

qemu-img convert -n -f qcow2 -O raw "$IT_DIR/image.qcow2" "$URI"
qemu-img compare -f qcow2 -F raw "$IT_DIR/image.qcow2" "$URI"
qemu-img convert -f raw -O qcow2 "$URI" "$IT_DIR/back.qcow2"
qemu-img compare "$IT_DIR/image.qcow2" "$IT_DIR/back.qcow2"

# The map: what is data in the image is data in the volume, what was never written is a hole.
qemu-img map --output=json -f raw "$URI" | jq -e 'map(select(.data | not)) | length > 0' >/dev/null ||
    fail "no holes in qemu-img map"
nbdinfo --map "$URI" | awk '$3 == 0 { data = 1 } $3 == 3 { hole = 1 } END { exit !(data && hole) }' ||
    fail "nbdinfo --map lacks data or holes: $(nbdinfo --map "$URI" | head)"

nbdcopy "$URI" "$IT_DIR/copy.raw"
cmp "$IT_DIR/fs.raw" "$IT_DIR/copy.raw"
e2fsck -fn "$IT_DIR/copy.raw" >/dev/null
cli volume create second --size 256M
second="nbd+unix:///second?socket=$SOCK"
nbdcopy "$IT_DIR/fs.raw" "$second"
nbdcopy "$URI" - | cmp - "$IT_DIR/fs.raw"
qemu-img compare -f raw -F raw "$URI" "$second"

# Patterns at odd places, across a chunk's border, zeroes and trims.
qemu-io -f raw -c "write -P 0x11 1023k 3k" -c "read -P 0x11 1023k 3k" \
    -c "write -P 0x22 4190208 9000" -c "read -P 0x22 4190208 9000" \
    -c "write -z 4191232 4096" -c "read -P 0 4191232 4096" -c "read -P 0x22 4190208 1024" \
    -c "discard 8M 4M" -c "read -P 0 8M 4M" -c "flush" "$second" >"$IT_DIR/io.out" ||
    fail "qemu-io: $(cat "$IT_DIR/io.out")"
! grep -i "fail\|error" "$IT_DIR/io.out"
nbdinfo --json "$URI" | jq -e '.exports[0]["can_multi_conn"] and .exports[0]["can_flush"]' >/dev/null
