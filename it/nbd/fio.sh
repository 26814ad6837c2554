#!/usr/bin/env bash
# fio: random writes over four connections at depth 32, each verified, with trims and flushes between.
. "$(dirname "$0")/lib.sh"
need fio

run() {
    fio --ioengine=nbd --uri="$NBD_URI" --group_reporting --output="$NBD_DIR/fio" --verify=crc32c \
        --verify_fatal=1 --do_verify=1 --randseed=7 --numjobs=4 --size=12m --offset_increment=12m \
        --iodepth=32 "$@" || fail "fio $*: $(tail -20 "$NBD_DIR/fio")"
    ! grep -q 'err= *[1-9]' "$NBD_DIR/fio" || fail "fio $*: $(cat "$NBD_DIR/fio")"
}

run --name=blocks --rw=randwrite --bs=4k --fsync=64
run --name=sizes --rw=randrw --bsrange=512-256k --bs_unaligned --fsync=32
run --name=large --rw=write --bs=4m --iodepth=4
