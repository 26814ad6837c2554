#!/usr/bin/env bash
# Four nodes in two domains, a witness and two gateways, each on a host of its own, under fio with verification and
# two writers that note what was acknowledged. A script of faults that follows from a seed: processes are killed,
# stopped cleanly, stand still; hosts are cut off, both ways and one way, pairs of them too; links lose packets and
# are narrow; a device hangs, and is filled by others. Then faults end, and everything has to be well again by
# itself: health, every acknowledged write, and the replicas compared with each other.
#
#   COMET_SOAK_SECONDS   how long there are faults (120; 1800 with --long)
#   COMET_SOAK_SEED      which (1; any with --long); it is printed
# optimised
# timeout: 500 + COMET_SOAK_SECONDS
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/hosts.sh"

((EUID == 0)) || skip "network namespaces are made by root only"
seconds=${COMET_SOAK_SECONDS:-120} seed=${COMET_SOAK_SEED:-1}
if [[ ${IT_LONG:-} ]]; then seed=${COMET_SOAK_SEED:-$RANDOM}; fi
say "seed $seed, $seconds seconds: COMET_SOAK_SEED=$seed COMET_SOAK_SECONDS=$seconds it/run soak"

make_hosts a1 a2 b1 b2 w g1 g2
nodes=(a1 a2 b1 b2) gateways=(g1 g2)
# The device of b2, which can hang and be filled.
device=
truncate -s 1200M "$IT_DIR/small.img"
mkfs.ext4 -q -m 0 "$IT_DIR/small.img"
mkdir "$IT_DIR/mnt"
if mount -o loop "$IT_DIR/small.img" "$IT_DIR/mnt" 2>/dev/null; then
    mkdir "$IT_DIR/mnt/disk"
    ln -s "$IT_DIR/mnt/disk" "$IT_DIR/b2/disk"
    device=yes
else
    echo "no file system can be mounted here: no device hangs or is filled"
fi
cluster_on_hosts "${nodes[*]}" "a1 b1 w" "${gateways[*]}" 'scrub-rate = 256M'
for name in v1 v2 f1 f2; do at a1 volume create $name --size 128M; done
settle() { IT_WAIT=${1:-60} await well w; }
settle
declare -A ROLE=([a1]=node [a2]=node [b1]=node [b2]=node [w]=meta [g1]=gateway [g2]=gateway)

say "load"
uri() { echo "nbd+unix:///$1?socket=$IT_DIR/$2/nbd.sock"; }
writers=()
for i in 1 2; do
    "$COMET_ROOT/it/tools/acked-writer" write --uri "$(uri v$i g$i)" --depth 4 --seconds-max $((seconds + 400)) \
        --log "$IT_DIR/acked-$i" --stop "$IT_DIR/stop" --seed "$i" --blocks 16000 >"$IT_DIR/writer-$i.out" 2>&1 &
    writers+=($!)
    own $!
done
# fio behind QEMU's NBD client, which connects again as it does for a guest: no error may reach it but that there is
# no space, while a device is full.
verifying() { # VOLUME GATEWAY
    local runs=0 full=0
    while [[ ! -e $IT_DIR/stop ]]; do
        if fio --name="$1" --ioengine=nbd --uri="nbd+unix:///?socket=$IT_DIR/$1.sock" --rw=randwrite --bsrange=512-64k \
            --blockalign=512 --iodepth=4 --size=8m --rate_iops=1000 --verify=crc32c --verify_fatal=1 --do_verify=1 \
            --verify_backlog=256 >"$IT_DIR/fio-$1.out" 2>&1; then
            runs=$((runs + 1))
        elif grep -q 'No space left' "$IT_DIR/fio-$1.out" && ! grep -q '^verify' "$IT_DIR/fio-$1.out"; then
            full=$((full + 1))
            sleep 0.3
        else
            echo "FAILED: fio on $1: $(tail -n 5 "$IT_DIR/fio-$1.out" | cut -c1-300)"
            return
        fi
    done
    echo "fio on $1: $runs runs, $full ended since there was no space"
}
verifiers=()
for i in 1 2; do
    qemu-nbd -t -e 8 -k "$IT_DIR/f$i.sock" --image-opts \
        "driver=raw,file.driver=nbd,file.server.type=unix,file.server.path=$IT_DIR/g$i/nbd.sock,file.export=f$i,file.reconnect-delay=300" \
        >"$IT_DIR/qemu-nbd-$i.out" 2>&1 &
    own $!
    await test -S "$IT_DIR/f$i.sock"
    verifying f$i g$i >"$IT_DIR/verifying-$i" &
    verifiers+=($!)
    own $!
done
acked() { awk '/^a/ { n++ } END { print n + 0 }' "$IT_DIR/acked-$1" 2>/dev/null || echo 0; }
go_on() { # SECONDS: each writer gets a hundred more writes acknowledged
    local i goals=() end=$((SECONDS + $1))
    for i in 1 2; do goals[i]=$(($(acked $i) + 100)); done
    for i in 1 2; do
        until (($(acked $i) > goals[i])); do
            ((SECONDS < end)) || fail "v$i stands still for $1 s: $(cat "$IT_DIR/writer-$i.out")"
            sleep 0.1
        done
    done
}
go_on 30

# Faults. Each takes some seconds and ends what it has begun; up to two hosts are hit at a time.
RANDOM=$seed
below() { REPLY=$((RANDOM % $1)); }
pick() { below $#; REPLY=${*:REPLY+1:1}; }
nap() { sleep "$(awk "BEGIN { print $1 / 10 }")"; }
tell() { printf '%4d s  %s\n' $((SECONDS - began)) "$*"; }

again() { # HOST: its process is started, and serves before it is hit anew
    begin "${ROLE[$1]}" "$1"
    IT_WAIT=90 begun "$1"
}
kill_and_start() { # HOST TENTHS
    tell "$1 is killed for $2 tenths of a second"
    kill9 "${PID[$1]}"
    nap "$2"
    again "$1"
}
stop_and_start() {
    tell "$1 is stopped"
    stop "${PID[$1]}" 60 || fail "$1 ended with $?"
    nap "$2"
    again "$1"
}
stand_still() {
    tell "$1 stands still for $2 tenths"
    kill -STOP "${PID[$1]}"
    nap "$2"
    kill -CONT "${PID[$1]}"
}
cut() { # HOST TENTHS WAY
    tell "$1 is cut off for $2 tenths, $3"
    # shellcheck disable=SC2086
    if [[ $3 == both ]]; then cut_off "$1"; else cut_off "$1" "$3"; fi
    nap "$2"
    heal "$1"
}
cut_pair() { # HOST TENTHS OTHER
    tell "$1 and $3 are cut off from each other for $2 tenths"
    cut_between "$1" "$3"
    nap "$2"
    heal "$1"
}
lossy() {
    tell "$1 loses $3% of what comes in for $2 tenths"
    lose "$1" "$3"
    nap "$2"
    heal "$1"
}
narrowed() {
    tell "$1 sends $3 for $2 tenths"
    narrow "$1" "$3"
    nap "$2"
    heal "$1"
}
hang() {
    tell "the device of b2 hangs for $1 tenths"
    fsfreeze -f "$IT_DIR/mnt"
    nap "$1"
    fsfreeze -u "$IT_DIR/mnt"
}
fill() {
    tell "the device of b2 is full for $1 tenths"
    dd if=/dev/zero of="$IT_DIR/mnt/somebody" bs=1M status=none 2>/dev/null || true
    nap "$1"
    rm "$IT_DIR/mnt/somebody"
}

fault() { # HOST: one that follows from the seed, at once or in the background
    local host=$1 tenths kind
    below 60
    tenths=$((REPLY + 3))
    below 12
    kind=$REPLY
    case $kind in
    0 | 1 | 2) kill_and_start "$host" $tenths ;;
    3) stop_and_start "$host" $((tenths / 2)) ;;
    4) stand_still "$host" $((tenths / 6)) ;;
    5) stand_still "$host" $((tenths + 20)) ;;
    6) cut "$host" $tenths both ;;
    7) pick in out && cut "$host" $tenths "$REPLY" ;;
    8) pick "${nodes[@]}" && [[ $REPLY == "$host" ]] || cut_pair "$host" $tenths "$REPLY" ;;
    9) below 9 && lossy "$host" $tenths $((REPLY + 1)) ;;
    10) pick 10mbit 20mbit 50mbit && narrowed "$host" $tenths "$REPLY" ;;
    11)
        [[ $device ]] || return 0
        pick hang hang fill && "$REPLY" $tenths
        ;;
    esac
}

say "faults"
began=$SECONDS
while ((SECONDS - began < seconds)); do
    pick a1 a2 b1 b2 a1 a2 b1 b2 w g1 g2
    first=$REPLY
    pick a1 a2 b1 b2 none none none none
    second=$REPLY
    # In a subshell a fault could not change PID: so the second one is of those that keep the process.
    other=
    if [[ $second != none && $second != "$first" ]]; then
        below 50
        tenths=$REPLY
        below 3
        case $REPLY in
        0) stand_still "$second" $tenths & other=$! ;;
        1) cut "$second" $tenths both & other=$! ;;
        2) lossy "$second" $tenths 5 & other=$! ;;
        esac
    fi
    fault "$first"
    [[ -z $other ]] || wait $other
    below 20
    nap "$REPLY"
    for pid in "${writers[@]}"; do alive "$pid" || fail "a writer has ended: $(cat "$IT_DIR"/writer-*.out)"; done
    ! grep -h FAILED "$IT_DIR"/verifying-? || fail "a guest has seen an error"
done

say "faults have ended: writers go on, and all is well by itself"
heal "${HOST_NAMES[@]}"
go_on 60
tell "they have gone on"
settle 120
tell "all is in sync"
touch "$IT_DIR/stop"
for pid in "${writers[@]}"; do wait "$pid" || fail "a writer: $(cat "$IT_DIR"/writer-*.out)"; done
for pid in "${verifiers[@]}"; do wait "$pid" || fail "$(cat "$IT_DIR"/verifying-?)"; done
cat "$IT_DIR"/verifying-? "$IT_DIR"/writer-?.out
! grep -h refused "$IT_DIR"/writer-?.out | grep -v 'ENOSPC\|ENOTCONN' || fail "a writer has seen an error"
! grep -q FAILED "$IT_DIR"/verifying-? || fail "a guest has seen an error"

tell "the load has ended"
say "every acknowledged write is there"
for i in 1 2; do
    "$COMET_ROOT/it/tools/acked-writer" verify --uri "$(uri v$i g$i)" --log "$IT_DIR/acked-$i" ||
        fail "acknowledged writes of v$i are missing"
done

say "all replicas are alike"
scrubs() { at w disk list --json | jq -c '[.disks[] | .scrub // {}]'; }
before=$(scrubs | jq '[.[].endedAtMs // 0] | max')
for disk in $(at w disk list --json | jq -r '.disks[].id'); do at w disk scrub "$disk" >/dev/null; done
scrubbed() { scrubs | jq -e "length == 4 and all(.[]; .startedAtMs > $before)" >/dev/null; }
IT_WAIT=90 await scrubbed
scrubs | jq -c '.[] | {chunks, bytes, errors, differences, conflicts, uncompared}'
scrubs | jq -e 'all(.[]; .errors == 0 and .conflicts == 0 and .differences == 0 and .uncompared == 0)' >/dev/null ||
    fail "replicas differ"
settle 30
tell "done"
! grep -h ' ERROR ' "$IT_DIR"/*.log | grep -v 'event=gateway-cut-off' | cut -c1-300 | grep . || fail "errors in the logs"
