#!/usr/bin/env bash
# Bits that turn over in a journal after a kill: of what was durable, the disk says so and takes the
# data from the other replica; a torn tail is simply the end of the log.
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/cluster.sh"
. "$COMET_ROOT/it/damage.sh"

SIZE=1G start_up --set journal-size=64M
URI=$(nbd_uri disk0)

# Everything is killed under a writer.
kill_under_writer() {
    writer_start "$1"
    writer_past "$1" 3000
    say "kill -9"
    kill9 "$UP_PID"
    writer_stop "$1"
}

again() {
    local port=$URI
    start_up
    URI=$port
}

say "the tails of both journals are torn"
FLUSH_EVERY=3000 kill_under_writer 1
damage tail "$DATA/disk-1/journal"
# A crash tears what nobody was promised: not the batch of a flush that was answered. What came
# after it may be in memory alone; a batch takes 224 of these writes, so that behind 600 the last one
# in the ring is younger than the flush.
if (($(awk '/^f/ { n = 0 } /^a/ { n++ } END { print n }' "$IT_DIR/acked-1") > 600)); then
    damage tail "$DATA/disk-2/journal"
fi
again
no_event journal-damaged
writer_verify 1 --flushed
IT_WAIT=30 await cli cluster health

say "a bit in the durable part of the first disk's journal"
kill_under_writer 2
damage durable "$DATA/disk-1/journal"
again
event journal-damaged >/dev/null || fail "no event journal-damaged"
writer_verify 2 --flushed
IT_WAIT=30 await cli cluster health
writer_verify 2 --flushed
writer_verify 1 --flushed
grep -q '"damaged" *: *false' "$DATA/disk-1/start.json" || fail "the disk is still called damaged: $(cat "$DATA/disk-1/start.json")"

say "and then of the second's: what the first has recovered is all that there is"
kill_under_writer 3
damage durable "$DATA/disk-2/journal"
again
event journal-damaged >/dev/null || fail "no event journal-damaged"
for seed in 1 2 3; do writer_verify $seed --flushed; done
IT_WAIT=30 await cli cluster health
stop "$UP_PID"
! ls "$DATA"/disk-*/start.json | xargs grep -l '"damaged" *: *true' || fail "a disk is still called damaged"
