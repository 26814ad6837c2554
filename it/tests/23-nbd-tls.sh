#!/usr/bin/env bash
# NBD over TLS with real clients: libnbd and QEMU with certificates, and those who are refused, with
# what the log says of them.
# timeout: 300
. "$(dirname "$0")/../lib.sh"

C=$IT_DIR/certificates
"$COMET_ROOT/it/tools/certificates" "$C"

# start_tls MODE CERTIFICATE [more]: with certificates of clients unless a third argument says none
start_tls() {
    local ca=(--set "nbd-tls-client-ca=$C/authority/cert.pem")
    [[ ${3:-} != anybody ]] || ca=()
    SIZE=128M start_up --set "nbd-tls=$1" --set "nbd-tls-certificate=$C/$2/server-cert.pem" \
        --set "nbd-tls-key=$C/$2/server-key.pem" "${ca[@]}"
}
as() { echo "nbds://$HOST_PORT/disk0?tls-certificates=$C/$1"; }
# says PATTERN COMMAND…
says() {
    local pattern=$1
    shift
    "$@" >"$IT_DIR/said" || fail "failed: $*"
    grep -q -E -- "$pattern" "$IT_DIR/said" || fail "'$*' does not say '$pattern' but: $(cat "$IT_DIR/said")"
}
logged() { IT_WAIT=10 await grep -q -E -- "$1" "$IT_DIR/up.log"; }

# qemu_as WHO COMMAND…: with %I in place of the image's options
qemu_as() {
    local who=$1 image argument arguments=()
    image=driver=nbd,host=${HOST_PORT%:*},port=${HOST_PORT##*:},export=disk0,tls-creds=tls0
    for argument in "${@:3}"; do arguments+=("${argument//%I/$image}"); done
    "$2" "${arguments[0]}" --object "tls-creds-x509,id=tls0,endpoint=client,dir=$C/$who" "${arguments[@]:1}"
}

say "TLS required, with certificates of clients"
start_tls required server
[[ $URI == nbds://* ]] || fail "the ready line says $URI"
says 'with TLS' nbdinfo "$(as client)"
says disk0 nbdinfo --list "nbds://$HOST_PORT/?tls-certificates=$C/client"
random_file "$IT_DIR/source" 40M
truncate -s 128M "$IT_DIR/source"
nbdcopy "$IT_DIR/source" "$(as client)"
nbdcopy "$(as client)" "$IT_DIR/back"
same "$IT_DIR/source" "$IT_DIR/back"
say "the unix socket serves in the clear, and by TLS"
nbdcopy "$(nbd_uri disk0)" "$IT_DIR/back"
same "$IT_DIR/source" "$IT_DIR/back"
say "QEMU"
says 'virtual size: 128 MiB' qemu_as client qemu-img info --image-opts %I
qemu_as client qemu-img convert --image-opts %I -O raw "$IT_DIR/back"
same "$IT_DIR/source" "$IT_DIR/back"
qemu-io --object "tls-creds-x509,id=tls0,endpoint=client,dir=$C/client" --image-opts \
    -c 'write -P 7 12345 5M' -c 'read -P 7 12345 5M' -c flush -c 'write -z 0 1M' -c 'read -P 0 0 1M' -c 'discard 64M 8M' \
    "driver=nbd,host=${HOST_PORT%:*},port=${HOST_PORT##*:},export=disk0,tls-creds=tls0" | tee "$IT_DIR/io"
! grep -q -i -E 'fail|error' "$IT_DIR/io" || fail "qemu-io"
say "every corner of the protocol, encrypted"
"$COMET_ROOT/it/nbd/protocol.sh" "$(as client)"

say "who is refused, and why"
refused 1 'error' nbdinfo "nbd://$HOST_PORT/disk0"
refused 1 'TLS' qemu-img info "nbd://$HOST_PORT/disk0"
# Lines that come too often in a second are left out of the log: tried again until it says why.
in_the_clear() { ! nbdinfo "nbd://$HOST_PORT/disk0" && grep -q 'nbd-refused .*TLS is required' "$IT_DIR/up.log"; }
await in_the_clear
turned_away() { ! nbdinfo "$(as "$1")" && grep -q -E -- "$2" "$IT_DIR/up.log"; }
await turned_away stranger "TLS: the client's certificate is not of the authority"
await turned_away client-expired "TLS: the client's certificate has expired"
await turned_away anybody 'TLS: the client shows no certificate'
await turned_away distrustful 'TLS: the client (refuses the server|left)'
refused 1 '' qemu_as distrustful qemu-img info --image-opts %I
nbdinfo "$(as client)" >"$IT_DIR/info"
! grep -E ' ERROR ' "$IT_DIR/up.log" || fail "errors in the log"
stop "$UP_PID" || fail "stop"

say "TLS optional, for anybody; the key is RSA's in PKCS#1"
start_tls optional rsa anybody
says 'without TLS' nbdinfo "nbd://$HOST_PORT/disk0"
says 'with TLS' nbdinfo "$(as anybody)"
stop "$UP_PID" || fail "stop"

say "a certificate that has expired"
start_tls required server-expired
logged 'ERROR .*nbd-certificate-expired'
refused 1 'certificate' nbdinfo "$(as client)"
nbdinfo "$(nbd_uri disk0)" >"$IT_DIR/info"
stop "$UP_PID" || fail "stop"

say "what cannot be used"
up() { comet up --data "$DATA" --nbd "${NBD:-127.0.0.1:0}" --admin 127.0.0.1:0 "$@"; }
refused 2 'nbd-tls-certificate' up --set nbd-tls=required
refused 2 'off, optional or required' up --set nbd-tls=perhaps
refused 1 'do not belong together' up --set nbd-tls=required --set "nbd-tls-certificate=$C/server-expired/server-cert.pem" \
    --set "nbd-tls-key=$C/server/server-key.pem"
NBD=0.0.0.0:0 refused 2 'insecure' up --set nbd-tls=required --set "nbd-tls-certificate=$C/rsa/server-cert.pem" \
    --set "nbd-tls-key=$C/rsa/server-key.pem"

say "the same for a gateway of its own, reachable by others"
start_tls required server
stop "$UP_PID" || fail "stop"
rm -rf "$DATA"
NBD=0.0.0.0:0 SIZE=128M start_up --nodes 2 --set nbd-tls=required --set "nbd-tls-certificate=$C/server/server-cert.pem" \
    --set "nbd-tls-key=$C/server/server-key.pem" --set "nbd-tls-client-ca=$C/authority/cert.pem"
HOST_PORT=127.0.0.1:${HOST_PORT##*:}
nbdinfo "$(as client)" >"$IT_DIR/info"
stop "$UP_PID" || fail "stop"
