package comet.replica;

/// Spreads bytes over time: at most so many per second, in bursts of a tenth of that.
final class Throttle {
    private final long bytesPerSecond;
    private long freeAtNs;

    Throttle(long bytesPerSecond) {
        this.bytesPerSecond = bytesPerSecond;
    }

    /// Takes `bytes`.
    ///
    /// @return how long to wait before they are moved, in ns
    long take(long bytes, long nowNs) {
        freeAtNs = Math.max(freeAtNs, nowNs - 100_000_000L);
        freeAtNs += (long) (bytes * (1e9 / bytesPerSecond));
        return Math.max(0, freeAtNs - nowNs);
    }
}
