#!/usr/bin/env bash
# All members of the metadata group are replaced one after the other while fio writes and verifies: one
# that is dead for good, the leader, the last of the old ones. Then a node and a gateway start again
# whose configs name none but the old members. No client sees an error.
# timeout: 300
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/byhand.sh"

read -r l1 r1 l2 r2 c3 r3 c4 r4 c5 r5 c6 r6 < <(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(12)]
print(*[s.getsockname()[1] for s in sockets])')
mkdir -p "$IT_DIR"/{n1,n2}/disk "$IT_DIR"/{m,g1,w1,w2,w3,m-again}
group="[\"127.0.0.1:$l1\", \"127.0.0.1:$l2\", \"127.0.0.1:$c3\"]"
members="meta.members = [
  { name = n1, raft = \"127.0.0.1:$r1\", control = \"127.0.0.1:$l1\" }
  { name = n2, raft = \"127.0.0.1:$r2\", control = \"127.0.0.1:$l2\" }
  { name = m, raft = \"127.0.0.1:$r3\", control = \"127.0.0.1:$c3\" }
]"
node_conf n1 a "$l1" 64M "$group" "$members"
node_conf n2 b "$l2" 64M "$group" "$members"
printf 'name = m\n%s\n' "$members" >"$IT_DIR/m/meta.conf"
printf 'name = g1\ngroup = %s\nexports = ["*"]\n' "$group" >"$IT_DIR/g1/gateway.conf"
joiner() { # NAME CONTROL RAFT
    cat >"$IT_DIR/$1/meta.conf" <<CONF
name = $1
group = $group
meta.join { raft = "127.0.0.1:$3", control = "127.0.0.1:$2" }
CONF
}
joiner w1 "$c4" "$r4"
joiner w2 "$c5" "$r5"
joiner w3 "$c6" "$r6"

# Quicker than the CLI, where much is asked.
api() { curl -sf --unix-socket "$IT_DIR/$1/admin.sock" "http://localhost/v1/$2"; }
listed() { api g1 members | jq -r "[.members[] | $1] | join(\" \")"; }
starts() { api n1 health | grep -q no-cluster; }
begin node n1
begin node n2
begin meta m
begin gateway g1
begin meta w1
begin meta w2
begin meta w3
IT_WAIT=40 await starts
at n1 cluster create --placement-groups 64
for name in n1 n2 m g1 w1 w2 w3; do begun $name; done
at g1 volume create v1 --size 256M
fio --name=members --ioengine=nbd --uri="nbd+unix:///v1?socket=$IT_DIR/g1/nbd.sock" --rw=randwrite --bs=16k \
    --size=128M --iodepth=4 --rate_iops=300 --loops=1000 --time_based --runtime=300 --verify=crc32c \
    --verify_backlog=1024 --verify_fatal=1 --output="$IT_DIR/fio.out" >"$IT_DIR/fio.log" 2>&1 &
FIO=$!
own $FIO
runs() { alive $FIO || fail "fio saw an error: $(tail -5 "$IT_DIR/fio.out" "$IT_DIR/fio.log")"; }

say "one is dead for good and its data is lost: another takes its place"
refused 1 'another metadata group|carries member' at g1 cluster add-member "x=127.0.0.1:$c3"
kill9 "${PID[m]}"
mv "$IT_DIR/m/meta.conf" "$IT_DIR/m-again/"
rm -rf "$IT_DIR/m"
dead() { [[ $(listed 'select(.alive | not).name') == m ]]; }
IT_WAIT=20 await dead
refused 1 'do not answer' at g1 cluster add-member "w3=127.0.0.1:$c6"
at g1 cluster members | grep -qE '^m +follower +no'
missed() { api g1 health | jq -e '.items[] | select(.code == "member-away")'; }
IT_WAIT=20 await missed
at g1 cluster replace-member m "w3=127.0.0.1:$c6"
runs

say "in an empty folder it does not come back"
refused 1 'its log is lost' comet meta --config "$IT_DIR/m-again/meta.conf"

say "the leader goes, and the last of the old ones"
leader=$(listed 'select(.role == "leader").name')
if [[ $leader == n2 ]]; then first=n2 last=n1; else first=n1 last=n2; fi
at n1 cluster replace-member $first "w1=127.0.0.1:$c4"
runs
at n1 cluster replace-member $last "w2=127.0.0.1:$c5"
[[ $(listed .name) == "w1 w2 w3" ]]
runs

say "a node and a gateway start again, and find the group that their configs do not name"
kill9 "${PID[$last]}"
begin node $last
IT_WAIT=40 begun $last
well() { api $last health | jq -e '[.items[] | select(.code | startswith("pgs") or . == "disk-away")] == []'; }
IT_WAIT=60 await well
runs
kill -TERM $FIO
wait $FIO || true
! grep -iE 'verify:|error' "$IT_DIR/fio.out" | grep -v 'err= 0' || fail "fio saw an error"
kill9 "${PID[g1]}"
begin gateway g1
IT_WAIT=40 begun g1
qemu-io -f raw -c 'write -P 0x61 0 1M' -c 'read -P 0x61 0 1M' "nbd+unix:///v1?socket=$IT_DIR/g1/nbd.sock" | grep -qv rror

say "it is told, and those that were removed do not disturb"
at g1 cluster events >"$IT_DIR/events.out"
grep -q 'metadata member w3' "$IT_DIR/events.out"
grep -q 'w3 in place of m, which had not answered for' "$IT_DIR/events.out"
term() { grep -c 'metadata member leads' "$IT_DIR"/w?.log | awk -F: '{ n += $2 } END { print n }'; }
before=$(term)
removed() { grep -q 'event=member-removed' "$IT_DIR/$last.log"; }
IT_WAIT=20 await removed
[[ $(term) == "$before" ]] || fail "there was an election"
at g1 cluster health
