package comet.volume;

import comet.base.TokenBucket;
import comet.cluster.VolumeLimits;
import comet.port.Loop;
import org.jspecify.annotations.Nullable;

/// Keeps one volume within the rates that its operator has set. What comes too early waits in the
/// volume's own queue, so other volumes notice nothing, and one timer wakes the queue, not one for
/// each request.
///
/// Flushes and questions cost nothing and never wait. Nothing waits where all clients have left, or
/// are leaving: it is still charged, so nobody gains by leaving.
final class RateLimit {
    /// Unused rate for so long may always be used: timers come late, and a loop that is busy does.
    static final long BURST_NS_MIN = 100_000_000L;

    /// Between two looks at the queue, at least: a high rate is kept in small portions.
    static final long WAKE_NS_MIN = 1_000_000L;

    /// Requests longer than that count so much: what does so is a zeroing of gigabytes.
    private static final long BYTES_COUNTED_MAX = 1L << 32;

    /// Data that front ends may hold for a volume that waits, and with a limit of bytes beside that
    /// a quarter of a second's: more would only lie there, and others need the memory.
    private static final long HELD_BYTES_MIN = 1L << 20;

    private final Volume volume;
    private final TokenBucket requests = new TokenBucket();
    private final TokenBucket bytes = new TokenBucket();
    private final Runnable wake = this::wake;
    private VolumeLimits limits = VolumeLimits.NONE;
    private Loop.@Nullable Timer timer;
    private boolean waiting;
    private long waitingSinceNs;

    /// When the last wait ended: what came before had to wait, too.
    private long waitedUntilNs = Long.MIN_VALUE;

    private long throttledNs;
    private long throttledRequests;

    RateLimit(Volume volume) {
        this.volume = volume;
    }

    /// The limits from now on; what waits goes on by them.
    void set(VolumeLimits newLimits) {
        if (newLimits.equals(limits)) {
            return;
        }
        limits = newLimits;
        long nowNs = nowNs();
        long burstNs = Math.max(BURST_NS_MIN, newLimits.burstSeconds() * GatewayConfig.SECOND_NS);
        requests.set(newLimits.iops(), burstNs, nowNs);
        bytes.set(newLimits.bytesPerSecond(), burstNs, nowNs);
        if (timer != null) {
            timer.cancel();
            timer = null;
        }
        volume.pump();
    }

    private long nowNs() {
        return volume.gateway().loop().nowNs();
    }

    /// Whether the request never waits.
    static boolean isFree(Request request) {
        return request.kind == Request.Kind.FLUSH || request.kind == Request.Kind.STATUS;
    }

    /// What the request moves.
    private static long bytes(Request request) {
        return switch (request.kind) {
            case READ, WRITE -> request.length;
            case ZERO ->
                    (request.flags & BlockDevice.NO_HOLE) != 0
                            ? Math.min(request.length, BYTES_COUNTED_MAX)
                            : 0;
            case TRIM, FLUSH, STATUS -> 0;
        };
    }

    /// Whether the request may begin; if not the volume is pumped when it is time.
    boolean admits(Request request) {
        if (limits.unlimited() || isFree(request)) {
            return true;
        }
        long nowNs = nowNs();
        long waitNs = requests.waitNs(nowNs);
        if (bytes(request) > 0) {
            waitNs = Math.max(waitNs, bytes.waitNs(nowNs));
        }
        if (waitNs == 0 || volume.clients().allLeave()) {
            return true;
        }
        if (!waiting) {
            waiting = true;
            waitingSinceNs = nowNs;
        }
        if (timer == null) {
            timer = volume.gateway().loop().schedule(Math.max(WAKE_NS_MIN, waitNs), wake);
        }
        return false;
    }

    /// The request begins now.
    void took(Request request) {
        if (limits.unlimited() && !waiting || isFree(request)) {
            return;
        }
        long nowNs = nowNs();
        endWait(nowNs);
        if (request.startNs < waitedUntilNs) {
            throttledRequests++;
        }
        requests.take(1, nowNs);
        bytes.take(bytes(request), nowNs);
    }

    private void endWait(long nowNs) {
        if (waiting) {
            waiting = false;
            waitedUntilNs = nowNs;
            throttledNs += nowNs - waitingSinceNs;
        }
    }

    /// What waited was called off.
    void calledOff() {
        endWait(nowNs());
    }

    private void wake() {
        timer = null;
        volume.pump();
    }

    /// Data that front ends may hold for the volume before they take no more from its clients.
    long heldBytesMax() {
        if (!waiting && bytes.unlimited()) {
            return Long.MAX_VALUE;
        }
        return Math.max(HELD_BYTES_MIN, limits.bytesPerSecond() / 4);
    }

    /// How long requests have waited for the limits, all together as one.
    long throttledNs() {
        return throttledNs + (waiting ? nowNs() - waitingSinceNs : 0);
    }

    /// Requests that have.
    long throttledRequests() {
        return throttledRequests;
    }
}
