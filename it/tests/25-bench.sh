#!/usr/bin/env bash
# `comet bench`: a table of what a scratch volume does; the volume is gone at the end, also after Ctrl-C;
# a volume that exists keeps its content.
# optimised
. "$(dirname "$0")/../lib.sh"

SIZE=96M start_up

say "a scratch volume"
cli bench scratch --size 64M --runtime 1 --jobs 'q32|flush|read4m' >"$IT_DIR/table"
cat "$IT_DIR/table"
for job in randread-q32 randwrite-q32 mixed70-q32 randwrite-flush read4m-q4; do
    awk -v job=$job '$1 == job && NF == 6 && $2 > 0 && $3 > 0 && $4 > 0 && $5 >= $4 && $6 >= $5 { found = 1 }
        END { exit !found }' "$IT_DIR/table" || fail "no row of $job"
done
[[ $(cli volume list --json | jq -r '[.volumes[].name] | join(" ")') == disk0 ]] || fail "the scratch volume is still there"

say "a volume that exists is only read"
qemu-io -f raw -c 'write -P 0x5a 0 96M' -c flush "$URI"
cli bench disk0 --size 64M --runtime 1 --jobs '^rand.*-q1' --json >"$IT_DIR/json"
grep -q 'randread-q1' "$IT_DIR/json"
! grep -q 'randwrite' "$IT_DIR/json" || fail "it wrote"
qemu-io -r -f raw -c 'read -P 0x5a 0 96M' "$URI"

say "unless it is said otherwise"
cli bench disk0 --size 64M --runtime 1 --jobs 'randwrite-q1' --overwrite | grep -q '^randwrite-q1 '
qemu-io -r -f raw -c 'read -P 0x5a 64M 32M' "$URI"

say "over TCP where the socket is not there"
mv "$DATA/nbd.sock" "$DATA/nbd.aside"
cli bench disk0 --size 64M --runtime 1 --jobs 'randread-q1' | grep -q '^randread-q1 '
mv "$DATA/nbd.aside" "$DATA/nbd.sock"

say "interrupted"
env --default-signal=INT "$COMET_ROOT/comet" bench scratch --size 64M --runtime 60 --jobs randread-q1 --data "$DATA" \
    >"$IT_DIR/interrupted" 2>&1 &
bench=$!
own $bench
await_line $bench "$IT_DIR/interrupted" '^JOB'
kill -INT $bench
wait_gone $bench || fail "it goes on after SIGINT"
[[ $(cli volume list --json | jq -r '[.volumes[].name] | join(" ")') == disk0 ]] || fail "the scratch volume is still there"

say "refused"
refused 2 "at least 64 MiB" cli bench scratch --size 1M
refused 2 "1 to 3600" cli bench scratch --runtime 0
refused 2 "none of randread-q1" cli bench scratch --jobs nothing
refused 1 "no name" cli bench 'a/b'
refused 2 "disk0 exists and these jobs write: .*--overwrite" cli bench disk0 --size 64M --jobs write
cli volume create gone --size 64M
cli volume delete gone
refused 1 "gone is deleted: .*restore gone.* another name" cli bench gone --size 64M
cli volume restore gone
stop "$UP_PID"
