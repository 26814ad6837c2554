package comet.volume;

import comet.cluster.ClusterSetting;
import comet.cluster.DiskInfo;
import comet.cluster.DiskLife;
import comet.port.Events;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import java.util.function.ToLongFunction;

/// Finds disks that answer far slower than the others, for long. Readers spare such a disk at once
/// ([ReadPlan]); writes and flushes need all members, so guests wait for it until the group goes on
/// without it.
///
/// Slow is judged against what others took within the same seconds: a gateway whose own link or
/// host is slow finds all of them so, and says nothing of any.
final class SlowDisks {
    /// How often to look.
    static final long INTERVAL_NS = GatewayConfig.SECOND_NS;

    /// No second of a disk is slow below this, so nothing that keeps up with a spinning disk is.
    private static final long SLOW_NS = 250_000_000;

    /// Nor one in which it did not take so many times what the others took.
    private static final int SLOW_TIMES = 8;

    /// For so long it counts what a disk took: others are asked for nothing while everybody waits
    /// for the slow one.
    private static final long FRESH_NS = 5 * GatewayConfig.SECOND_NS;

    /// A slow second is forgotten after so many in which the disk was asked for nothing.
    private static final int IDLE_SECONDS = 5;

    private final Gateway gateway;
    private final TreeMap<Integer, Seen> seen = new TreeMap<>();
    private final List<DiskLife> slow = new ArrayList<>();

    /// What one lane of a disk took last, and when that was found.
    private static final class Took {
        private long ns = -1;
        private long atNs;

        private void look(AnswerTimes times, long nowNs) {
            long felt = times.takeFeltNs(nowNs);
            if (felt >= 0) {
                ns = felt;
                atNs = nowNs;
            }
        }

        private boolean isNow(long nowNs) {
            return ns >= 0 && atNs == nowNs;
        }

        private boolean isFresh(long nowNs, long forNs) {
            return ns >= 0 && nowNs - atNs <= forNs;
        }
    }

    /// What is known of one life of a disk.
    private static final class Seen {
        private final long bootId;
        private final Took write = new Took();
        private final Took read = new Took();

        /// Slow seconds, less the others since; not below 0.
        private int seconds;

        private int idle;
        private boolean told;

        private Seen(long bootId) {
            this.bootId = bootId;
        }
    }

    SlowDisks(Gateway gateway) {
        this.gateway = gateway;
    }

    /// Those that were slow for as long as the operator allows, and not otherwise for half as long
    /// since.
    List<DiskLife> slow() {
        return slow;
    }

    /// The group goes on without the disk: when it is back, it is judged anew.
    void leftBehind(int diskId) {
        seen.remove(diskId);
    }

    /// To be called at each interval.
    void tick(Collection<DiskPeer> peers) {
        long nowNs = gateway.loop().nowNs();
        seen.keySet().removeIf(id -> gateway.map().disk(id) == null);
        for (DiskPeer peer : peers) {
            DiskInfo info = gateway.map().disk(peer.diskId());
            if (info == null) {
                continue;
            }
            Seen disk = seen.get(peer.diskId());
            if (disk == null || disk.bootId != info.bootId()) {
                disk = new Seen(info.bootId());
                seen.put(peer.diskId(), disk);
            }
            disk.write.look(peer.write().times(), nowNs);
            disk.read.look(peer.read().times(), nowNs);
        }
        int bound = (int) gateway.map().settings().of(ClusterSetting.SLOW_AFTER);
        slow.clear();
        seen.forEach((diskId, disk) -> judge(diskId, disk, bound, nowNs));
    }

    private void judge(int diskId, Seen disk, int bound, long nowNs) {
        boolean asked = disk.write.isNow(nowNs) || disk.read.isNow(nowNs);
        boolean now =
                isSlow(disk, disk.write, other -> fresh(other.write, disk.write, nowNs), nowNs)
                        || isSlow(
                                disk,
                                disk.read,
                                other -> fresh(other.read, disk.read, nowNs),
                                nowNs);
        disk.idle = asked ? 0 : disk.idle + 1;
        if (now) {
            disk.seconds++;
        } else if (asked || disk.idle % IDLE_SECONDS == 0) {
            disk.seconds--;
        }
        disk.seconds = Math.clamp(disk.seconds, 0, bound);
        boolean reported =
                bound > 0
                        && disk.idle < IDLE_SECONDS
                        && disk.seconds > (disk.told ? bound / 2 : bound - 1);
        if (reported) {
            slow.add(new DiskLife(diskId, disk.bootId));
            if (!disk.told) {
                tell(diskId, Math.max(disk.write.ns, disk.read.ns));
            }
        }
        disk.told = reported;
    }

    private void tell(int diskId, long tookNs) {
        String details = "disk=" + diskId + " answers_after_ms=" + tookNs / 1_000_000;
        gateway.events().event(Events.Level.WARN, "disk-slow", details);
    }

    private boolean isSlow(Seen disk, Took took, ToLongFunction<Seen> ofOther, long nowNs) {
        if (!took.isNow(nowNs) || took.ns < SLOW_NS) {
            return false;
        }
        long usualNs = usual(disk, ofOther);
        return usualNs >= 0 && took.ns > SLOW_TIMES * usualNs;
    }

    /// What another took lately, -1 where it was asked for nothing. One answer of the slow disk may
    /// stay out for longer than that.
    private static long fresh(Took other, Took slow, long nowNs) {
        return other.isFresh(nowNs, Math.max(FRESH_NS, 2 * slow.ns)) ? other.ns : -1;
    }

    /// What the others took, half of them at least; -1 where there are none that were asked.
    private long usual(Seen without, ToLongFunction<Seen> ofOther) {
        long[] others = new long[seen.size()];
        int count = 0;
        for (Seen other : seen.values()) {
            long tookNs = other == without ? -1 : ofOther.applyAsLong(other);
            if (tookNs >= 0) {
                others[count++] = tookNs;
            }
        }
        Arrays.sort(others, 0, count);
        return count == 0 ? -1 : others[count / 2];
    }
}
