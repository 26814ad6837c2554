#!/usr/bin/env bash
# Limits of a volume: the rate that fio sees is the rate that is set, a change counts at once for a client
# that is connected, another volume beside it is not slowed down, flush and disconnect do not wait, and the
# settings of the cluster are read, changed and refused.
# timeout: 180
. "$(dirname "$0")/../lib.sh"

start_up
cli volume create free --size 256M
[[ $(cli volume create slow --size 256M --iops 200 --bandwidth 4M --burst-seconds 2) == "created volume slow"* ]]
cli volume info slow | grep -q '^limits *200 requests/s, 4 MiB/s, bursts of 2 s$' || fail "$(cli volume info slow)"

# Requests in each second of a job that runs against VOLUME for SECONDS: seconds VOLUME SECONDS BS OPTIONS…
job() {
    local volume=$1 seconds=$2 bs=$3
    shift 3
    fio --name="$volume" --ioengine=nbd --uri="$(nbd_uri "$volume")" --rw=randwrite --bs="$bs" --iodepth=16 \
        --size=64m --norandommap --time_based --runtime="$seconds" --output-format=json \
        --output="$IT_DIR/$volume.json" "$@" >"$IT_DIR/$volume.err" 2>&1 || fail "fio: $(cat "$IT_DIR/$volume.err")"
}
iops() { jq '.jobs[0].write.iops | floor' "$IT_DIR/$1.json"; }
# Above the limit is wrong; how far below it a busy machine stays says nothing.
between() { (($1 >= $2 && $1 <= $3)) || fail "$4: $1 is not in $2 to $3"; }

say "requests a second, after the allowance for a burst"
job slow 8 4k --ramp_time=4
between "$(iops slow)" 100 215 "200 requests a second"

say "bytes a second"
cli volume set slow --iops 0 --burst-seconds 0 | grep -q 'volume slow: 4 MiB/s$'
job slow 6 64k --ramp_time=1
between "$(iops slow)" 30 70 "4 MiB a second in 64 KiB"

say "a change counts at once for who is connected, and another volume goes on beside it"
cli volume set slow --iops 100 --bandwidth 0
job slow 17 4k --write_iops_log="$IT_DIR/slow" --log_avg_msec=1000 &
own $!
slow=$!
job free 12 4k &
own $!
free=$!
# The seconds that are looked at below lie well behind each change, however slow the command is.
sleep 4
cli volume set slow --iops 1000
sleep 5
cli volume set slow --iops 300
wait $slow && wait $free
mapfile -t seconds < <(awk -F, '{ print $2 }' "$IT_DIR"/slow_iops.*.log)
echo "requests in each second: ${seconds[*]}"
between "${seconds[2]}" 50 130 "100 requests a second"
between "${seconds[7]}" 450 1300 "1000 requests a second"
between "${seconds[15]}" 140 400 "300 requests a second"
echo "requests a second of the volume without a limit: $(iops free)"
between "$(iops free)" 400 1000000 "a volume without a limit"
(($(cli volume info slow --json | jq .throttledRequests) > 1000)) || fail "no request was throttled"
cli volume info slow | grep -E '^throttled +[0-9]+ requests, [0-9.]+ s$'
curl -s --unix-socket "$DATA/admin.sock" http://x/metrics | grep -E '^comet_volume_throttled_requests_total\{.*volume="slow"' ||
    fail "no metric of throttled requests"

say "a flush and a disconnect do not wait for the limit"
cli volume set slow --iops 1
# The client has six seconds for what the limit would make take a minute.
timeout 6 nbdsh -u "$(nbd_uri slow)" -c '
import time
h.pwrite(b"x" * 4096, 0)
buffers = [nbd.Buffer.from_bytearray(bytearray(4096)) for n in range(60)]
for n, buffer in enumerate(buffers):
    h.aio_pwrite(buffer, n * 4096)
begin = time.monotonic()
h.flush()
assert time.monotonic() - begin < 2, "the flush took %.1f s" % (time.monotonic() - begin)
h.shutdown()
' || fail "the client was held up"
cli volume set slow --iops 0

say "what is no limit is refused"
refused 1 "0 \(none\) to" cli volume set slow --iops -1
refused 2 "is no size" cli volume set slow --bandwidth fast
refused 2 "Set what" cli volume set slow
refused 1 "burst allowance" cli volume set slow --burst-seconds 99999
refused 1 "there is no volume" cli volume set nothing --iops 1

say "settings of the cluster"
[[ $(cli cluster set recovery-share=55% recovery-rate=64M | tr '\n' ' ') == "recovery-share 55% recovery-rate 64M " ]]
cli cluster settings
[[ $(cli cluster settings --json | jq -r '.settings[] | select(.key == "recovery-share") | .value') == 55% ]]
refused 1 "no setting" cli cluster set recovery-shar=50%
refused 1 "percentage" cli cluster set recovery-share=fast
refused 2 "KEY=VALUE" cli cluster set recovery-share
stop "$UP_PID"
start_up
[[ $(cli cluster settings --json | jq -r '.settings[] | select(.key == "recovery-share") | .value') == 55% ]] ||
    fail "settings do not outlive a restart"
cli volume info slow | grep -q 'limits *no limits' || fail "$(cli volume info slow)"
[[ $(cli cluster set recovery-share= recovery-rate=) == "recovery-share 80%"* ]]
