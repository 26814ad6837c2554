#!/usr/bin/env bash
# nbdcopy both ways, over one and over several connections: what comes back is what went in.
. "$(dirname "$0")/lib.sh"
need nbdcopy nbdinfo

size=$(size_of "$NBD_URI")
length=$((48 << 20))
# Data, then a hole, then data again, not ending at a block.
head -c $((13 << 20)) /dev/urandom >"$NBD_DIR/image"
truncate -s $((29 << 20)) "$NBD_DIR/image"
head -c $((length - (29 << 20))) /dev/urandom >>"$NBD_DIR/image"
truncate -s "$size" "$NBD_DIR/image"

for connections in 1 4; do
    nbdcopy --connections="$connections" --flush "$NBD_DIR/image" "$NBD_URI"
    nbdcopy --connections="$connections" "$NBD_URI" "$NBD_DIR/back"
    cmp "$NBD_DIR/image" "$NBD_DIR/back"
    rm "$NBD_DIR/back"
    # As a stream: reads one after the other, no block status.
    nbdcopy --synchronous "$NBD_URI" - | cmp - "$NBD_DIR/image"
    # Again, turned round, so that the second lap differs from the first.
    head -c $((1 << 20)) /dev/urandom | dd of="$NBD_DIR/image" conv=notrunc status=none
done

nbdcopy --allocated --request-size=33554432 "$NBD_DIR/image" "$NBD_URI"
nbdcopy --no-extents --request-size=33554432 "$NBD_URI" - | cmp - "$NBD_DIR/image"
