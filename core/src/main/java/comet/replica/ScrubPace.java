package comet.replica;

/// Spreads the steps of a scrub over time: at a set rate, slower where guests are busy, or one step
/// right behind the other where an operator waits.
final class ScrubPace {
    private final DiskServer disk;
    private final long bytesPerSecond;
    private long freeAtNs;
    private long lookedNs;
    private long requests;

    /// @param bytesPerSecond 0: as fast as it goes
    ScrubPace(DiskServer disk, long bytesPerSecond) {
        this.disk = disk;
        this.bytesPerSecond = bytesPerSecond;
        freeAtNs = disk.loop().nowNs();
        lookedNs = freeAtNs;
        requests = requests();
    }

    /// Runs `next` when it is time for it after a step that read so many bytes.
    void after(long bytes, Runnable next) {
        if (bytesPerSecond == 0) {
            disk.loop().execute(next);
            return;
        }
        long now = disk.loop().nowNs();
        long step = Math.max(bytes, Limits.SCRUB_STEP_BYTES_MIN);
        double seconds =
                (double) step * (busy(now) ? Limits.SCRUB_BUSY_FACTOR : 1) / bytesPerSecond;
        freeAtNs = Math.max(freeAtNs, now) + (long) (seconds * 1e9);
        disk.loop().schedule(freeAtNs - now, next);
    }

    private boolean busy(long now) {
        long since = requests() - requests;
        long ns = now - lookedNs;
        requests += since;
        lookedNs = now;
        boolean guests = since * 1e9 > (double) Limits.SCRUB_BUSY_PER_SECOND * ns;
        return guests || disk.pulls().activeCount() > 0;
    }

    private long requests() {
        ReplicaCounters counters = disk.counters();
        return counters.reads + counters.writes + counters.syncs;
    }
}
