#!/usr/bin/env bash
# fio: random writes with verification at depth 32 over four connections.
. "$(dirname "$0")/../lib.sh"
. "$IT/cluster.sh"

cluster_start 2
on_exit cluster_stop
fio --name=verify --ioengine=nbd --uri="$URI" --rw=randwrite --bsrange=512-64k --blockalign=512 --iodepth=32 \
    --numjobs=4 --size=64m --offset_increment=64m --verify=crc32c --verify_fatal=1 --do_verify=1 \
    --group_reporting --output="$TMP/fio.out" || fail "fio: $(tail -n 20 "$TMP/fio.out")"
grep -E 'read:|write:|err=' "$TMP/fio.out"
"$COMET" cluster health
