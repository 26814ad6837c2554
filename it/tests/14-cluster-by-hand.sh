#!/usr/bin/env bash
# A cluster made by hand from configs: group of three (two nodes and a witness), cluster create, a
# gateway, a node that joins, a disk that is added, a node of another cluster that is refused.
# timeout: 400
. "$(dirname "$0")/../lib.sh"

free_ports() {
    python3 - "$1" <<'PYTHON'
import socket, sys
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*[s.getsockname()[1] for s in sockets])
PYTHON
}
read -r l1 r1 l2 r2 l3 r3 l4 l5 r5 < <(free_ports 9)
group="[\"127.0.0.1:$l1\", \"127.0.0.1:$l2\", \"127.0.0.1:$l3\"]"
members="meta.members = [
  { name = n1, raft = \"127.0.0.1:$r1\", control = \"127.0.0.1:$l1\" }
  { name = n2, raft = \"127.0.0.1:$r2\", control = \"127.0.0.1:$l2\" }
  { name = witness, raft = \"127.0.0.1:$r3\", control = \"127.0.0.1:$l3\" }
]"

node() { # NAME DOMAIN PORT GROUP MEMBERS
    mkdir -p "$IT_DIR/$1/disk"
    cat >"$IT_DIR/$1/node.conf" <<CONF
name = $1
domain = $2
listen = "127.0.0.1:$3"
disks = [ { path = disk } ]
journal-size = 64M
group = $4
$5
CONF
}
background() { # ROLE NAME
    # Else the last life's "ready" could be taken for this one's.
    rm -f "$IT_DIR/$2.out"
    "$COMET_ROOT/comet" "$1" --config "$IT_DIR/$2/$1.conf" >"$IT_DIR/$2.out" 2>"$IT_DIR/$2.log" &
    own $!
    LAST=$!
}
at() { comet "${@:2}" --admin "$IT_DIR/$1/admin.sock"; }

node n1 a "$l1" "$group" "$members"
node n2 b "$l2" "$group" "$members"
mkdir "$IT_DIR/witness" "$IT_DIR/g1"
printf 'name = witness\n%s\n' "$members" >"$IT_DIR/witness/meta.conf"
background node n1
background node n2
background meta witness
no_cluster() {
    at n1 cluster health >"$IT_DIR/health.out" 2>&1 || true
    grep -q no-cluster "$IT_DIR/health.out"
}
IT_WAIT=40 await no_cluster

say "create"
refused 1 "copies" at n1 cluster create --replicas 4
refused 1 "power of two" at n1 cluster create --placement-groups 100
at n1 cluster create --placement-groups 256
refused 1 "already" at n1 cluster create
IT_WAIT=40 await at n1 cluster health --wait --timeout 1
at witness cluster status | grep -q 'placement *256 groups'

say "a gateway"
cat >"$IT_DIR/g1/gateway.conf" <<CONF
name = g1
group = $group
exports = ["v*"]
CONF
background gateway g1
await_line "$LAST" "$IT_DIR/g1.out" '^ready'
at g1 volume create v1 --size 256M
at g1 volume create w1 --size 256M
uri() { echo "nbd+unix:///$1?socket=$IT_DIR/g1/nbd.sock"; }
qemu-io -f raw -c 'write -P 0x61 0 32M' -c flush "$(uri v1)"
! qemu-io -r -f raw -c 'read 0 4k' "$(uri w1)" 2>/dev/null || fail "w1 is not exported, but served"

say "another gateway of the same name, and the same one again"
mkdir "$IT_DIR/g1-again"
cp "$IT_DIR/g1/gateway.conf" "$IT_DIR/g1-again/"
refused 1 "another gateway named g1 lives" comet gateway --config "$IT_DIR/g1-again/gateway.conf"
kill9 "$LAST"
background gateway g1
await_line "$LAST" "$IT_DIR/g1.out" '^ready'
qemu-io -f raw -c 'read -P 0x61 0 32M' -c 'write -P 0x61 0 4k' "$(uri v1)"

say "another disk, another node"
mkdir "$IT_DIR/disk-2"
at n1 disk add n1 "$IT_DIR/disk-2"
[[ $(at n1 disk list --json | jq '.disks | length') == 3 ]]
refused 1 "not n9" at n1 disk add n9 "$IT_DIR/disk-2"
refused 1 "in service already, as disk" at n1 disk add n1 "$IT_DIR/disk-2"
refused 1 "in use by process" at n2 disk add n2 "$IT_DIR/disk-2"
refused 1 "not there|mount|exist" at n1 disk add n1 "$IT_DIR/nowhere"
mkdir "$IT_DIR/disk-3"
at n1 node join --name n3 --domain b --folder "$IT_DIR/n3" --disk "$IT_DIR/disk-3" --listen "127.0.0.1:$l4"
refused 1 "exists already" at n1 node join --name n3 --domain b --folder "$IT_DIR/n3" --disk "$IT_DIR/disk-3"
background node n3
joined() { at n1 node list --json | jq -e '[.nodes[] | select(.alive)] | length == 3'; }
IT_WAIT=30 await joined

say "a node of another cluster"
node x1 a "$l5" "[\"127.0.0.1:$l5\"]" \
    "meta.members = [ { name = x1, raft = \"127.0.0.1:$r5\", control = \"127.0.0.1:$l5\" } ]"
background node x1
x1_pid=$LAST
IT_WAIT=40 await at x1 cluster create --placement-groups 16
x1_up() { at x1 disk list --json | jq -e '[.disks[] | select(.alive)] | length == 1'; }
IT_WAIT=30 await x1_up
stop "$x1_pid"
sed -i "s/^group = .*/group = $(sed 's/[\/&]/\\&/g' <<<"$group")/; /^meta/d" "$IT_DIR/x1/node.conf"
IT_WAIT=20 refused 1 "belongs to cluster|another cluster" comet node --config "$IT_DIR/x1/node.conf"

say "the data is what it was"
qemu-io -r -f raw -c 'read -P 0x61 0 32M' "$(uri v1)"
at g1 cluster health
