package comet.meta;

import comet.cluster.DiskLife;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/// What gateways say of disks that owe them answers for too long, and what the leader's own probes
/// of these disks have found: soft state of the leader. One gateway alone is not believed where the
/// leader reaches the disk itself: then it is the gateway that is cut off, and it may not have
/// everybody's replicas left behind. Not safe for several threads.
public final class Reports {
    /// How often a gateway repeats a report as long as it is so.
    public static final long INTERVAL_NS = 500_000_000L;

    /// A report that was not repeated for so long is over; a probe is worth something for so long.
    static final long VALID_NS = 2_000_000_000L;

    /// Between two probes of one disk.
    static final long PROBE_EVERY_NS = 500_000_000L;

    /// How many disks are looked after; what is reported beyond waits for these.
    private static final int DISKS_MAX = 1024;

    /// How many gateways are remembered for each.
    private static final int GATEWAYS_MAX = 1024;

    private final TreeMap<Integer, Suspect> suspects = new TreeMap<>();

    /// What the leader thinks of a disk that was reported.
    public enum Verdict {
        /// Not known yet.
        OPEN,
        /// It does not answer the leader either, or too many gateways say so.
        UNREACHABLE,
        /// The leader reaches it: the fault lies with those who say that it does not answer.
        REACHED
    }

    private static final class Suspect {
        private final long bootId;
        private final TreeMap<Long, Long> saidAtNs = new TreeMap<>();
        private boolean probing;
        private long probedAtNs = Long.MIN_VALUE;
        private boolean answered;

        Suspect(long bootId) {
            this.bootId = bootId;
        }
    }

    /// Another leader's, or of an earlier leadership.
    public void clear() {
        suspects.clear();
    }

    /// The disk has started anew, or comes back: what was said of it before is over.
    void started(int diskId) {
        suspects.remove(diskId);
    }

    /// A gateway says that a disk owes it answers for longer than the I/O deadline.
    public void said(long gatewayId, DiskLife life, long nowNs) {
        Suspect known = suspects.get(life.diskId());
        if (known != null && known.bootId > life.bootId()) {
            return;
        }
        if (known == null || known.bootId < life.bootId()) {
            if (known == null && suspects.size() >= DISKS_MAX) {
                return;
            }
            known = new Suspect(life.bootId());
            suspects.put(life.diskId(), known);
        }
        if (known.saidAtNs.containsKey(gatewayId) || known.saidAtNs.size() < GATEWAYS_MAX) {
            known.saidAtNs.put(gatewayId, nowNs);
        }
    }

    /// Disks to be probed now; each is answered by one [#probed].
    public List<DiskLife> toProbe(long nowNs) {
        forget(nowNs);
        List<DiskLife> found = new ArrayList<>();
        for (Map.Entry<Integer, Suspect> entry : suspects.entrySet()) {
            Suspect suspect = entry.getValue();
            boolean due =
                    suspect.probedAtNs == Long.MIN_VALUE
                            || nowNs - suspect.probedAtNs >= PROBE_EVERY_NS;
            if (due && !suspect.probing) {
                suspect.probing = true;
                found.add(new DiskLife(entry.getKey(), suspect.bootId));
            }
        }
        return found;
    }

    /// What the leader's probe has found: whether the disk has answered in that life of it.
    public void probed(DiskLife life, boolean answered, long nowNs) {
        Suspect suspect = suspects.get(life.diskId());
        if (suspect != null && suspect.bootId == life.bootId()) {
            suspect.probing = false;
            suspect.probedAtNs = nowNs;
            suspect.answered = answered;
        }
    }

    /// Those who were reported and do not answer: each is worth a look whether the group can do
    /// without it.
    ///
    /// @param gateways that live
    List<DiskLife> unreachable(List<Long> gateways, long nowNs) {
        forget(nowNs);
        List<DiskLife> found = new ArrayList<>();
        suspects.forEach((diskId, suspect) -> {
            if (verdict(suspect, gateways, nowNs) == Verdict.UNREACHABLE) {
                found.add(new DiskLife(diskId, suspect.bootId));
            }
        });
        return found;
    }

    /// What to tell who has reported it.
    ///
    /// @param gateways that live
    public Verdict verdict(DiskLife life, List<Long> gateways, long nowNs) {
        Suspect suspect = suspects.get(life.diskId());
        return suspect == null || suspect.bootId != life.bootId()
                ? Verdict.OPEN
                : verdict(suspect, gateways, nowNs);
    }

    private static Verdict verdict(Suspect suspect, List<Long> gateways, long nowNs) {
        boolean probeCounts =
                suspect.probedAtNs != Long.MIN_VALUE && nowNs - suspect.probedAtNs <= VALID_NS;
        if (!probeCounts) {
            return Verdict.OPEN;
        }
        if (!suspect.answered) {
            return Verdict.UNREACHABLE;
        }
        TreeSet<Long> reporters = new TreeSet<>(gateways);
        reporters.retainAll(suspect.saidAtNs.keySet());
        boolean most = reporters.size() > 1 && 2 * reporters.size() > gateways.size();
        return most ? Verdict.UNREACHABLE : Verdict.REACHED;
    }

    private void forget(long nowNs) {
        for (Suspect suspect : suspects.values()) {
            suspect.saidAtNs.values().removeIf(saidNs -> nowNs - saidNs > VALID_NS);
        }
        suspects.values().removeIf(suspect -> suspect.saidAtNs.isEmpty() && !suspect.probing);
    }
}
