# Test guests, for scripts that have sourced ../lib.sh.
# shellcheck shell=bash

# Builds what guests boot from, once for all tests.
guest_prepare() {
    GUEST_DIR=$COMET_ROOT/it/target/guest
    "$COMET_ROOT/it/guest/build.sh" "$GUEST_DIR"
}

# KVM where a kernel says its first words under it within 3 s, else emulation; found out once (some
# hosts have /dev/kvm, but nothing runs under it).
guest_accel() {
    [ -z "${GUEST_ACCEL:-}" ] || return 0
    GUEST_ACCEL="-accel tcg -cpu max"
    if [ -w /dev/kvm ] && timeout 3 qemu-system-x86_64 -accel kvm -cpu max -M q35 -m 256 -nodefaults \
        -display none -no-reboot -kernel "$GUEST_DIR/vmlinuz" -append "console=ttyS0 panic=-1" \
        -serial stdio </dev/null 2>/dev/null | grep -q 'Linux version'; then
        GUEST_ACCEL="-accel kvm -cpu max"
    fi
    export GUEST_ACCEL
}

# guest_start CONSOLE NBD-OPTIONS KERNEL-WORDS...: starts a guest in the background with the volume as
# its disk; its console goes to the file CONSOLE, its pid to $GUEST_PID.
# NBD-OPTIONS: e.g. server.type=unix,server.path=SOCK,export=disk0
# More for QEMU in the array GUEST_MORE, more for the disk's device in GUEST_DISK, such as werror=report.
GUEST_MORE=()
guest_start() {
    local console=$1 nbd=$2
    shift 2
    : >"$console"
    guest_accel
    # shellcheck disable=SC2086
    qemu-system-x86_64 -M q35 $GUEST_ACCEL -m 256 -smp 1 -nodefaults -display none -no-reboot \
        -kernel "$GUEST_DIR/vmlinuz" -initrd "$GUEST_DIR/initrd" \
        -append "console=ttyS0 quiet panic=-1 no_timer_check $*" \
        -serial "file:$console" \
        -blockdev "driver=nbd,node-name=disk,$nbd,reconnect-delay=120,discard=unmap,cache.direct=on" \
        -device "virtio-blk-pci,id=vda,drive=disk,discard=on,write-zeroes=on${GUEST_DISK:+,$GUEST_DISK}" \
        "${GUEST_MORE[@]}" >"$console.qemu" 2>&1 &
    GUEST_PID=$!
    own $GUEST_PID
}

# guest_wait CONSOLE PATTERN SECONDS: until a line of the console matches.
guest_wait() {
    local end=$((SECONDS + $3))
    until grep -qE "$2" "$1"; do
        if grep -q 'guest: FAILED' "$1"; then
            echo "guest failed: $(grep 'guest: FAILED' "$1")" >&2
            return 1
        fi
        if ! kill -0 "$GUEST_PID" 2>/dev/null && ! grep -qE "$2" "$1"; then
            echo "guest ended without '$2': $(tail -n 3 "$1" "$1.qemu")" >&2
            return 1
        fi
        [ $SECONDS -lt $end ] || { echo "no '$2' from the guest in $3 s: $(tail -n 3 "$1")" >&2; return 1; }
        sleep 0.1
    done
}

# guest_last CONSOLE WORD: the last number that the guest told with that word (-1 if none).
guest_last() {
    tr -d '\r' <"$1" | sed -n "s/^guest: $2 \([0-9][0-9]*\)\$/\1/p" | tail -n 1 | grep . || echo -1
}

# guest_wait_past CONSOLE WORD NUMBER SECONDS: until the guest has told a number above NUMBER.
guest_wait_past() {
    local end=$((SECONDS + $4))
    until [ "$(guest_last "$1" "$2")" -gt "$3" ]; do
        kill -0 "$GUEST_PID" 2>/dev/null || { echo "guest ended: $(tail -n 3 "$1" "$1.qemu")" >&2; return 1; }
        ! grep -q 'guest: FAILED' "$1" || { grep 'guest: FAILED' "$1" >&2; return 1; }
        [ $SECONDS -lt $end ] || { echo "guest stays at $2 $(guest_last "$1" "$2") for $4 s" >&2; return 1; }
        sleep 0.1
    done
}

guest_kill() {
    kill -9 "$GUEST_PID" 2>/dev/null || true
    wait "$GUEST_PID" 2>/dev/null || true
}

# guest_end SECONDS: until the guest has powered off.
guest_end() {
    timeout "$1" tail --pid="$GUEST_PID" -f /dev/null || { guest_kill; return 1; }
    wait "$GUEST_PID" 2>/dev/null || true
}
