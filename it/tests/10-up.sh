#!/usr/bin/env bash
# `comet up`: serves a first volume, keeps data over stops and kills, ends with status 0 on SIGTERM.
# timeout: 300
. "$(dirname "$0")/../lib.sh"

say "first start"
SIZE=1G start_up
nbdinfo "$URI" | grep -q 'export-size: 1073741824'
nbdinfo --list "nbd://$HOST_PORT" | grep -q disk0
nbdinfo "$(nbd_uri disk0)" >/dev/null
grep -q 'qemu-system' "$IT_DIR/up.out"

say "what is written is read back, also at odd offsets and over chunk borders"
qemu-io -f raw -c 'write -P 0xab 4190000 10000' -c 'read -P 0xab 4190000 10000' \
    -c 'read -P 0 4180992 4096' -c 'write -P 0xcd 100M 8M' -c flush "$URI"

say "a clean stop"
stop "$UP_PID" || fail "status $?"
[[ ! -e $DATA/admin.sock ]] || fail "the admin socket is still there"

say "second start: everything is there"
started=$EPOCHREALTIME
start_up
echo "second start took $(awk "BEGIN { print $EPOCHREALTIME - $started }") s"
qemu-io -r -f raw -c 'read -P 0xab 4190000 10000' -c 'read -P 0xcd 100M 8M' "$URI"
cli volume list | grep -q 'disk0'
[[ $(cli volume list --json | jq '.volumes | length') == 1 ]]

say "kill -9 after a flush"
qemu-io -f raw -c 'write -P 0x77 200M 1M' -c flush "$URI"
kill9 "$UP_PID"
start_up
qemu-io -r -f raw -c 'read -P 0x77 200M 1M' -c 'read -P 0xcd 100M 8M' "$URI"
IT_WAIT=30 await cli cluster health

say "metrics"
curl -s -H "Authorization: Bearer $(cat "$DATA/admin.token")" "http://$(cat "$DATA/admin.address")/metrics" \
    >"$IT_DIR/metrics"
grep -q 'comet_volume_operation_seconds_count{.*volume="disk0",operation="read"} [1-9]' "$IT_DIR/metrics"
grep -q '^comet_disk_journal_used_ratio' "$IT_DIR/metrics"
curl -s -o /dev/null -w '%{http_code}' "http://$(cat "$DATA/admin.address")/metrics" | grep -q 401

say "SIGINT stops it as well"
kill -INT "$UP_PID"
status=0
wait "$UP_PID" || status=$?
((status == 0)) || fail "status $status after SIGINT"
