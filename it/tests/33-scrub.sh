#!/usr/bin/env bash
# Rot that no guest reads is found by a scrub of the disk and repaired from the other one; what is bad on
# both is told by health until it was overwritten and `pg repair` finds nothing any more.
# timeout: 300
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/damage.sh"

blocks_of() { damage find "$(segment "$1")" "$2"; }
segment() { find "$DATA/disk-$1/segments" -type f | sort | tail -1; }
count() { metric "comet_disk_scrub_$1" "disk=\"$2\""; }
disk_json() { cli disk list --json | jq ".disks[] | select(.id == $1) | .scrub$2"; }

# Has a disk go through all it has, and waits until its report is there.
scrub() {
    local before
    before=$(disk_json "$1" ".endedAtMs // 0")
    cli disk scrub "$1"
    local end=$((SECONDS + 30))
    until (($(disk_json "$1" ".endedAtMs // 0") > before)); do
        ((SECONDS < end)) || fail "disk $1 does not end its scrub: $(cli cluster events | tail -5)"
        sleep 0.1
    done
}

up() { SIZE=128M start_up --set journal-size=64M --set scrub-rate=256M; }

up
[[ -z $(cli disk list | awk 'NR > 1' | grep ' ago') ]] || fail "a disk says that it was scrubbed"
qemu-io -f raw -c 'write -P 0x5a 8M 1M' -c 'write -P 0x5b 32M 1M' -c flush "$URI"
stop "$UP_PID"

say "two blocks of one disk and one of the other rot; nobody reads them"
damage flip "$(segment 1)" $(($(blocks_of 1 0x5a | sed -n 20p) + 100))
damage flip "$(segment 1)" $(($(blocks_of 1 0x5a | sed -n 21p) + 4095)) 7
damage flip "$(segment 2)" "$(blocks_of 2 0x5b | sed -n 200p)" 0
up
scrub 1
scrub 2
(($(count errors_total 1) == 2 && $(count repaired_total 1) == 2)) || fail "disk 1: $(disk_json 1 '')"
(($(count errors_total 2) == 1 && $(count repaired_total 2) == 1)) || fail "disk 2: $(disk_json 2 '')"
(($(disk_json 1 .bytes) >= 2 << 20)) || fail "disk 1 has not read all it has: $(disk_json 1 '')"
event scrub-ended 'disk=1 .*errors=2 repaired=2' >/dev/null || fail "no event scrub-ended"
cli disk list | grep ' ago, 2 blocks repaired' || fail "$(cli disk list)"
IT_WAIT=10 await cli cluster health
stop "$UP_PID"
for disk in 1 2; do
    (($(blocks_of $disk 0x5a | wc -l) == 256 && $(blocks_of $disk 0x5b | wc -l) == 256)) ||
        fail "disk $disk holds $(blocks_of $disk 0x5a | wc -l) and $(blocks_of $disk 0x5b | wc -l) blocks"
done

say "the same block rots on both disks: health says so, also after a restart"
damage flip "$(segment 1)" $(($(blocks_of 1 0x5b | sed -n 30p) + 9)) 3
damage flip "$(segment 2)" $(($(blocks_of 2 0x5b | sed -n 30p) + 9)) 3
up
(($(disk_json 1 .repaired) == 2)) || fail "the last result is forgotten: $(disk_json 1 '')"
scrub 1
[[ $(disk_json 1 .bad) == true ]] || fail "nothing bad: $(disk_json 1 '')"
pg=$(disk_json 1 '.badPgs[0]')
cli cluster health | grep "scrub-errors: disk 1 .* placement group $pg:" || fail "$(cli cluster health)"
stop "$UP_PID"
up
cli cluster health | grep scrub-errors || fail "health has forgotten: $(cli cluster health)"
! cli pg repair "$pg" --wait --timeout 60 >"$IT_DIR/repair.out" || fail "repaired: $(cat "$IT_DIR/repair.out")"

say "the guest overwrites it, and the placement group is well"
qemu-io -f raw -c 'write -P 0x5c 32M 1M' -c flush "$URI"
cli pg repair "$pg" --wait --timeout 60 || fail "not well: $(cli pg info "$pg")"
! cli cluster health | grep scrub || fail "$(cli cluster health)"
stop "$UP_PID"

say "a placement group is repaired on demand"
damage flip "$(segment 2)" $(($(blocks_of 2 0x5c | sed -n 7p) + 1)) 1
up
cli pg repair "$pg" --wait --timeout 60 >"$IT_DIR/repair.out" || fail "$(cat "$IT_DIR/repair.out")"
cat "$IT_DIR/repair.out"
awk '$1 == 2 && $6 == 1 && $7 == 1 { found = 1 } END { exit !found }' "$IT_DIR/repair.out" || fail "not repaired"
cli pg info "$pg" | grep -q '^repair' || fail "pg info does not tell of it"
refused 1 'unknown-pg|no placement group' cli pg repair 100000
refused 1 'unknown-disk|no disk' cli disk scrub 77
stop "$UP_PID"
(($(blocks_of 2 0x5c | wc -l) >= 256)) || fail "disk 2 holds $(blocks_of 2 0x5c | wc -l) blocks"
