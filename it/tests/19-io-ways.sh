#!/usr/bin/env bash
# Each way to the kernel, for sockets and for files, by config: data written through one is read through
# the others, also after everything was killed; a way that is not there is refused.
# timeout: 600
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../cluster.sh"

# What the nodes' logs must say: with FILES SOCKETS
opened() {
    for name in node-1 node-2; do
        tail -n "+$((1 + ${seen[$name]:-0}))" "$DATA/$name/$name.log" |
            grep -q "event=folder-opened .*files=$1 sockets=$2" || fail "$name does not use $1 and $2"
        seen[$name]=$(wc -l <"$DATA/$name/$name.log")
    done
}

# One life of the cluster with SETTINGS…: reads what the last one wrote, writes its own.
life() {
    local pattern=$1 files=$2 sockets=$3 kill=$4 settings=() setting
    shift 4
    for setting in "$@"; do settings+=(--set "$setting"); done
    say "$files, $sockets"
    start_up --nodes 2 "${settings[@]}"
    opened "$files" "$sockets"
    SOCK=$DATA/nbd.sock
    [[ -S $SOCK ]] || SOCK=$DATA/gateway-1/nbd.sock
    URI="nbd+unix:///disk0?socket=$SOCK"
    if [[ -n ${last:-} ]]; then qemu-io -r -f raw -c "read -P $last 0 48M" "$URI"; fi
    last=$pattern
    qemu-io -f raw -c "write -P $pattern 0 32M" -c flush -c "write -P $pattern 32M 16M" -c flush "$URI"
    fio --name=verify --ioengine=nbd --uri="$URI" --rw=randwrite --bs=4k --iodepth=32 --offset=64m \
        --size=32m --fsync=16 --verify=crc32c --do_verify=1 --verify_fatal=1 >"$IT_DIR/fio.out" 2>&1 ||
        fail "$(tail -5 "$IT_DIR/fio.out")"
    if [[ -n $kill ]]; then
        process_kill node-1 node-2 gateway-1
    fi
    stop "$UP_PID" 90
}

declare -A seen=()
SIZE=256M
life 0x31 threads epoll "" io.files=threads io.sockets=epoll
if [[ $(cat /proc/sys/kernel/io_uring_disabled 2>/dev/null || echo 2) == 0 ]]; then
    life 0x32 io_uring epoll "" io.files=io_uring io.sockets=epoll
    life 0x33 io_uring io_uring killed io.sockets=io_uring
fi
life 0x34 threads nio killed io.sockets=nio
life 0x35 threads epoll "" io.files=threads

say "what is not there is refused"
refused 2 "unknown: use auto, epoll" comet up --data "$IT_DIR/none" --set io.sockets=kqueue
refused 2 "unknown: use auto, io_uring" comet up --data "$IT_DIR/none" --set io.files=aio
