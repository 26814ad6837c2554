#!/usr/bin/env bash
# Nodes whose disks are spread over two event loops, with copies on two disks of one node too: data is
# written and verified, nodes are killed under a writer and come back, one stops and starts, a disk is added.
# long: the same code as with one loop, but for the hand-overs between them
# timeout: 300
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/cluster.sh"

read -r l1 r1 l2 < <(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*[s.getsockname()[1] for s in sockets])')
group="[\"127.0.0.1:$l1\"]"
node_conf() { # NUMBER PORT DOMAINS… [LINE]
    mkdir -p "$DATA/node-$1"/disk-{1,2,3} "$DATA/run"
    cat >"$DATA/node-$1/node.conf" <<CONF
name = node-$1
domain = $3
listen = "127.0.0.1:$2"
disks = [ { path = disk-1, domain = $3 }, { path = disk-2, domain = $4 }, { path = disk-3, domain = $5 } ]
journal-size = 64M
loops = 2
group = $group
${6:-}
CONF
}
node_conf 1 "$l1" a b a "meta.members = [ { name = node-1, raft = \"127.0.0.1:$r1\", control = \"127.0.0.1:$l1\" } ]"
node_conf 2 "$l2" b a b
mkdir "$DATA/gateway-1"
cat >"$DATA/gateway-1/gateway.conf" <<CONF
name = gateway-1
group = $group
nbd.socket = "../nbd.sock"
admin.socket = "../admin.sock"
exports = ["*"]
CONF
URI="nbd+unix:///disk0?socket=$DATA/nbd.sock"

at() { comet "${@:2}" --admin "$DATA/$1/admin.sock"; }
serving() { cli disk list --json | jq -e "[.disks[] | select(.alive)] | length == $1"; }
# Disks on LOOP of NODE since it was last started: disks_on NODE LOOP
disks_on() { tail -n "+$((1 + ${seen[$1]:-0}))" "$IT_DIR/$1.log" | grep -c "event=disk-placed .*loop=$2" || true; }
placed() { [[ $(disks_on "$1" 1) == "$2" && $(disks_on "$1" 2) == "$3" ]]; }
spread() { # NODE FIRST SECOND
    placed "$@" || fail "$1 has $(disks_on "$1" 1) and $(disks_on "$1" 2) disks on its loops, not $2 and $3"
}
note() { for name in "$@"; do seen[$name]=$(wc -l <"$IT_DIR/$name.log"); done; }
declare -A seen=()

# One after the other, so that some groups have both copies on the first.
process_start node-1
IT_WAIT=60 await at node-1 cluster create --placement-groups 256
on_first() { at node-1 disk list --json | jq -e '[.disks[] | select(.alive)] | length == 3'; }
await on_first
process_start node-2
start_role gateway gateway-1 "$DATA/gateway-1/gateway.conf"
echo "$ROLE_PID" >"$DATA/run/gateway-1.pid"
await serving 6
cli volume create disk0 --size 1G
spread node-1 2 1
spread node-2 2 1

say "every disk, on whichever loop, takes its part"
qemu-io -f raw -c 'write -P 0x41 0 64M' -c flush "$URI"
fio --name=verify --ioengine=nbd --uri="$URI" --rw=randwrite --bsrange=512-128k --blockalign=512 --iodepth=32 \
    --numjobs=2 --offset=64m --offset_increment=64m --size=64m --fsync=64 --verify=crc32c --verify_fatal=1 \
    --do_verify=1 --group_reporting --output="$IT_DIR/fio.out" || fail "fio: $(tail -n 20 "$IT_DIR/fio.out")"
pairs=$(cli pg list --json | jq -r '[.pgs[].members | map(.node) | unique | length] | unique | @csv')
[[ $pairs == 1,2 ]] || fail "both copies lie on $pairs nodes: on one and on two was wanted"
(($(cli disk list --json | jq '[.disks[] | select(.usedBytes > 0)] | length') == 6)) || fail "a disk is empty"

say "nodes are killed under a writer"
writer_start 2
writer_past 2 1500
note node-2
process_restart node-2
writer_past 2 1500
note node-1 node-2
process_restart node-1
writer_past 2 1500
process_kill node-1 node-2
process_start node-1 node-2
writer_past 2 1500
writer_stop 2
wait_healthy
writer_verify 2
qemu-io -r -f raw -c 'read -P 0x41 0 64M' "$URI"

say "one stops, with everything in its place, and comes back"
stop "$(pid_of node-2)" 60
note node-2
process_start node-2
await placed node-2 2 1
qemu-io -f raw -c 'read -P 0x41 0 64M' -c 'write -P 0x42 0 64M' -c flush "$URI"

say "another disk goes where fewer are"
note node-2
mkdir "$DATA/node-2/disk-4"
at node-2 disk add node-2 "$DATA/node-2/disk-4"
spread node-2 0 1
await serving 7
wait_healthy
qemu-io -r -f raw -c 'read -P 0x42 0 64M' "$URI"
writer_verify 2
