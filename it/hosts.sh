# Hosts of their own on this machine: a network namespace each, on one switch. Sourced by tests after
# lib.sh; needs root. Each process sees its own folder in $IT_DIR and empty ones in place of the other
# hosts', so that nobody reaches another by the path of a socket.
# shellcheck shell=bash

HOST_NAMES=()
declare -A ADDRESS PID

ns() { echo "cmt$$-$1"; }
on() { ip netns exec "$(ns "$1")" "${@:2}"; }

cleanup_more() {
    local name
    for name in "${HOST_NAMES[@]}"; do ip netns del "$(ns "$name")" 2>/dev/null; done
    ip netns del "$(ns switch)" 2>/dev/null
}

# make_hosts NAME…: 10.77.0.1 and so on, in this order.
make_hosts() {
    local name number=0
    ip netns add "$(ns switch)" 2>/dev/null || skip "no network namespaces can be made here"
    on switch ip link add br0 type bridge || skip "no bridge can be made here"
    on switch ip link set br0 up
    for name in "$@"; do
        number=$((number + 1))
        HOST_NAMES+=("$name")
        ADDRESS[$name]=10.77.0.$number
        ip netns add "$(ns "$name")"
        ip link add eth0 netns "$(ns "$name")" type veth peer name "$name" netns "$(ns switch)"
        on switch ip link set "$name" master br0 up
        on "$name" ip address add "${ADDRESS[$name]}/24" dev eth0
        on "$name" ip link set eth0 up
        on "$name" ip link set lo up
        mkdir "$IT_DIR/$name"
    done
    on "$1" nft add table inet probe 2>/dev/null || skip "nftables cannot be used here"
    on "$1" nft delete table inet probe
}

# begin ROLE HOST [FLAG…]: starts the process of a host by its ROLE.conf, without waiting.
begin() {
    local hidden=() name
    for name in "${HOST_NAMES[@]}"; do [[ $name == "$2" ]] || hidden+=("$IT_DIR/$name"); done
    rm -f "$IT_DIR/$2.out"
    # shellcheck disable=SC2016
    # No function here: what is killed by its number later must be the process itself.
    ip netns exec "$(ns "$2")" unshare --mount --propagation private bash -c '
        config=$1 role=$2 count=$3
        shift 3
        for ((i = 0; i < count; i++)); do mount -t tmpfs -o size=64k none "$1"; shift; done
        exec "$0" "$role" --config "$config" "$@"' \
        "$COMET_ROOT/comet" "$IT_DIR/$2/$1.conf" "$1" "${#hidden[@]}" "${hidden[@]}" "${@:3}" \
        >"$IT_DIR/$2.out" 2>>"$IT_DIR/$2.log" &
    PID[$2]=$!
    own "${PID[$2]}"
}
begun() { await_line "${PID[$1]}" "$IT_DIR/$1.out" '^ready'; }
at() { comet "${@:2}" --admin "$IT_DIR/$1/admin.sock"; }

_list() { local IFS=,; echo "[$*]"; }

# cluster_on_hosts NODES MEMBERS GATEWAYS [LINE]: a cluster of processes, one on each of these hosts, which were made. A
# node's domain is its name without the last letter; members of the metadata group that are no nodes are
# processes of their own. A disk of a node that has to lie elsewhere is a link to there, made before. LINE is in
# the config of each node.
cluster_on_hosts() {
    local group=() members=() name nodes=" $1 "
    for name in $2; do
        group+=("\"${ADDRESS[$name]}:7491\"")
        members+=("{ name = $name, raft = \"${ADDRESS[$name]}:7492\", control = \"${ADDRESS[$name]}:7491\" }")
    done
    for name in $1; do
        [[ -e $IT_DIR/$name/disk ]] || mkdir "$IT_DIR/$name/disk"
        {
            printf 'name = %s\ndomain = %s\ninsecure = true\nlisten = "%s:7491"\n' \
                "$name" "${name%?}" "${ADDRESS[$name]}"
            printf 'disks = [ { path = disk, weight = 1G } ]\njournal-size = 64M\ngroup = %s\n' "$(_list "${group[@]}")"
            [[ -z ${4:-} ]] || echo "$4"
            if [[ " $2 " == *" $name "* ]]; then echo "meta.members = $(_list "${members[@]}")"; fi
        } >"$IT_DIR/$name/node.conf"
    done
    for name in $2; do
        [[ $nodes != *" $name "* ]] || continue
        printf 'name = %s\ninsecure = true\nmeta.members = %s\n' "$name" "$(_list "${members[@]}")" \
            >"$IT_DIR/$name/meta.conf"
        begin meta "$name"
    done
    for name in $3; do
        printf 'name = %s\ninsecure = true\ngroup = %s\nexports = ["*"]\n' "$name" "$(_list "${group[@]}")" \
            >"$IT_DIR/$name/gateway.conf"
    done
    for name in $1; do begin node "$name"; done
    for name in $3; do begin gateway "$name"; done
    name=${2%% *}
    IT_WAIT=60 await at "$name" cluster create --placement-groups 64
    for name in $1 $2 $3; do IT_WAIT=90 begun "$name"; done
}

# Everything is in sync and everybody is there, as member $1 of the metadata group says.
well() {
    at "$1" cluster health >"$IT_DIR/health" 2>&1 &&
        [[ $(at "$1" pg list --json | jq '[.pgs[] | select(.state != "ok")] | length') == 0 ]]
}

# What goes wrong between hosts, until heal.

rules() { # HOST: an empty table with two chains
    on "$1" nft add table inet faults
    on "$1" nft add chain inet faults in '{ type filter hook input priority 0; }'
    on "$1" nft add chain inet faults out '{ type filter hook output priority 0; }'
}
cut_off() { # HOST [in|out]: nothing passes, or nothing in one direction
    rules "$1"
    [[ ${2:-in} != in ]] || on "$1" nft add rule inet faults in iifname eth0 drop
    [[ ${2:-out} != out ]] || on "$1" nft add rule inet faults out oifname eth0 drop
}
cut_between() { # HOST OTHER…
    local other
    rules "$1"
    for other in "${@:2}"; do
        on "$1" nft add rule inet faults in ip saddr "${ADDRESS[$other]}" drop
        on "$1" nft add rule inet faults out ip daddr "${ADDRESS[$other]}" drop
    done
}
lose() { # HOST PERCENT of the packets that come in
    rules "$1"
    on "$1" nft add rule inet faults in iifname eth0 numgen random mod 100 '<' "$2" drop
}
narrow() { # HOST RATE of what goes out
    on "$1" tc qdisc add dev eth0 root tbf rate "$2" burst 16kb latency 200ms
}
heal() { # HOST…
    local name
    for name in "$@"; do
        on "$name" nft delete table inet faults 2>/dev/null || true
        on "$name" tc qdisc del dev eth0 root 2>/dev/null || true
    done
}
