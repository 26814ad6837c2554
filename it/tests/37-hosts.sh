#!/usr/bin/env bash
# Four nodes in two domains, a witness and two gateways, each on a host of its own: hosts and domains are
# lost in turn, links are cut one way and both, lose packets, are narrow; processes stand still and are killed.
# Every acknowledged write is there at the end, and no client ever saw an error.
# timeout: 700
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/hosts.sh"

((EUID == 0)) || skip "network namespaces are made by root only"
make_hosts a1 a2 b1 b2 w g1 g2

cluster_on_hosts "a1 a2 b1 b2" "a1 b1 w" "g1 g2"
at a1 volume create v1 --size 256M
at a1 volume create v2 --size 256M

settle() { IT_WAIT=90 await well w; }
settle

writers=()
for i in 1 2; do
    "$COMET_ROOT/it/tools/acked-writer" write --uri "nbd+unix:///v$i?socket=$IT_DIR/g$i/nbd.sock" --depth 4 \
        --log "$IT_DIR/acked-$i" --stop "$IT_DIR/stop" --seed "$i" --blocks 16000 >"$IT_DIR/writer-$i.out" 2>&1 &
    writers+=($!)
    own $!
done
acked() { awk '/^a/ { n++ } END { print n + 0 }' "$IT_DIR/acked-$1" 2>/dev/null || echo 0; }
go_on() { # SECONDS VOLUME…: each gets a hundred more writes acknowledged
    local i limit=$1 began=$SECONDS
    shift
    for i in "$@"; do
        local goal=$(($(acked "$i") + 100))
        until (($(acked "$i") > goal)); do
            ((SECONDS - began < limit)) || fail "v$i stands still for $limit s: $(cat "$IT_DIR/writer-$i.out")"
            sleep 0.1
        done
    done
    echo "went on after $((SECONDS - began)) s"
}
go_on 30 1 2

say "each domain, and the witness, is lost and comes back"
for lost in "a1 a2" "b1 b2" "w"; do
    # shellcheck disable=SC2086
    for name in $lost; do cut_off "$name"; done
    # The deadline and a second, and an election where the leader was there.
    go_on 20 1 2
    # shellcheck disable=SC2086
    heal $lost
    settle
done

say "a gateway that is cut off from some nodes waits, and nobody else does"
cut_between g1 b1 b2
degraded() { at w pg list --json | jq '[.pgs[] | select(.state == "degraded")] | length'; }
cut_off_said() { grep -q 'event=gateway-cut-off' "$IT_DIR/g1.log"; }
IT_WAIT=30 await cut_off_said
[[ $(degraded) == 0 ]] || fail "one gateway has had $(degraded) placement groups degraded"
go_on 10 2
heal g1
go_on 20 1
settle

say "what can only be heard, or only be spoken to"
for way in in out; do
    cut_off b2 $way
    go_on 20 1 2
    heal b2
    settle
done

say "a node stands still, for short and for long"
for seconds in 1 7; do
    kill -STOP "${PID[a2]}"
    sleep $seconds
    kill -CONT "${PID[a2]}"
    go_on 20 1 2
    settle
done

say "links that lose packets, and narrow ones"
lose a1 5
go_on 30 1 2
heal a1
narrow b1 20mbit
go_on 30 1 2
heal b1
settle

say "killed: a node and then a gateway, then all nodes of both domains"
kill9 "${PID[b1]}"
go_on 20 1 2
kill9 "${PID[g2]}"
go_on 20 1
begin node b1
begin gateway g2
begun b1
begun g2
go_on 30 1 2
settle
for name in a1 a2 b1 b2; do kill -KILL "${PID[$name]}"; done
for name in a1 a2 b1 b2; do wait_gone "${PID[$name]}" 10; begin node $name; done
for name in a1 a2 b1 b2; do begun $name; done
go_on 60 1 2
settle

say "every acknowledged write is there"
touch "$IT_DIR/stop"
for pid in "${writers[@]}"; do wait "$pid" || fail "a writer: $(cat "$IT_DIR"/writer-*.out)"; done
for i in 1 2; do
    echo "$(acked $i) writes of v$i were acknowledged"
    "$COMET_ROOT/it/tools/acked-writer" verify --uri "nbd+unix:///v$i?socket=$IT_DIR/g$i/nbd.sock" --log "$IT_DIR/acked-$i" ||
        fail "acknowledged writes of v$i are missing"
done
! grep -h ' ERROR ' "$IT_DIR"/*.log | grep -v 'event=gateway-cut-off' | grep . || fail "errors in the logs"
