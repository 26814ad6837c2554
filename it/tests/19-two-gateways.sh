#!/usr/bin/env bash
# A volume and two gateways: looking at it attaches nothing, one writer at a time, migration at the
# target's first write, takeover from a gateway that is dead, and a new size seen on reconnecting.
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/cluster.sh"

cluster_start 2 256M
mkdir "$DATA/gateway-2"
sed -e 's/gateway-1/gateway-2/; /^nbd.listen/d; /^pid-file/d; s|^nbd.socket = .*|nbd.socket = "nbd.sock"|' \
    "$DATA/gateway-1/gateway.conf" >"$DATA/gateway-2/gateway.conf"
start_role gateway gateway-2 "$DATA/gateway-2/gateway.conf"
second_pid=$ROLE_PID
first() { echo "nbd+unix:///$1?socket=$SOCK"; }
second() { echo "nbd+unix:///$1?socket=$DATA/gateway-2/nbd.sock"; }
at_second() { comet "$@" --admin "$DATA/gateway-2/admin.sock"; }
holder() { cli volume info "$1" --json | jq -r '.gateway // "none"'; }
held_by() { [[ $(holder "$1") == "$2" ]]; }
io() { qemu-io -f raw "$@" >"$IT_DIR/io.out" 2>&1 && ! grep -qi 'fail\|error' "$IT_DIR/io.out"; }
must() { "$@" || fail "'$*': $(cat "$IT_DIR/io.out")"; }

say "looking attaches nothing"
cli volume create v --size 64M
nbdinfo --no-content "$(first v)" >/dev/null
nbdinfo --list --no-content "$(second v)" | grep -q v
held_by v none || fail "held by $(holder v)"

say "who writes holds it; the other one may read, not write"
nbdsh -u "$(first v)" -c "
import os, time
h.pwrite(b'a' * 65536, 0)
open('$IT_DIR/holding', 'w')
while not os.path.exists('$IT_DIR/migrated'): time.sleep(0.05)
# Another gateway has taken over: this one's writes must fail from now on.
try:
    h.pwrite(b'c' * 65536, 0)
    h.flush()
    print('written')
except nbd.Error as error:
    print('refused:', error.errno)
" >"$IT_DIR/holder.out" 2>&1 &
client=$!
own $client
await test -e "$IT_DIR/holding"
held_by v gateway-1 || fail "held by $(holder v)"
must io -r -c 'read -P 97 0 64k' "$(second v)"
held_by v gateway-1 || fail "a read has moved it to $(holder v)"
refused 1 "attached|held" at_second volume attach v

say "migration: the target's first write takes over, with what the source had not flushed"
cli volume migrate v --to gateway-2
must io -r -c 'read -P 97 0 64k' "$(second v)"
held_by v gateway-1 || fail "the mark alone has moved it to $(holder v)"
must io -c 'write -P 98 1M 64k' -c 'read -P 97 0 64k' -c flush "$(second v)"
held_by v gateway-2 || fail "held by $(holder v)"
[[ $(cli volume info v --json | jq -r '.uris[0]') == "$(second v)" ]] || fail "not where it is: $(cli volume info v)"
touch "$IT_DIR/migrated"
wait $client || fail "the first client: $(cat "$IT_DIR/holder.out")"
grep -q refused "$IT_DIR/holder.out" || fail "the source could still write: $(cat "$IT_DIR/holder.out")"
must io -r -c 'read -P 97 0 64k' -c 'read -P 98 1M 64k' "$(second v)"

say "attached to stay, and detached"
at_second volume detach v
held_by v none || fail "held by $(holder v)"
cli volume attach v --gateway gateway-1
held_by v gateway-1 || fail "held by $(holder v)"
must io -c 'write -P 99 2M 64k' -c flush "$(first v)"
cli volume detach v

say "a dead gateway's volume is taken over on demand"
at_second volume attach v
must io -c 'write -P 100 3M 64k' -c flush "$(second v)"
kill9 "$second_pid"
IT_WAIT=30 await cli volume attach v --gateway gateway-1 --takeover
must io -r -c 'read -P 97 0 64k' -c 'read -P 98 1M 64k' -c 'read -P 99 2M 64k' -c 'read -P 100 3M 64k' "$(first v)"
must io -c 'write -P 101 4M 64k' -c flush "$(first v)"

say "it grows: seen on reconnecting, and all of it can be used"
nbdsh -u "$(first v)" -c "
import subprocess
assert h.get_size() == 64 << 20
subprocess.check_call(['$COMET_ROOT/comet', 'volume', 'resize', 'v', '96M', '--data', '$DATA'])
h.pwrite(b'd' * 4096, 5 << 20)
again = nbd.NBD()
again.connect_uri('$(first v)')
assert again.get_size() == 96 << 20, again.get_size()
again.pwrite(b'e' * 4096, (96 << 20) - 4096)
again.flush()
assert bytes(again.pread(4096, 5 << 20)) == b'd' * 4096
assert bytes(again.pread(4096, (64 << 20))) == bytes(4096)
"

say "everything is there after a restart of everything"
cli volume rename v renamed
start_role gateway gateway-2 "$DATA/gateway-2/gateway.conf"
second_pid=$ROLE_PID
stop "$second_pid"
stop "$UP_PID" 90
start_up --nodes 2
[[ $(cli volume info renamed --json | jq .sizeBytes) == $((96 << 20)) ]]
must io -r -c 'read -P 97 0 64k' -c 'read -P 98 1M 64k' -c 'read -P 99 2M 64k' -c 'read -P 100 3M 64k' \
    -c 'read -P 101 4M 64k' -c 'read -P 100 5M 4k' -c 'read -P 101 100659200 4k' "$(first renamed)"
cli cluster health
