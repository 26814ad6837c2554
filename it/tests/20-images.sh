#!/usr/bin/env bash
# A qcow2 image with real files goes into a volume and back with the usual tools: identical each time.
. "$(dirname "$0")/../lib.sh"
. "$IT/cluster.sh"

cluster_start 2 256M
on_exit cluster_stop

# An ext4 file system that holds this machine's own programs.
truncate -s 200M "$TMP/fs.raw"
mkdir "$TMP/files"
cp -r /usr/share/doc/fio /usr/bin/qemu-img /usr/bin/fio "$TMP/files/" 2>/dev/null || true
mkfs.ext4 -q -d "$TMP/files" "$TMP/fs.raw"
truncate -s 256M "$TMP/fs.raw"
qemu-img convert -f raw -O qcow2 "$TMP/fs.raw" "$TMP/image.qcow2"

qemu-img convert -n -f qcow2 -O raw "$TMP/image.qcow2" "$URI"
qemu-img compare -f qcow2 -F raw "$TMP/image.qcow2" "$URI"
qemu-img convert -f raw -O qcow2 "$URI" "$TMP/back.qcow2"
qemu-img compare "$TMP/image.qcow2" "$TMP/back.qcow2"

# The map: what is data in the image is data in the volume, what was never written is a hole.
qemu-img map --output=json -f raw "$URI" | jq -e 'map(select(.data | not)) | length > 0' >/dev/null ||
    fail "no holes in qemu-img map"
nbdinfo --map "$URI" | awk '$3 == 0 { data = 1 } $3 == 3 { hole = 1 } END { exit !(data && hole) }' ||
    fail "nbdinfo --map lacks data or holes: $(nbdinfo --map "$URI" | head)"

nbdcopy "$URI" "$TMP/copy.raw"
cmp "$TMP/fs.raw" "$TMP/copy.raw"
e2fsck -fn "$TMP/copy.raw" >/dev/null
"$COMET" volume create second --size 256M
second="nbd+unix:///second?socket=$SOCK"
nbdcopy "$TMP/fs.raw" "$second"
nbdcopy "$URI" - | cmp - "$TMP/fs.raw"
qemu-img compare -f raw -F raw "$URI" "$second"

# Patterns at odd places, across a chunk's border, zeroes and trims.
qemu-io -f raw -c "write -P 0x11 1023k 3k" -c "read -P 0x11 1023k 3k" \
    -c "write -P 0x22 4190208 9000" -c "read -P 0x22 4190208 9000" \
    -c "write -z 4191232 4096" -c "read -P 0 4191232 4096" -c "read -P 0x22 4190208 1024" \
    -c "discard 8M 4M" -c "read -P 0 8M 4M" -c "flush" "$second" >"$TMP/io.out" ||
    fail "qemu-io: $(cat "$TMP/io.out")"
! grep -i "fail\|error" "$TMP/io.out"
nbdinfo --json "$URI" | jq -e '.exports[0]["can_multi_conn"] and .exports[0]["can_flush"]' >/dev/null
