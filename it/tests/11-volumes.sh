#!/usr/bin/env bash
# Volumes: create, list, info, resize, rename, delete, restore, purge, attach, detach; all survive a
# restart of everything. And what may not be done is refused with a reason.
# timeout: 400
. "$(dirname "$0")/../lib.sh"

SIZE=256M start_up

say "create, list, info"
cli volume create a --size 64M
cli volume create b --size 1G --durability write
[[ $(cli volume info a --json | jq .sizeBytes) == $((64 << 20)) ]]
[[ $(cli volume info b --json | jq -r .durability) == write ]]
[[ $(cli volume list --json | jq -r '[.volumes[].name] | sort | join(" ")') == "a b disk0" ]]

say "refused"
refused 1 "already" cli volume create a --size 64M
refused 1 "no name" cli volume create 'a/b' --size 64M
refused 1 "no name" cli volume create "$(printf 'x%.0s' {1..129})" --size 64M
refused 1 "multiple of 4 KiB" cli volume create c --size 0
refused 1 "multiple of 4 KiB" cli volume create c --size 4097
refused 1 "64 TiB" cli volume create c --size 65T
refused 2 "out of range" cli volume create c --size -1
refused 1 "no volume" cli volume info none
refused 1 "no volume" cli volume delete none
refused 1 "only grow" cli volume resize a 4096
refused 1 "not deleted" cli volume purge a
refused 1 "durability" cli volume create c --size 4M --durability never

say "the largest volume"
cli volume create huge --size 64T
nbdinfo --size "$(nbd_uri huge)" | grep -q $((64 << 40))
qemu-io -f raw -c "write -P 7 $(((64 << 40) - 4096)) 4096" "$(nbd_uri huge)"

say "resize and rename"
qemu-io -f raw -c 'write -P 0x31 0 1M' -c flush "$(nbd_uri a)"
cli volume resize a 128M
nbdinfo --size "$(nbd_uri a)" | grep -q $((128 << 20))
cli volume rename a first
refused 1 "no volume" cli volume info a
refused 1 "already" cli volume rename first b
qemu-io -f raw -c 'read -P 0x31 0 1M' -c 'write -P 0x32 127M 1M' -c flush "$(nbd_uri first)"

say "an attached volume in use is not deleted"
nbdsh -u "$(nbd_uri first)" -c "
import os, time
h.pwrite(b'x' * 512, 0)
open('$IT_DIR/holding', 'w')
while not os.path.exists('$IT_DIR/let-go'): time.sleep(0.1)
" &
holder=$!
own $holder
await test -e "$IT_DIR/holding"
refused 1 "attached" cli volume delete first
touch "$IT_DIR/let-go"
wait $holder

say "attach keeps it, detach ends it"
cli volume attach first
[[ $(cli volume info first --json | jq -r .state) == attached ]]
refused 1 "attached" cli volume delete first
cli volume detach first
[[ $(cli volume info first --json | jq -r .state) == detached ]]

say "delete, restore"
cli volume delete first
refused 1 "is deleted" cli volume resize first 256M
! nbdinfo "$(nbd_uri first)" 2>/dev/null || fail "a deleted volume is still served"
cli volume restore first
qemu-io -r -f raw -c 'read -P 0x32 127M 1M' "$(nbd_uri first)"

say "everything survives a restart"
cli volume create gone --size 16M
qemu-io -f raw -c 'write -P 0x33 8M 1M' -c flush "$(nbd_uri gone)"
cli volume detach gone
cli volume delete gone
stop "$UP_PID"
start_up
refused 1 "is deleted" cli volume resize gone 32M
cli volume restore gone
qemu-io -r -f raw -c 'read -P 0x33 8M 1M' "$(nbd_uri gone)"
cli volume detach gone
cli volume delete gone
cli volume purge gone
[[ $(cli volume list --json | jq -r '[.volumes[].name] | sort | join(" ")') == "b disk0 first huge" ]]
qemu-io -r -f raw -c 'read -P 0x32 127M 1M' "$(nbd_uri first)"

say "purge frees the space"
qemu-io -f raw -c 'write -P 0x55 0 64M' -c flush "$(nbd_uri b)"
cli volume detach b
used() { cli disk list --json | jq '[.disks[].usedBytes] | add'; }
# Two copies, once the checkpoint has moved them from the journal to their place.
stored() { (($(used) >= 128 << 20)); }
IT_WAIT=60 await stored
full=$(used)
cli volume delete b
cli volume purge b
refused 1 "no volume" cli volume restore b
freed() { (($(used) <= full - (128 << 20))); }
IT_WAIT=60 await freed

say "and what was freed is written again: the files do not grow"
files() { du -sc --block-size=1 "$DATA"/disk-*/segments | tail -1 | cut -f1; }
before=$(files)
cli volume create again --size 1G
qemu-io -f raw -c 'write -P 0x56 0 64M' -c flush "$(nbd_uri again)"
IT_WAIT=60 await stored
(($(files) == before)) || fail "the files take $(files) bytes, before $before"
qemu-io -r -f raw -c 'read -P 0x56 0 64M' "$(nbd_uri again)"
