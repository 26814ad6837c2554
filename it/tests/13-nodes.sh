#!/usr/bin/env bash
# `comet up --nodes 3`: separate processes; one that is killed stays down until it is started again as
# printed, the others go on without it, and health says so; Ctrl-C of the parent stops all.
# timeout: 400
. "$(dirname "$0")/../lib.sh"

SIZE=1G start_up --nodes 3
for name in node-1 node-2 node-3 gateway-1; do
    alive "$(pid_of $name)" || fail "$name does not run"
    grep -q -- "--config $DATA/$name/" "$IT_DIR/up.out" || fail "how to start $name is not printed"
done
[[ $(cli node list --json | jq '.nodes | length') == 3 ]]
[[ $(cli disk list --json | jq '[.disks[] | select(.alive)] | length') == 3 ]]
[[ $(cli cluster status --json | jq '.members | length') == 3 ]]
shared() { [[ $(cli cluster status --json | jq .disksSharing) == 3 ]]; }
IT_WAIT=10 await shared
cli gateway list | grep -q gateway-1
cli cluster map | grep -q node-2
[[ $(cli pg list --json | jq '[.pgs[] | select(.state == "ok")] | length') == 8192 ]]
[[ $(cli pg list --json | jq '[.pgs[] | select((.members | map(.domain) | unique | length) == 2)] | length') == 8192 ]]
cli pg info 17 | grep -q in-sync
cli cluster health
qemu-io -f raw -c 'write -P 0x21 0 64M' -c flush "$(nbd_uri disk0)"

say "a node is killed: the others go on without it, and health says so"
victim=$(pid_of node-2)
kill -KILL "$victim"
wait_gone "$victim" 10
qemu-io -f raw -c 'write -P 0x22 0 64M' -c flush "$(nbd_uri disk0)"
! alive "$(pid_of node-2)" || fail "node-2 was started by somebody"
health_says() {
    cli cluster health >"$IT_DIR/health.out" 2>&1 || true
    grep -q "$1" "$IT_DIR/health.out"
}
IT_WAIT=15 await health_says 'go on without disk .*node-2'
refused 1 "" cli cluster health
[[ $(cli pg list --json | jq '[.pgs[] | select(.state == "degraded")] | length') -gt 1000 ]]
qemu-io -r -f raw -c 'read -P 0x22 0 64M' "$(nbd_uri disk0)"

say "it is back and has what it missed: another one may go"
start_role node node-2 "$DATA/node-2/node.conf"
IT_WAIT=60 await cli cluster health --wait --timeout 1
victim=$(pid_of node-1)
kill -KILL "$victim"
wait_gone "$victim" 10
qemu-io -r -f raw -c 'read -P 0x22 0 64M' "$(nbd_uri disk0)"
start_role node node-1 "$DATA/node-1/node.conf"
IT_WAIT=60 await cli cluster health --wait --timeout 1

say "the gateway is killed"
kill9 "$(pid_of gateway-1)"
start_role gateway gateway-1 "$DATA/gateway-1/gateway.conf"
qemu-io -r -f raw -c 'read -P 0x22 0 64M' "$(nbd_uri disk0)"

say "metrics and events of all processes"
curl -s -H "Authorization: Bearer $(cat "$DATA/admin.token")" "http://$(cat "$DATA/admin.address")/metrics" \
    >"$IT_DIR/metrics"
for name in node-1 node-2 node-3 gateway-1; do
    grep -q "process=\"$name\"" "$IT_DIR/metrics" || fail "no metrics of $name"
done
cli cluster events --json | jq -e '.events | length > 0' >/dev/null

say "the parent's end is the end of all, also of what was started by hand since"
pids=("$(pid_of node-1)" "$(pid_of node-2)" "$(pid_of node-3)" "$(pid_of gateway-1)")
stop "$UP_PID" 90
for pid in "${pids[@]}"; do ! alive "$pid" || fail "$pid outlived its parent"; done

say "and everything is there after the next start"
start_up --nodes 3
qemu-io -r -f raw -c 'read -P 0x22 0 64M' "$(nbd_uri disk0)"
stop "$UP_PID" 90

say "Ctrl-C while it starts: status 0, no complaint, and nobody is left"
env --default-signal=INT "$COMET_ROOT/comet" up --data "$IT_DIR/other" --nodes 3 --size 1G \
    --nbd 127.0.0.1:0 --admin 127.0.0.1:0 >"$IT_DIR/other.out" 2>"$IT_DIR/other.log" &
UP_PID=$!
own "$UP_PID"
await_line "$UP_PID" "$IT_DIR/other.log" 'event=started process=gateway-1'
kill -INT "$UP_PID"
wait_gone "$UP_PID" 90 || fail "it did not end on SIGINT"
status=0
wait "$UP_PID" || status=$?
((status == 0)) || fail "status $status after SIGINT: $(tail -3 "$IT_DIR/other.log")"
! grep -E '^comet:|Exception' "$IT_DIR/other.log" || fail "it complained about its own stop"
! grep -q '^ready' "$IT_DIR/other.out" || fail "it was not stopped while it started"
for pid in $(sed -n 's/.*event=started .*pid=\([0-9]*\).*/\1/p' "$IT_DIR/other.log"); do
    ! alive "$pid" || fail "$pid outlived its parent"
done
refused 1 "holds a cluster of 3 nodes" comet up --data "$DATA" --nodes 2
