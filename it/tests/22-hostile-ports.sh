#!/usr/bin/env bash
# Broken, oversized and random packets on every port of a cluster, then a thousand connections on each
# that say nothing: a writer goes on all the time, memory stays bounded, logs stay short.
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/cluster.sh"
. "$COMET_ROOT/it/damage.sh"

cluster_start 3
processes=(node-1 node-2 node-3 gateway-1)
rss() { awk '/VmRSS/ { print $2 }' "/proc/$1/status"; }
sample() {
    local name now
    for name in "${processes[@]}"; do
        now=$(rss "$(pid_of "$name")") || fail "$name has died"
        ((now < 1200000)) || fail "$name takes $now KiB"
        echo "$name takes $((now / 1024)) MiB"
    done
}

conf() { sed -n "s/^$2 = \"\(.*\)\"$/\1/p" "$DATA/$1/${1%%-*}.conf"; }
raft_of() { sed -n "s/.*name = $1, raft = \"\([^\"]*\)\".*/\1/p" "$DATA/node-1/node.conf" | head -1; }
targets=(
    "nbd=$HOST_PORT" "nbd=$SOCK"
    "frames=$(conf node-1 listen)" "frames=$DATA/node-1/node.sock"
    "raft=$(raft_of node-1)" "raft=$(raft_of node-2)"
    "http=$(cat "$DATA/admin.address")" "http=$DATA/node-1/admin.sock"
)
printf '%s\n' "${targets[@]}"
sample

say "packets"
writer_start 1
writer_past 1 200
"$COMET_ROOT/it/tools/fuzz" storm --seed "${SEED:-1}" --seconds "${SECONDS_OF_FUZZ:-12}" --disk "$DATA/node-1/disk-1/disk.json" \
    "${targets[@]}" || fail "the storm"
writer_past 1 200
sample
cli cluster health || fail "health"

say "idle connections"
"$COMET_ROOT/it/tools/fuzz" idle --count 1000 --stop "$IT_DIR/idle-stop" "${targets[@]}" >"$IT_DIR/idle.out" 2>&1 &
idle=$!
own $idle
await_line $idle "$IT_DIR/idle.out" '^holding'
echo "$REPLY"
writer_past 1 500
say "newcomers are served meanwhile"
timeout 20 nbdinfo "nbd://$HOST_PORT/disk0" >/dev/null || fail "NBD over TCP is blocked"
timeout 20 nbdinfo "$URI" >/dev/null || fail "NBD on the unix socket is blocked"
timeout 20 "$COMET_ROOT/comet" volume list --admin "$DATA/node-1/admin.sock" >/dev/null || fail "the admin socket is blocked"
timeout 20 curl -sf -H "Authorization: Bearer $(cat "$DATA/admin.token")" "http://$(cat "$DATA/admin.address")/metrics" >/dev/null ||
    fail "the admin API over TCP is blocked"
process_restart gateway-1
writer_past 1 500
touch "$IT_DIR/idle-stop"
wait $idle || fail "$(cat "$IT_DIR/idle.out")"
writer_stop 1
writer_verify 1
sample
wait_healthy

say "logs"
for log in "$IT_DIR"/*.log "$DATA"/*/*.log; do
    [[ -f $log ]] || continue
    echo "$log: $(stat -c %s "$log") bytes"
    (($(stat -c %s "$log") < 1 << 20)) || fail "$log is flooded: $(awk '{ print $2, $3, $4 }' "$log" | sort | uniq -c | sort -rn | head)"
    ! grep -a -n -E '^\s+at [a-z.]+' "$log" || fail "a stack trace in $log"
    ! grep -a ' ERROR ' "$log" || fail "errors in $log"
    ! LC_ALL=C grep -a -n -P '[\x00-\x08\x0b-\x1f\x7f]' "$log" || fail "bytes of clients in $log"
done
