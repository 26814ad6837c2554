# Damage to the files of stopped disks, and how it is told. Sourced by tests after lib.sh.
# shellcheck shell=bash

damage() { "$COMET_ROOT/it/tools/damage" "$@"; }

# Whether an event of code $1 with details that match $2 was told.
event() {
    cli cluster events --processes --json | jq -e --arg code "$1" --arg details "${2:-}" \
        'any(.events[]; .code == $code and (.details | test($details)))'
}

events_of() { cli cluster events --processes --json | jq --arg code "$1" '[.events[] | select(.code == $code)] | length'; }

no_event() { ! event "$@" >/dev/null || fail "event $1: $(cli cluster events --processes | grep "$1" | head -3)"; }

# Sum of metric $1 over all its labels, or of those that match $2.
metric() {
    curl -s -H "Authorization: Bearer $(cat "$DATA/admin.token")" "http://$(cat "$DATA/admin.address")/metrics" |
        grep -E "^$1[{ ]" | grep -E -- "${2:-}" | awk '{ sum += $NF } END { print sum + 0 }'
}
