# A cluster of two nodes and two gateways, g1 and g2, each started by its own config. Sourced by tests
# after lib.sh.
# shellcheck shell=bash

declare -A PID

# by_hand JOURNAL VOLUMES [LINE]: starts it and makes volumes, of VOLUME_SIZE each; LINE is in both gateways'
# configs. g1 listens on port TCP, too. The metadata group is n1, or a process m with META_ALONE=yes.
by_hand() {
    local l1 r1 l2 c name member=n1 control
    read -r l1 r1 l2 c TCP < <(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(5)]
print(*[s.getsockname()[1] for s in sockets])')
    mkdir -p "$IT_DIR"/{n1,n2}/disk "$IT_DIR"/{g1,g2}
    control=127.0.0.1:$l1
    if [[ ${META_ALONE:-} ]]; then member=m control=127.0.0.1:$c; fi
    local group="[\"$control\"]"
    local members="meta.members = [ { name = $member, raft = \"127.0.0.1:$r1\", control = \"$control\" } ]"
    if [[ ${META_ALONE:-} ]]; then
        mkdir "$IT_DIR/m"
        printf 'name = m\n%s\n' "$members" >"$IT_DIR/m/meta.conf"
        node_conf n1 a "$l1" "$1" "$group" ""
        begin meta m
    else
        node_conf n1 a "$l1" "$1" "$group" "$members"
    fi
    node_conf n2 b "$l2" "$1" "$group" ""
    for name in g1 g2; do
        printf 'name = %s\ngroup = %s\nexports = ["*"]\nidle-detach = 1s\n%s\n' $name "$group" "${3:-}" \
            >"$IT_DIR/$name/gateway.conf"
    done
    echo "nbd.listen = \"127.0.0.1:$TCP\"" >>"$IT_DIR/g1/gateway.conf"
    begin node n1
    begin node n2
    begin gateway g1
    begin gateway g2
    IT_WAIT=40 await at $member cluster create --placement-groups 64
    for name in n1 n2 g1 g2; do begun $name; done
    for name in $2; do at g1 volume create "$name" --size "${VOLUME_SIZE:-64M}"; done
}

node_conf() { # NAME DOMAIN PORT JOURNAL GROUP LINE
    cat >"$IT_DIR/$1/node.conf" <<CONF
name = $1
domain = $2
listen = "127.0.0.1:$3"
disks = [ { path = disk } ]
journal-size = $4
group = $5
$6
CONF
}

begin() { # ROLE NAME [FLAG…]: without waiting
    rm -f "$IT_DIR/$2.out"
    "$COMET_ROOT/comet" "$1" --config "$IT_DIR/$2/$1.conf" "${@:3}" >"$IT_DIR/$2.out" 2>>"$IT_DIR/$2.log" &
    PID[$2]=$!
    own "${PID[$2]}"
}
begun() { await_line "${PID[$1]}" "$IT_DIR/$1.out" '^ready'; }
at() { comet "${@:2}" --admin "$IT_DIR/$1/admin.sock"; }
field() { at g2 volume info "$1" --json | jq -r ".$2"; }
is() { [[ $(field "$1" "$2") == "$3" ]]; }
