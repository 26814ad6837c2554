#!/usr/bin/env bash
# A node is killed under writers and comes back under them; as soon as all is in sync the other one is killed.
# Each block is written once, so that nothing hides what the first one missed: every acknowledged block
# is read back right from the one that came back, and no client sees an error.
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/byhand.sh"

META_ALONE=yes VOLUME_SIZE=4G by_hand 256M "v1"
URI="nbd+unix:///v1?socket=$IT_DIR/g1/nbd.sock"
states() { at m pg list --json | jq -r "[.pgs[] | select(.state == \"$1\")] | length"; }
in_sync() { [[ $(states ok) == 64 ]]; }
left_behind() { [[ $(states degraded) -gt 0 ]]; }

cat >"$IT_DIR/once.py" <<'PYTHON'
"""once.py write|read URI LOG STOP SEED: blocks of a quarter of the volume, each once, in an order of its own."""
import os
import random
import struct
import sys

import nbd

BLOCK, BLOCKS = 4096, 1 << 20
role, uri, log, stop, seed = *sys.argv[1:5], int(sys.argv[5])


def content(block):
    return struct.pack("<QQ", block, block * 0x9E3779B97F4A7C15 % (1 << 64)) * (BLOCK // 16)


handle = nbd.NBD()
handle.connect_uri(uri)
if role == "write":
    order = list(range(seed % 4, BLOCKS, 4))
    random.Random(seed).shuffle(order)
    with open(log, "w", buffering=1) as acked:
        for block in order:
            handle.pwrite(content(block), block * BLOCK)
            acked.write(f"{block}\n")
            if os.path.exists(stop):
                sys.exit()
    sys.exit("all blocks are written already")
with open(log) as acked:
    for block in map(int, acked):
        if handle.pread(BLOCK, block * BLOCK) != content(block):
            sys.exit(f"block {block} is not what was acknowledged")
PYTHON
once() { /usr/bin/python3 "$IT_DIR/once.py" "$1" "$URI" "$IT_DIR/acked-$2" "$IT_DIR/stop" "$2" >"$IT_DIR/$1-$2.out" 2>&1; }
clients=()
for i in 1 2 3 4; do
    once write $i &
    clients+=($!)
    own $!
done
acked() { cat "$IT_DIR"/acked-* 2>/dev/null | wc -l; }
more() { # N more blocks are acknowledged
    local goal=$(($(acked) + $1)) end=$((SECONDS + 60))
    until (($(acked) > goal)); do
        ((SECONDS < end)) || fail "no progress: $(cat "$IT_DIR"/write-*.out)"
        sleep 0.1
    done
}
# The test is not about speed.
at m cluster set recovery-share=20%
more 3000

say "the second node is killed, and comes back under load"
kill9 "${PID[n2]}"
IT_WAIT=20 await left_behind
more 10000
begin node n2
begun n2
IT_WAIT=150 await in_sync
more 1000

say "then the first one is killed: the second one has what it missed"
kill9 "${PID[n1]}"
IT_WAIT=20 await left_behind
more 5000
touch "$IT_DIR/stop"
for pid in "${clients[@]}"; do wait "$pid" || fail "a client saw an error: $(cat "$IT_DIR"/write-*.out)"; done
for i in 1 2 3 4; do once read $i || fail "$(cat "$IT_DIR/read-$i.out")"; done
echo "$(acked) blocks are right"
