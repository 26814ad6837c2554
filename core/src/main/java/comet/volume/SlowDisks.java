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

/// Finds disks that answer far slower than the others, for long. Readers spare such a disk at once
/// ([ReadPlan]); writes and flushes need all members, so guests wait for it until the group goes on
/// without it.
///
/// Slow is judged against other disks only: a gateway whose own link or host is slow finds all of
/// them so, and says nothing of any.
final class SlowDisks {
    /// How often to look.
    static final long INTERVAL_NS = GatewayConfig.SECOND_NS;

    /// No second of a disk is slow below this, so nothing that keeps up with a spinning disk is.
    private static final long SLOW_NS = 250_000_000;

    /// Nor one in which it did not take so many times what the others took.
    private static final int SLOW_TIMES = 8;

    private final Gateway gateway;
    private final TreeMap<Integer, Seen> seen = new TreeMap<>();
    private final List<DiskLife> slow = new ArrayList<>();

    /// What is known of one disk. What it took last still counts where it was asked for nothing
    /// since, because everybody waits for another.
    private static final class Seen {
        private long writeNs = -1;
        private long readNs = -1;
        private boolean asked;

        /// Slow seconds, less the others since; not below 0.
        private int seconds;

        private boolean told;

        private void look(DiskPeer peer, long nowNs) {
            long write = peer.write().times().takeFeltNs(nowNs);
            long read = peer.read().times().takeFeltNs(nowNs);
            asked = write >= 0 || read >= 0;
            writeNs = write >= 0 ? write : writeNs;
            readNs = read >= 0 ? read : readNs;
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
        for (DiskPeer peer : peers) {
            seen.computeIfAbsent(peer.diskId(), _ -> new Seen()).look(peer, nowNs);
        }
        seen.keySet().removeIf(id -> gateway.map().disk(id) == null);
        int bound = (int) gateway.map().settings().of(ClusterSetting.SLOW_AFTER);
        slow.clear();
        seen.forEach((diskId, disk) -> judge(diskId, disk, bound));
    }

    private void judge(int diskId, Seen disk, int bound) {
        boolean now =
                disk.asked
                        && (isSlow(disk.writeNs, usual(disk, false))
                                || isSlow(disk.readNs, usual(disk, true)));
        disk.seconds = Math.clamp(disk.seconds + (now ? 1L : -1L), 0, bound);
        boolean reported = bound > 0 && disk.seconds > (disk.told ? bound / 2 : bound - 1);
        DiskInfo info = gateway.map().disk(diskId);
        if (reported && info != null) {
            slow.add(new DiskLife(diskId, info.bootId()));
            if (!disk.told) {
                tell(diskId, Math.max(disk.writeNs, disk.readNs));
            }
        }
        disk.told = reported;
    }

    private void tell(int diskId, long tookNs) {
        String details = "disk=" + diskId + " answers_after_ms=" + tookNs / 1_000_000;
        gateway.events().event(Events.Level.WARN, "disk-slow", details);
    }

    private static boolean isSlow(long tookNs, long usualNs) {
        return tookNs >= SLOW_NS && usualNs >= 0 && tookNs > SLOW_TIMES * usualNs;
    }

    /// What the others took, half of them at least; -1 where there are none that were asked.
    private long usual(Seen without, boolean reads) {
        long[] others = new long[seen.size()];
        int count = 0;
        for (Seen other : seen.values()) {
            long tookNs = reads ? other.readNs : other.writeNs;
            if (other != without && tookNs >= 0) {
                others[count++] = tookNs;
            }
        }
        Arrays.sort(others, 0, count);
        return count == 0 ? -1 : others[count / 2];
    }
}
