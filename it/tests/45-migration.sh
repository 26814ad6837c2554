#!/usr/bin/env bash
# A QEMU guest moves from one gateway to the other and back while it writes: no write is lost, and nobody sees
# an error, neither the guest nor a QEMU on either side. Where the operator has not marked the volume the
# target's first write is refused, and with werror=stop the guest waits until it is marked.
# timeout: 200
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/byhand.sh"
. "$COMET_ROOT/it/guest/lib.sh"
guest_prepare

VOLUME_SIZE=128M by_hand 64M "v"

qmp() { "$COMET_ROOT/it/tools/qmp" "$IT_DIR/qmp-$1" "${@:2}"; }
holder_is() { is v gateway "$1"; }

hop=0
all_consoles() { cat "$IT_DIR"/console-? 2>/dev/null; }
# The last number that the guest has told with word $1, wherever it was.
told() { all_consoles | tr -d '\r' | sed -n "s/^guest: $1 \([0-9][0-9]*\)\$/\1/p" | tail -n 1 | grep . || echo -1; }
# Writers 0 to 2 and the rounds all get further.
goes_on() {
    local word goal end=$((SECONDS + 40))
    for word in writer0 writer1 writer2 round; do
        goal=$(($(told "$word") + ${1:-2}))
        until (($(told "$word") >= goal)); do
            ! all_consoles | grep -a -m1 'guest: FAILED' || fail "the guest has seen an error"
            alive "$GUEST_PID" || fail "the guest has ended: $(tail -n 3 "$IT_DIR/console-$hop.qemu")"
            ((SECONDS < end)) || fail "the guest stands still at $word $(told "$word"): $(tail -n 3 "$IT_DIR/console-$hop")"
            sleep 0.1
        done
    done
}
# A QEMU with the guest on gateway $1, which is running from its start or waits for another one.
qemu_at() { # GATEWAY [QEMU-OPTION…]
    hop=$((hop + 1))
    GUEST_MORE=(-qmp "unix:$IT_DIR/qmp-$hop,server=on,wait=off" "${@:2}")
    guest_start "$IT_DIR/console-$hop" "server.type=unix,server.path=$IT_DIR/$1/nbd.sock,export=v" step=stream
    eval "QEMU_$hop=$GUEST_PID"
}
migrate_to() { # GATEWAY: from the QEMU of the last hop to a new one
    local from=$hop
    qemu_at "$1" -incoming "unix:$IT_DIR/migrate-$((hop + 1))"
    IT_WAIT=20 await test -S "$IT_DIR/migrate-$hop"
    goes_on
    qmp $from migrate-and-wait "unix:$IT_DIR/migrate-$hop" >"$IT_DIR/migrated-$hop" ||
        fail "the migration: $(cat "$IT_DIR/migrated-$hop")"
    jq -r '"moved in \(.["total-time"]) ms, of which the guest stood still for \(.downtime)"' "$IT_DIR/migrated-$hop"
    [[ $(qmp $from query-status | jq -r .status) == postmigrate ]] || fail "the source goes on"
}
quiet() { # HOP: its QEMU has said nothing
    [[ ! -s $IT_DIR/console-$1.qemu ]] || fail "the QEMU of hop $1: $(cat "$IT_DIR/console-$1.qemu")"
}
# Ends the QEMU that the guest has left.
leave() { # HOP
    local name=QEMU_$1
    qmp "$1" quit >/dev/null
    wait_gone "${!name}" 10 || fail "the QEMU of hop $1 does not end"
    wait "${!name}" || fail "the QEMU of hop $1 ended with $?"
    quiet "$1"
}

say "the guest writes through g1"
GUEST_DISK=werror=report,rerror=report
qemu_at g1
IT_WAIT=60 await grep -q 'round 1' "$IT_DIR/console-1"
goes_on
holder_is g1 || fail "v is held by $(field v gateway)"

say "to g2: the target has looked at the disk, and has written nothing before it was its turn"
at g1 volume migrate v --to g2
migrate_to g2
goes_on
holder_is g2 || fail "v is held by $(field v gateway)"
[[ $(qmp 2 query-status | jq -r .status) == running ]] || fail "the target does not run"
leave 1

say "and back, while the old source's gateway still knows its end"
at g1 volume migrate v --to g1
migrate_to g1
goes_on
holder_is g1 || fail "v is held by $(field v gateway)"
leave 2

say "without a mark the target's first write is refused; the guest waits, with all it has"
GUEST_DISK=werror=stop,rerror=stop
migrate_to g2
stopped() { [[ $(qmp 4 query-status | jq -r .status) == io-error ]]; }
IT_WAIT=30 await stopped
holder_is g1 || fail "v is held by $(field v gateway)"
grep -q 'event=attach-refused.*attached-elsewhere' "$IT_DIR/g2.log" || fail "the gateway does not say why"
at g1 volume migrate v --to g2
qmp 4 cont >/dev/null
goes_on
holder_is g2 || fail "v is held by $(field v gateway)"
leave 3

say "every acknowledged write is there"
kill9 "$GUEST_PID"
quiet 4
! all_consoles | grep -a -i 'i/o error\|FAILED' || fail "the guest has seen errors"
all_consoles >"$IT_DIR/console"
/usr/bin/python3 - "nbd+unix:///v?socket=$IT_DIR/g2/nbd.sock" "$IT_DIR/console" <<'PYTHON' || fail "writes are missing"
import re
import sys

import nbd

told = {}
for word, number in re.findall(rb"^guest: (writer\d|round) (\d+)\r?$", open(sys.argv[2], "rb").read(), re.M):
    if int(number) != told.get(word, 0) + 1:
        sys.exit(f"the guest told {word} {number} after {told.get(word, 0)}")
    told[word] = int(number)
handle = nbd.NBD()
handle.connect_uri(sys.argv[1])


def holds(offset, least):
    """One of two numbers, the acknowledged one or the next, which may have been under way."""
    data = bytes(handle.pread(4096, offset))
    have = int(data[:15]) if data.strip(b"\0") else -1
    if data != b"%015d\n" % have * 256 or have not in least:
        sys.exit(f"offset {offset} holds {data[:16]} of {len(set(data.splitlines()))} lines, not one of {least}")


for writer in range(3):
    count = told[b"writer%d" % writer]
    for n in range(count - 64, count):
        # The oldest one may be overwritten already by one that was not acknowledged.
        holds(4096 * (writer * 64 + n % 64), (n, n + 64) if n == count - 64 else (n,))
for block in range(4 << 20 >> 12):
    holds((64 << 20) + 4096 * block, (told[b"round"], told[b"round"] + 1))
print({word.decode(): count for word, count in told.items()})
PYTHON
! grep -h ' ERROR ' "$IT_DIR"/*.log | grep . || fail "errors in the logs"
