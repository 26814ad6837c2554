# What the tests share; sourced at their top. A test runs with its own folder $IT_DIR (short, because
# paths of unix sockets end at 107 bytes), free ports, and ends only processes that it has started.
# shellcheck shell=bash
set -euo pipefail

COMET_ROOT=${COMET_ROOT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
export COMET_NO_BUILD=${COMET_NO_BUILD:-1}
IT_NAME=${IT_NAME:-$(basename "$0" .sh)}
IT_TARGET=${IT_TARGET:-$COMET_ROOT/it/target/$IT_NAME}
mkdir -p "$IT_TARGET"
IT_DIR=$(mktemp -d "${IT_TMP:-/tmp}/comet-it.XXXXXX")
DATA=$IT_DIR/data
unset COMET_ADMIN COMET_TOKEN
IT_PIDS=()

# Debian's own tools first: nbdsh needs the Python that it was packaged for.
PATH=/usr/bin:/bin:/usr/sbin:/sbin:$PATH

comet() { "$COMET_ROOT/comet" "$@"; }

say() { echo "--- $SECONDS s: $*"; }

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# Ends the test as one that this machine cannot run.
skip() {
    echo "$*"
    exit 77
}

# Remembers a process of this test, so that it is ended with it.
own() { IT_PIDS+=("$1"); }

alive() { kill -0 "$1" 2>/dev/null; }

# Waits until process $1 has gone, at most $2 seconds (default 30).
wait_gone() {
    local end=$((SECONDS + ${2:-30}))
    while alive "$1"; do
        ((SECONDS < end)) || return 1
        sleep 0.05
    done
}

# Ends process $1 with SIGTERM and returns its exit status.
stop() {
    local pid=$1 status=0
    kill -TERM "$pid" 2>/dev/null || true
    wait_gone "$pid" "${2:-30}" || fail "process $pid did not end on SIGTERM"
    wait "$pid" 2>/dev/null || status=$?
    return "$status"
}

# kill -9 of one process, waiting until it is gone.
kill9() {
    kill -KILL "$1" 2>/dev/null || true
    wait_gone "$1" 10 || fail "process $1 survived SIGKILL"
    wait "$1" 2>/dev/null || true
}

it_cleanup() {
    local status=$? pid
    set +e
    trap - EXIT TERM INT
    # What `comet up --nodes` has started, by its own pid files.
    for pid in "${IT_PIDS[@]}" $(cat "$IT_DIR"/*/run/*.pid 2>/dev/null); do
        kill -TERM "$pid" 2>/dev/null
    done
    for pid in "${IT_PIDS[@]}" $(cat "$IT_DIR"/*/run/*.pid 2>/dev/null); do
        wait_gone "$pid" 5 || kill -KILL "$pid" 2>/dev/null
    done
    if mountpoint -q "$IT_DIR/mnt" 2>/dev/null; then
        fsfreeze -u "$IT_DIR/mnt" 2>/dev/null || true
        umount -l "$IT_DIR/mnt"
    fi
    if declare -F cleanup_more >/dev/null; then cleanup_more; fi
    if ((status != 0 && status != 77)); then
        # Logs of the processes help to see why; data folders are too large to keep.
        find "$IT_DIR" -maxdepth 3 -name '*.log' -o -maxdepth 3 -name '*.out' 2>/dev/null |
            while read -r file; do
                echo "=== $file"
                tail -25 "$file"
            done
    fi
    rm -rf "$IT_DIR"
    exit "$status"
}
trap it_cleanup EXIT
trap 'exit 143' TERM INT

# Waits until command "$@" succeeds, at most $IT_WAIT (default 60) seconds.
await() {
    local end=$((SECONDS + ${IT_WAIT:-60}))
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || fail "waited in vain for: $*"
        sleep 0.1
    done
}

# Waits until process $1 has written a line that matches $3 to file $2; the line is in $REPLY.
await_line() {
    local pid=$1 file=$2 pattern=$3 end=$((SECONDS + ${IT_WAIT:-60}))
    while true; do
        REPLY=$(grep -m1 -E -- "$pattern" "$file" 2>/dev/null || true)
        [[ -z $REPLY ]] || return 0
        alive "$pid" || fail "process $pid ended before it said '$pattern': $(tail -3 "$file")"
        ((SECONDS < end)) || fail "process $pid never said '$pattern': $(tail -3 "$file")"
        sleep 0.05
    done
}

# Starts `comet up` on free ports with the arguments given, waits for its ready line, sets UP_PID,
# URI (its NBD address with the first volume) and HOST_PORT. Data folder: $DATA.
start_up() {
    rm -f "$IT_DIR/up.out"
    env --default-signal=INT "$COMET_ROOT/comet" up --data "$DATA" --nbd "${NBD:-127.0.0.1:0}" --admin 127.0.0.1:0 --size "${SIZE:-1G}" "$@" \
        >"$IT_DIR/up.out" 2>"$IT_DIR/up.log" &
    UP_PID=$!
    own "$UP_PID"
    await_line "$UP_PID" "$IT_DIR/up.out" '^ready '
    URI=${REPLY#ready }
    HOST_PORT=${URI#*://}
    HOST_PORT=${HOST_PORT%%/*}
    export URI HOST_PORT UP_PID
}

# The same over the unix socket: nbd_uri VOLUME
nbd_uri() { echo "nbd+unix:///$1?socket=$DATA/nbd.sock"; }

# The CLI against this test's cluster.
cli() { comet "$@" --data "$DATA"; }

# Starts (again) a process of the cluster: start_role node|gateway|meta NAME CONFIG. Its log goes to
# $IT_DIR/NAME.log, its pid is in ROLE_PID.
start_role() {
    local role=$1 name=$2 config=$3
    rm -f "$IT_DIR/$name.out"
    "$COMET_ROOT/comet" "$role" --config "$config" >"$IT_DIR/$name.out" 2>>"$IT_DIR/$name.log" &
    ROLE_PID=$!
    own "$ROLE_PID"
    await_line "$ROLE_PID" "$IT_DIR/$name.out" '^ready'
}

# The pid of a process that `comet up --nodes` has started: pid_of node-1
pid_of() { cat "$DATA/run/$1.pid"; }

# A command that must fail with status $1 and say something that matches $2 on standard error.
refused() {
    local want=$1 pattern=$2 status=0
    shift 2
    "$@" >"$IT_DIR/refused.out" 2>"$IT_DIR/refused.err" || status=$?
    ((status == want)) || fail "'$*' ended with $status, not $want: $(cat "$IT_DIR/refused.err")"
    [[ -z $pattern ]] || grep -q -i -E -- "$pattern" "$IT_DIR/refused.err" ||
        fail "'$*' did not say '$pattern' but: $(cat "$IT_DIR/refused.err")"
    ! grep -q -E '^\s+at [a-z.]+' "$IT_DIR/refused.err" || fail "'$*' printed a stack trace"
}

# A file of random bytes: random_file FILE SIZE (as head -c takes it)
random_file() { head -c "$2" /dev/urandom >"$1"; }

same() { cmp "$1" "$2" || fail "$1 and $2 differ"; }

