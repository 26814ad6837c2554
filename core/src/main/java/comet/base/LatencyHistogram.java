package comet.base;

/// Counts of durations in buckets whose width is 1/8 of their power of two (error below 13%), from
/// 1 µs to 137 s. Written by one loop; a reader on another thread sees a slightly old state.
public final class LatencyHistogram {
    private static final int STEPS = 8;
    private static final int POWERS = 28;
    private final long[] counts = new long[STEPS * POWERS];
    private long totalNs;
    private long count;

    public void record(long durationNs) {
        counts[bucket(durationNs)]++;
        totalNs += Math.max(0, durationNs);
        count++;
    }

    public long count() {
        return count;
    }

    public long totalNs() {
        return totalNs;
    }

    /// The upper edge, in ns, of the bucket below which `fraction` (0 to 1) of all samples lie; 0
    /// if there are none.
    public long quantileNs(double fraction) {
        long target = (long) Math.ceil(count * fraction);
        long seen = 0;
        for (int i = 0; i < counts.length; i++) {
            seen += counts[i];
            if (seen >= target && seen > 0) {
                return upperNs(i);
            }
        }
        return 0;
    }

    /// How many samples lie at or below the bucket that holds `limitNs`.
    public long countBelow(long limitNs) {
        long sum = 0;
        int last = bucket(limitNs);
        for (int i = 0; i <= last; i++) {
            sum += counts[i];
        }
        return sum;
    }

    private static int bucket(long ns) {
        long us = Math.max(ns, 0) / 1000;
        if (us < STEPS) {
            return (int) us;
        }
        int power = 63 - Long.numberOfLeadingZeros(us);
        int step = (int) (us >>> power - 3) & STEPS - 1;
        return Math.min((power - 2) * STEPS + step, STEPS * POWERS - 1);
    }

    private static long upperNs(int bucket) {
        if (bucket < STEPS) {
            return (bucket + 1) * 1000L;
        }
        int power = bucket / STEPS + 2;
        int step = bucket % STEPS;
        return (STEPS + step + 1L << power - 3) * 1000L;
    }
}
