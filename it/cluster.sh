# A cluster of separate processes (`comet up --nodes N`) and what can happen to it. Sourced by tests
# after lib.sh.
# shellcheck shell=bash

# What all of them are told beside their configs, such as CLUSTER_FLAGS="--set loops=2" it/run fio.
read -ra CLUSTER_FLAGS <<<"${CLUSTER_FLAGS:-}"

# cluster_start NODES [SIZE]: starts it under $DATA and waits until I/O is possible. Sets SOCK and URI.
cluster_start() {
    SIZE=${2:-2G} start_up --nodes "$1" "${CLUSTER_FLAGS[@]}"
    SOCK=$DATA/nbd.sock
    [[ -S $SOCK ]] || SOCK=$DATA/gateway-1/nbd.sock
    URI="nbd+unix:///disk0?socket=$SOCK"
    export SOCK URI
}

# NAME is node-1, node-2, …, gateway-1; several are killed at once.
process_kill() {
    local name pid pids=()
    for name in "$@"; do pids+=("$(pid_of "$name")"); done
    say "kill -9 $*"
    kill -9 "${pids[@]}"
    for pid in "${pids[@]}"; do wait_gone "$pid" 10 || fail "process $pid survived SIGKILL"; done
}

# Starts processes again that were killed; does not wait for them.
process_start() {
    local name role
    for name in "$@"; do
        role=${name%%-*}
        "$COMET_ROOT/comet" "$role" --config "$DATA/$name/$role.conf" "${CLUSTER_FLAGS[@]}" \
            >>"$IT_DIR/$name.out" 2>>"$IT_DIR/$name.log" &
        own $!
        echo $! >"$DATA/run/$name.pid"
    done
}

process_restart() {
    process_kill "$@"
    process_start "$@"
}

wait_healthy() { IT_WAIT=${1:-90} await cli cluster health; }

# The gateway answers again: a client that does not try again may come.
wait_served() { IT_WAIT=${1:-90} await nbdinfo --size "$URI"; }

# A writer that notes what was acknowledged: writer_start SEED, then writer_past SEED N, writer_stop SEED.
# Each seed has blocks of its own, so that none finds what another left.
writer_start() {
    "$COMET_ROOT/it/tools/acked-writer" write --uri "$URI" --log "$IT_DIR/acked-$1" \
        --stop "$IT_DIR/stop-$1" --seed "$1" --first $(($1 * 30000)) \
        ${FLUSH_EVERY:+--flush-every "$FLUSH_EVERY"} >"$IT_DIR/writer-$1.out" 2>&1 &
    WRITER=$!
    own $WRITER
}

writer_acked() { awk '/^a/ { n++ } END { print n + 0 }' "$IT_DIR/acked-$1" 2>/dev/null || echo 0; }

writer_past() {
    local end=$((SECONDS + 90)) goal=$(($(writer_acked "$1") + $2))
    until (($(writer_acked "$1") > goal)); do
        alive "$WRITER" || fail "the writer ended: $(cat "$IT_DIR/writer-$1.out")"
        ((SECONDS < end)) || fail "no progress of the writer: $(writer_acked "$1") of $goal; $(cli cluster health 2>&1)"
        sleep 0.1
    done
}

writer_stop() {
    touch "$IT_DIR/stop-$1"
    wait "$WRITER" || fail "the writer: $(cat "$IT_DIR/writer-$1.out")"
    cat "$IT_DIR/writer-$1.out"
}

# writer_verify SEED [--flushed]
writer_verify() {
    "$COMET_ROOT/it/tools/acked-writer" verify --uri "$URI" --log "$IT_DIR/acked-$1" "${@:2}" ||
        fail "acknowledged writes are missing"
}
