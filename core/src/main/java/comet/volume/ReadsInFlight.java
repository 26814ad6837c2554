package comet.volume;

import comet.base.Sizes;
import org.jspecify.annotations.Nullable;

/// The reads that one disk owes answers to, oldest first, and how fast it gives them. Finds out
/// whether it is so slow that others should be asked instead.
final class ReadsInFlight {
    /// A disk that owes answers and gives none for so long is slow: hundreds of times the usual.
    static final long SLOW_NS = 200_000_000;

    /// One that takes so many times as long as another, and no less than this, is slow as well.
    private static final int SLOW_TIMES = 8;

    private static final long SLOW_MIN_NS = 4_000_000;

    /// How much the newest answer counts in the mean.
    private static final int MEAN_SHIFT = 4;

    private final DiskLane lane;
    private @Nullable ReadPart first;
    private @Nullable ReadPart last;
    private long bytes;
    private long meanNs;

    ReadsInFlight(DiskLane lane) {
        this.lane = lane;
    }

    long bytes() {
        return bytes;
    }

    void sent(ReadPart part, long nowNs) {
        bytes += (long) part.blockCount * Sizes.BLOCK_BYTES;
        part.sentAtNs = nowNs;
        part.sentPrevious = last;
        part.sentNext = null;
        if (last == null) {
            first = part;
        } else {
            last.sentNext = part;
        }
        last = part;
    }

    void ended(ReadPart part) {
        bytes -= (long) part.blockCount * Sizes.BLOCK_BYTES;
        ReadPart before = part.sentPrevious;
        ReadPart after = part.sentNext;
        if (before == null) {
            first = after;
        } else {
            before.sentNext = after;
        }
        if (after == null) {
            last = before;
        } else {
            after.sentPrevious = before;
        }
        part.sentPrevious = null;
        part.sentNext = null;
    }

    void answered(ReadPart part, long nowNs) {
        meanNs += (nowNs - part.sentAtNs - meanNs) >> MEAN_SHIFT;
    }

    /// Owes answers and gives none.
    boolean hangs(long nowNs) {
        return lane.up() && nowNs - lane.silentSinceNs() >= SLOW_NS;
    }

    /// Takes far longer than the other.
    boolean slowerThan(ReadsInFlight other) {
        return meanNs >= SLOW_MIN_NS && meanNs > SLOW_TIMES * other.meanNs;
    }

    /// Has those that wait for long already go elsewhere, where they can.
    void moveSlow(long nowNs) {
        ReadPart part = first;
        while (part != null && nowNs - part.sentAtNs >= SLOW_NS) {
            ReadPart next = part.sentNext;
            part.moveAway(nowNs);
            part = next;
        }
    }
}
