#!/usr/bin/env bash
# A gateway that is killed, stands still or is cut off from everybody: after three seconds another one takes its
# volume over, by a client's write alone, and no client there sees an error. Whatever the old gateway had under
# way, or sends when it is back, is refused at every replica. Then the same at once, by the operator's word.
# timeout: 200
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/hosts.sh"

((EUID == 0)) || skip "network namespaces are made by root only"
make_hosts a1 b1 g1 g2
cluster_on_hosts "a1 b1" "a1" "g1 g2"
at a1 volume create v --size 64M
IT_WAIT=60 await well a1
holder() { at a1 volume info v --json | jq -r '.gateway // "none"'; }

cat >"$IT_DIR/client.py" <<'PYTHON'
"""client.py old URI LOG: four writers with blocks of their own, until the volume refuses; says how each has ended.
client.py new URI NUMBER: writes all of their blocks once, then says how long the first one took.
client.py same URI NUMBER: whether all of them hold that."""
import os
import struct
import sys
import time

import nbd

BLOCKS, WRITERS = 64, 4
role, uri = sys.argv[1:3]


def content(number, block):
    return struct.pack("<QQ", number, block) * 256


def connected():
    handle = nbd.NBD()
    handle.connect_uri(uri)
    return handle


def old(writer, log):
    handle = connected()
    count = 0
    try:
        while True:
            block = writer * (BLOCKS // WRITERS) + count % (BLOCKS // WRITERS)
            handle.pwrite(content(1000000 + count, block), block * 4096)
            count += 1
            if count == 50:
                log.write(f"{writer} writes\n")
                log.flush()
    except nbd.Error as error:
        log.write(f"{writer} ended {error.errno or 'connection'} after {count}\n")
        log.flush()
        # Tried again it is refused again.
        if not handle.aio_is_dead():
            try:
                handle.pwrite(content(2000000, 0), 0)
                log.write(f"{writer} WRITTEN AGAIN\n")
            except nbd.Error:
                pass


if role == "old":
    with open(sys.argv[3], "a") as log:
        for writer in range(WRITERS):
            if os.fork() == 0:
                old(writer, log)
                log.flush()
                os._exit(0)
        for _ in range(WRITERS):
            os.wait()
elif role == "new":
    began = time.monotonic()
    handle = connected()
    handle.pread(4096, 0)
    for block in range(BLOCKS):
        handle.pwrite(content(int(sys.argv[3]), block), block * 4096)
        if block == 0:
            print(f"the first write has ended after {time.monotonic() - began:.1f} s")
    handle.flush()
else:
    handle = connected()
    for block in range(BLOCKS):
        data = bytes(handle.pread(4096, block * 4096))
        if data != content(int(sys.argv[3]), block):
            sys.exit(f"block {block} holds {struct.unpack_from('<QQ', data)}")
PYTHON
client() { /usr/bin/python3 "$IT_DIR/client.py" "$1" "nbd+unix:///v?socket=$IT_DIR/$2/nbd.sock" "$3"; }

round=0
# Load at $1, until it writes.
loaded() {
    round=$((round + 1))
    client old "$1" "$IT_DIR/old-$round" >"$IT_DIR/old-$round.out" 2>&1 &
    OLD=$!
    own $OLD
    all_write() { (($(grep -c writes "$IT_DIR/old-$round") == 4)); }
    IT_WAIT=30 await all_write
    [[ $(holder) == "$1" ]] || fail "v is held by $(holder)"
}
taken() { # GATEWAY: a write through it alone takes the volume over
    client new "$1" $round || fail "the new gateway has refused a write"
    [[ $(holder) == "$1" ]] || fail "v is held by $(holder)"
}
# All four of the old ones have ended, and have changed nothing since.
refused_all() { # GATEWAY
    wait_gone $OLD 20 || fail "old writers still write: $(cat "$IT_DIR/old-$round")"
    cat "$IT_DIR/old-$round"
    (($(grep -c ended "$IT_DIR/old-$round") == 4)) || fail "an old writer ended otherwise: $(cat "$IT_DIR/old-$round.out")"
    ! grep AGAIN "$IT_DIR/old-$round" || fail "an old writer has written again"
    client same "$1" $round || fail "what the new gateway has written has been changed"
}

say "killed"
loaded g1
kill9 "${PID[g1]}"
taken g2
begin gateway g1
begun g1
refused_all g2

say "it stands still"
loaded g2
kill -STOP "${PID[g2]}"
taken g1
kill -CONT "${PID[g2]}"
refused_all g1
grep -q 'event=volume-fenced' "$IT_DIR/g2.log" || fail "the old gateway does not say that it was fenced"

say "cut off from everybody"
loaded g1
cut_off g1
taken g2
heal g1
refused_all g2
grep -q 'event=volume-fenced' "$IT_DIR/g1.log" || fail "the old gateway does not say that it was fenced"

say "by the operator's word, at once, though it lives"
loaded g2
began=$EPOCHREALTIME
at g1 volume attach v --takeover
taken g1
awk "BEGIN { took = $EPOCHREALTIME - $began; printf \"taken after %.1f s\n\", took; exit took > 3 }" ||
    fail "the operator had to wait"
refused_all g1
(($(at a1 cluster events | grep -c 'volume-taken-over') == 4)) || fail "$(at a1 cluster events | grep volume)"
IT_WAIT=30 await well a1
! grep -h ' ERROR ' "$IT_DIR"/*.log | grep -v 'event=gateway-cut-off' | grep . || fail "errors in the logs"
