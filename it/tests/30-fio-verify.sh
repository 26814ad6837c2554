#!/usr/bin/env bash
# fio: random writes with verification at depth 32 over four connections.
# optimised
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/cluster.sh"

cluster_start 2
fio --name=verify --ioengine=nbd --uri="$URI" --rw=randwrite --bsrange=512-64k --blockalign=512 --iodepth=32 \
    --numjobs=4 --size=64m --offset_increment=64m --verify=crc32c --verify_fatal=1 --do_verify=1 \
    --group_reporting --output="$IT_DIR/fio.out" || fail "fio: $(tail -n 20 "$IT_DIR/fio.out")"
grep -E 'read:|write:|err=' "$IT_DIR/fio.out"
cli cluster health
