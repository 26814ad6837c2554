package comet.replica;

import comet.base.Prng;
import comet.cluster.Command;
import comet.cluster.ScrubOrder;
import comet.cluster.ScrubReport;
import comet.cluster.Scrubs;
import comet.port.Events.Level;
import comet.replica.ApplyRules.Role;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Looks after data that nobody reads: goes through all placement groups in which this disk is
/// IN_SYNC, lap after lap, at a set rate ([ScrubPg], [ScrubChunk]), and through single ones at full
/// rate where an operator has ordered it. What it found it reports to the metadata group, where it
/// outlives the process and everybody sees it.
///
/// A lap begins at a group of its own choice, so that a disk that is often restarted in the middle
/// of one does not always read the same part. Only groups that it has gone through from the first
/// chunk to the last are counted; one that stops being IN_SYNC meanwhile is compared by its
/// recovery and read by the next lap. An order waits for that.
final class Scrub {
    private final DiskServer disk;
    private final ScrubConfig config;
    private @Nullable Lap lap;
    private @Nullable Ordered ordered;

    /// Orders that were reported, by placement group, until the map shows it; -1 is the disk.
    private final TreeMap<Integer, Long> reported = new TreeMap<>();

    private long lapAtNs;
    private boolean started;
    private boolean closed;

    Scrub(DiskServer disk) {
        this.disk = disk;
        config = disk.parts().config().scrub();
    }

    void tick() {
        if (closed || !disk.serving()) {
            return;
        }
        long now = disk.loop().nowNs();
        if (!started) {
            started = true;
            lapAtNs = now + config.firstLapNs();
        }
        lookForOrders();
        if (lap == null && config.bytesPerSecond() > 0 && now >= lapAtNs) {
            begin(answered(-1));
        }
    }

    void close() {
        closed = true;
        if (lap != null) {
            lap.cancel();
        }
        if (ordered != null) {
            ordered.walk.cancel();
        }
        lap = null;
        ordered = null;
    }

    private void lookForOrders() {
        Scrubs scrubs = disk.view().map().scrubs();
        int self = disk.identity().diskId();
        for (ScrubOrder order : scrubs.orders()) {
            boolean whole = order.pg() < 0;
            if (whole ? order.diskId() != self : disk.role(order.pg()) != Role.IN_SYNC) {
                continue;
            }
            if (order.id() > answered(order.pg())) {
                obey(order);
            }
        }
    }

    /// The newest order for a placement group, or -1 for the disk, that was reported.
    private long answered(int pg) {
        ScrubReport report = disk.view().map().scrubs().report(disk.identity().diskId(), pg);
        long shown = report == null ? 0 : report.orderId();
        long sent = reported.getOrDefault(pg, 0L);
        if (sent <= shown) {
            reported.remove(pg);
        }
        return Math.max(shown, sent);
    }

    private void obey(ScrubOrder order) {
        if (order.pg() >= 0) {
            if (ordered == null) {
                ordered = new Ordered(order);
                ordered.walk.start();
            }
        } else if (lap == null || lap.orderId < order.id()) {
            if (lap != null) {
                lap.cancel();
            }
            begin(order.id());
        }
    }

    private void begin(long orderId) {
        Lap begun = new Lap(orderId);
        lap = begun;
        disk.event(Level.INFO, "scrub-began", "order=" + orderId);
        begun.next();
    }

    private void report(int pg, long orderId, long startedAtMs, ScrubTally tally) {
        reported.put(pg, orderId);
        long nowMs = disk.parts().wall().nowMs();
        int self = disk.identity().diskId();
        ScrubReport report =
                new ScrubReport(
                        self, pg, orderId, startedAtMs, nowMs, tally.counts(), tally.badPgs());
        Level level = report.counts().bad() ? Level.WARN : Level.INFO;
        String what = pg < 0 ? "" : "pg=" + pg + " ";
        disk.event(level, "scrub-ended", what + "order=" + orderId + " " + tally);
        disk.parts().meta().submit(new Command.Scrubbed(report), _ -> {});
    }

    /// All placement groups once.
    private final class Lap {
        private final long orderId;
        private final long startedNs = disk.loop().nowNs();
        private final long startedAtMs = disk.parts().wall().nowMs();
        private final ScrubTally tally = new ScrubTally(disk.counters());
        private final ScrubPace pace;
        private final int firstPg;
        private int seen;
        private @Nullable ScrubPg walk;
        private boolean over;

        Lap(long orderId) {
            this.orderId = orderId;
            long rate = config.bytesPerSecond();
            pace = new ScrubPace(disk, rate > 0 ? rate : ScrubConfig.BYTES_PER_SECOND);
            Prng prng = new Prng(Prng.mix(disk.bootId()) ^ startedNs);
            firstPg = prng.nextInt(disk.pgCount());
        }

        void next() {
            while (!over && disk.serving() && seen < disk.pgCount()) {
                int pg = (firstPg + seen++) % disk.pgCount();
                if (disk.role(pg) == Role.IN_SYNC) {
                    ScrubPg begun = new ScrubPg(disk, pg, tally, pace, _ -> next());
                    walk = begun;
                    begun.start();
                    return;
                }
            }
            if (!over && disk.serving()) {
                end();
            }
        }

        private void end() {
            over = true;
            lap = null;
            lapAtNs = Math.max(disk.loop().nowNs(), startedNs + config.lapNsMin());
            disk.counters().scrubLaps++;
            report(-1, orderId, startedAtMs, tally);
        }

        void cancel() {
            over = true;
            if (walk != null) {
                walk.cancel();
            }
        }
    }

    /// One placement group at full rate.
    private final class Ordered {
        private final ScrubTally tally = new ScrubTally(disk.counters());
        private final ScrubPg walk;

        Ordered(ScrubOrder order) {
            long startedAtMs = disk.parts().wall().nowMs();
            ScrubPace pace = new ScrubPace(disk, 0);
            walk =
                    new ScrubPg(
                            disk,
                            order.pg(),
                            tally,
                            pace,
                            whole -> {
                                ordered = null;
                                if (whole) {
                                    report(order.pg(), order.id(), startedAtMs, tally);
                                }
                            });
        }
    }
}
