#!/usr/bin/env bash
# What has happened, as a story: a node is killed and comes back, a volume is taken by force, a setting changes;
# one line each, with who, why and what follows; it outlives a restart of everything.
# timeout: 240
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/cluster.sh"

cluster_start 2 256M
qemu-io -f raw -c 'write -P 1 0 8M' -c flush "$URI" >/dev/null
cli cluster events --follow >"$IT_DIR/follow.out" 2>&1 &
own $!

# The story's line with code $1, in time.
line() { REPLY=$(cli cluster events | grep -m1 -E "$1") && [[ -n $REPLY ]]; }
told() {
    IT_WAIT=60 await line "$1"
    line "$1"
    echo "$REPLY"
    [[ $REPLY =~ $2 ]] || fail "'$REPLY' does not say '$2'"
}

say "a node is lost and comes back"
process_kill node-2
told disk-left-behind 'warn +disk-left-behind +disk 2 on node-2: .*; 8192 placement groups go on without it, 8192 with one copy \(leader node-1\)$'
qemu-io -f raw -c 'write -P 2 0 8M' -c flush "$URI" >/dev/null
process_start node-2
told disk-restarted 'disk 2 on node-2: it was not stopped cleanly.*; it recovers in 8192 placement groups$'
told disk-in-sync 'disk 2 on node-2: after [0-9.]+ s, [0-9.]+ MiB copied; 8192 placement groups have it as a copy again$'
wait_healthy

say "what the operator does"
cli cluster set recovery-share=55% >/dev/null
told settings-changed 'recovery-share 55%, before 80%'
cli volume detach disk0 --force
told volume-detached-by-force 'volume disk0: what gateway gateway-1 had not flushed may be lost'

say "for programs, since a time, and as it happens"
cli cluster events --json >"$IT_DIR/events.json"
jq -e '.events | map(select(.code == "disk-left-behind" and .disk == 2)) | length == 1' "$IT_DIR/events.json" >/dev/null ||
    fail "$(cat "$IT_DIR/events.json")"
jq -e '[.events[].number] | . == sort and .[0] == 1' "$IT_DIR/events.json" >/dev/null
[[ $(cli cluster events --since 1s --last 3 | wc -l) -le 3 ]]
[[ -z $(cli cluster events --since 2099-01-01T00:00:00Z) ]]
refused 2 "is no time" cli cluster events --since yesterday
await grep -q volume-detached-by-force "$IT_DIR/follow.out"
(($(grep -c disk-left-behind "$IT_DIR/follow.out") == 1)) || fail "$(cat "$IT_DIR/follow.out")"
cli cluster events --processes | grep -q disk-serving

say "it outlives a restart of everything"
stop "$UP_PID" 60
cluster_start 2 256M
told disk-left-behind 'disk 2 on node-2'
told 'disk-started +disk 2' 'disk 2 on node-2: its first start'
(($(cli cluster events --json | jq '.events | length') > $(jq '.events | length' "$IT_DIR/events.json")))
