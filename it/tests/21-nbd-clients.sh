#!/usr/bin/env bash
# Every script of it/nbd (real clients, corner cases, hostile ones) against a replicated volume, over TCP
# and over the unix socket.
# timeout: 400
. "$(dirname "$0")/../lib.sh"

SIZE=96M start_up
# What a script says it cannot do here is no failure; all others run.
for script in "$COMET_ROOT"/it/nbd/*.sh; do
    [[ $(basename "$script") != lib.sh ]] || continue
    for uri in "$URI" "$(nbd_uri disk0)"; do
        say "$(basename "$script") ${uri%%:*}"
        status=0
        "$script" "$uri" || status=$?
        ((status == 0 || status == 77)) || fail "$(basename "$script") $uri ended with $status"
        alive "$UP_PID" || fail "the server is gone after $(basename "$script")"
    done
done
! grep -E ' ERROR |nbd-failure' "$IT_DIR/up.log" || fail "errors in the log"
cli cluster health
