package comet.replica;

import comet.base.TokenBucket;
import comet.cluster.ClusterSetting;
import comet.cluster.ClusterSettings;
import comet.port.Loop;
import java.util.ArrayDeque;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Divides one disk between guests and recovery, on the side that copies and on the side that is
/// copied from. Recovery goes in small steps: a read of some blocks, or putting some. As long as
/// guests ask for something, a step may begin only
///
/// - after a rest in proportion to what the step before took: with a share of 70% a step of 3 ms is
///   followed by 7 ms in which the disk is the guests' alone. One that takes long because guests
///   keep the disk busy is followed by a long rest, so nobody has to know what the disk can do.
/// - or as soon as guests have earned it: with that share recovery may do 3 units of work for each
///   7 that guests were served. Otherwise a disk that many guests saturate would not get ahead with
///   its one step at a time. A request is a unit, and each block is one more.
///
/// Where guests have asked for nothing for a while recovery goes as fast as it can, up to the rate
/// that the operator has set. Both are settings of the cluster and count from the next step on.
final class FairShare {
    /// Guests who have asked for nothing for so long are idle.
    static final long IDLE_NS = 200_000_000L;

    /// Steps at a time where guests are idle, and where they have earned them.
    static final int AT_ONCE = Limits.PULLS_MAX * Limits.PULL_READS_MAX;

    static final int EARNED_AT_ONCE = 4;

    /// The longest rest: a step that met a pause of its source would else be followed by a long
    /// one.
    static final long REST_NS_MAX = 500_000_000L;

    /// Earned work is kept for a few of the largest steps.
    private static final long CREDIT_MAX = 100L * 4 * (1 + Limits.PULL_READ_BLOCKS);

    /// How long the rate that was not used stays to be had.
    private static final long RATE_BURST_NS = 100_000_000L;

    /// What recovery wants to do. To be ended by [Permit#end], also where nothing is left to be
    /// done.
    interface Step {
        void run(Permit permit);
    }

    private record Asked(int blocks, long rateBytes, Step step) {}

    private final Loop loop;
    private final Supplier<ClusterSettings> settings;
    private final TokenBucket rate = new TokenBucket();
    private final ArrayDeque<Asked> queue = new ArrayDeque<>();
    private final Runnable startNext = this::startNext;
    private long guestAtNs;

    /// Work that guests have earned for recovery, in hundredths.
    private long credit;

    private long restUntilNs;
    private int running;
    private boolean starting;
    private Loop.@Nullable Timer timer;

    /// @param settings of the cluster, as they are now
    FairShare(Loop loop, Supplier<ClusterSettings> settings) {
        this.loop = loop;
        this.settings = settings;
        // Whoever has just started is about to be asked by guests.
        guestAtNs = loop.nowNs();
        restUntilNs = guestAtNs;
    }

    /// A step of recovery under way.
    final class Permit {
        private final long beganNs;
        private boolean ended;

        private Permit(long beganNs) {
            this.beganNs = beganNs;
        }

        /// The step is over.
        void end() {
            if (!ended) {
                ended = true;
                FairShare.this.ended(loop.nowNs() - beganNs);
            }
        }
    }

    private int share() {
        return (int) settings.get().of(ClusterSetting.RECOVERY_SHARE);
    }

    /// A guest has asked for something.
    void guest(int blocks) {
        guestAtNs = loop.nowNs();
        if (running == 0 && queue.isEmpty()) {
            return;
        }
        credit = Math.min(CREDIT_MAX, credit + (long) (1 + blocks) * (100 - share()));
        if (!queue.isEmpty() && running < EARNED_AT_ONCE && hasEarned(queue.element().blocks)) {
            startSoon();
        }
    }

    private boolean hasEarned(int blocks) {
        return credit >= (long) (1 + blocks) * share();
    }

    boolean guestsIdle() {
        return share() == 0 || loop.nowNs() - guestAtNs >= IDLE_NS;
    }

    /// Runs `step` when it is its turn, never inside this call.
    ///
    /// @param blocks that it moves
    /// @param rateBytes what of that counts for the operator's rate
    void ask(int blocks, long rateBytes, Step step) {
        queue.add(new Asked(blocks, rateBytes, step));
        startSoon();
    }

    /// A step that guests wait for: it begins now, and is charged like others.
    Permit urgent(int blocks) {
        return begin(blocks);
    }

    /// Other settings count from now on.
    void settingsChanged() {
        startSoon();
    }

    void close() {
        queue.clear();
        if (timer != null) {
            timer.cancel();
        }
    }

    private void startSoon() {
        if (!starting) {
            starting = true;
            loop.execute(startNext);
        }
    }

    private void startNext() {
        starting = false;
        if (timer != null) {
            timer.cancel();
            timer = null;
        }
        rate.set(settings.get().of(ClusterSetting.RECOVERY_RATE), RATE_BURST_NS, loop.nowNs());
        while (!queue.isEmpty()) {
            long waitNs = waitNs(queue.element());
            if (waitNs > 0) {
                timer = loop.schedule(waitNs, startNext);
                return;
            }
            if (waitNs < 0) {
                return;
            }
            Asked next = queue.remove();
            Permit permit = begin(next.blocks);
            rate.take(next.rateBytes, loop.nowNs());
            next.step.run(permit);
        }
    }

    /// How long until the next step may begin: 0 now, below 0 when one that is under way has ended.
    private long waitNs(Asked next) {
        long nowNs = loop.nowNs();
        long rateNs = next.rateBytes == 0 ? 0 : rate.waitNs(nowNs);
        if (rateNs > 0) {
            return rateNs;
        }
        if (guestsIdle()) {
            return running < AT_ONCE ? 0 : -1;
        }
        if (running < EARNED_AT_ONCE && hasEarned(next.blocks)) {
            return 0;
        }
        long idleNs = guestAtNs + IDLE_NS - nowNs;
        if (running > 0) {
            return idleNs;
        }
        return Math.max(0, Math.min(restUntilNs - nowNs, idleNs));
    }

    private Permit begin(int blocks) {
        running++;
        credit = Math.max(-CREDIT_MAX, credit - (long) (1 + blocks) * share());
        return new Permit(loop.nowNs());
    }

    private void ended(long tookNs) {
        running--;
        int share = share();
        long restNs = Math.min(REST_NS_MAX, tookNs * share / (100 - share));
        restUntilNs = Math.max(restUntilNs, loop.nowNs() + restNs);
        if (!queue.isEmpty()) {
            startSoon();
        }
    }
}
