# A cluster of separate processes (`comet up --nodes N`) and what can happen to it. Sourced by tests
# after lib.sh; uses $COMET (the launcher) and $TMP (a folder that lib.sh removes at the end).

CLUSTER=
CLUSTER_PID=

# cluster_start NODES [SIZE]: starts it under $TMP/data and waits until I/O is possible.
cluster_start() {
    CLUSTER=$TMP/data
    "$COMET" up --nodes "$1" --data "$CLUSTER" --nbd 127.0.0.1:0 --admin 127.0.0.1:0 --size "${2:-2G}" \
        >"$TMP/up.out" 2>"$TMP/up.err" &
    CLUSTER_PID=$!
    wait_until 120 "the cluster to be ready" grep -q '^ready ' "$TMP/up.out"
    export COMET_ADMIN=$CLUSTER/admin.sock
    SOCK=$(cluster_nbd_socket)
    URI="nbd+unix:///disk0?socket=$SOCK"
    export SOCK URI
}

cluster_nbd_socket() {
    local socket
    for socket in "$CLUSTER/nbd.sock" "$CLUSTER"/gateway-*/nbd.sock; do
        [ ! -S "$socket" ] || { echo "$socket"; return; }
    done
    echo "no NBD socket under $CLUSTER" >&2
    return 1
}

# NAME is node-1, node-2, …, gateway-1.
process_pid() { cat "$CLUSTER/run/$1.pid"; }

process_kill() {
    local name pids=()
    for name in "$@"; do pids+=("$(process_pid "$name")"); done
    kill -9 "${pids[@]}"
    for pid in "${pids[@]}"; do
        timeout 20 tail --pid="$pid" -f /dev/null || { echo "pid $pid lives on" >&2; return 1; }
    done
}

process_start() {
    local name
    for name in "$@"; do
        "$COMET" "${name%%-*}" --config "$CLUSTER/$name/${name%%-*}.conf" \
            >>"$TMP/$name.out" 2>>"$TMP/$name.err" &
        echo $! >>"$TMP/started.pids"
    done
}

process_restart() {
    process_kill "$@"
    process_start "$@"
}

cluster_healthy() { "$COMET" cluster health >/dev/null 2>&1; }

wait_healthy() { wait_until "${1:-90}" "the cluster to be healthy" cluster_healthy; }

cluster_stop() {
    local pid name
    kill "$CLUSTER_PID" 2>/dev/null || true
    if [ -f "$TMP/started.pids" ]; then
        while read -r pid; do kill "$pid" 2>/dev/null || true; done <"$TMP/started.pids"
    fi
    wait 2>/dev/null || true
}
