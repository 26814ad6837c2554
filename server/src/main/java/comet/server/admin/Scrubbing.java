package comet.server.admin;

import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.cluster.Reply;
import comet.cluster.ScrubCounts;
import comet.cluster.ScrubOrder;
import comet.cluster.ScrubReport;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Scrubs as the API orders and shows them.
final class Scrubbing {
    /// Placement groups named in one line.
    private static final int PGS_SHOWN = 5;

    private Scrubbing() {}

    /// What one disk found, on all it has or in one placement group; see [ScrubCounts].
    ///
    /// @param badPgs placement groups with something that was not put right
    record ScrubView(
            long startedAtMs,
            long endedAtMs,
            long chunks,
            long bytes,
            long errors,
            long repaired,
            long differences,
            long levelled,
            long conflicts,
            long uncompared,
            boolean bad,
            List<Integer> badPgs) {}

    /// @param result null until the disk has reported
    record MemberScrubView(int disk, String node, @Nullable ScrubView result) {}

    /// The last order to scrub a placement group.
    ///
    /// @param done every member that is in sync has reported
    /// @param bad some has found what could not be put right
    record RepairView(
            long id, long askedAtMs, boolean done, boolean bad, List<MemberScrubView> members) {}

    /// The last time that the disk was gone through from end to end, or null.
    static @Nullable ScrubView lap(ClusterMap map, int diskId) {
        return view(map.scrubs().report(diskId, -1));
    }

    private static @Nullable ScrubView view(@Nullable ScrubReport report) {
        if (report == null) {
            return null;
        }
        ScrubCounts counts = report.counts();
        return new ScrubView(
                report.startedAtMs(),
                report.endedAtMs(),
                counts.chunks(),
                counts.bytes(),
                counts.errors(),
                counts.repaired(),
                counts.differences(),
                counts.levelled(),
                counts.conflicts(),
                counts.uncompared(),
                counts.bad(),
                report.badPgs());
    }

    static @Nullable RepairView repair(ClusterMap map, int pg) {
        ScrubOrder order = map.scrubs().orderOf(pg);
        if (order == null) {
            return null;
        }
        boolean done = true;
        boolean bad = false;
        List<MemberScrubView> members = new ArrayList<>();
        for (PgConfig.Member member : map.pg(pg).members()) {
            ScrubReport report = map.scrubs().report(member.diskId(), pg);
            boolean answered = report != null && report.orderId() >= order.id();
            ScrubView result = answered ? view(report) : null;
            done &= answered || member.state() != MemberState.IN_SYNC;
            bad |= result != null && result.bad();
            String node = PgStates.nodeName(map, map.disk(member.diskId()));
            members.add(new MemberScrubView(member.diskId(), node, result));
        }
        return new RepairView(order.id(), order.askedAtMs(), done, bad, members);
    }

    /// @return the order's id, as the answer to the request
    static Map<String, Long> orderPg(GroupAccess group, int pg) {
        return order(group, new Command.OrderScrub(pg, 0, System.currentTimeMillis()));
    }

    static Map<String, Long> orderDisk(GroupAccess group, String disk) {
        int id;
        try {
            id = Integer.parseInt(disk);
        } catch (NumberFormatException e) {
            throw AdminException.missing("unknown-disk", "there is no disk " + disk);
        }
        return order(group, new Command.OrderScrub(-1, id, System.currentTimeMillis()));
    }

    private static Map<String, Long> order(GroupAccess group, Command.OrderScrub command) {
        Reply reply = group.submit(command);
        return Map.of("id", reply instanceof Reply.Id id ? id.id() : 0L);
    }

    /// Disks on which something is left that no scrub could put right.
    static void health(ClusterMap map, List<Health.Item> items) {
        for (DiskInfo disk : map.disks()) {
            if (disk.state() == DiskInfo.State.REMOVED) {
                continue;
            }
            boolean conflict = false;
            TreeSet<Integer> bad = new TreeSet<>();
            ScrubReport lap = map.scrubs().report(disk.diskId(), -1);
            long sinceMs = lap == null ? Long.MIN_VALUE : lap.endedAtMs();
            if (lap != null) {
                bad.addAll(lap.badPgs());
                conflict = lap.counts().conflicts() > 0;
            }
            // What was ordered since then is newer.
            for (ScrubReport report : map.scrubs().reports()) {
                if (report.diskId() != disk.diskId()
                        || report.pg() < 0
                        || report.endedAtMs() < sinceMs) {
                    continue;
                }
                if (report.counts().bad()) {
                    bad.add(report.pg());
                    conflict |= report.counts().conflicts() > 0;
                } else {
                    bad.remove(report.pg());
                }
            }
            if (!bad.isEmpty()) {
                items.add(item(PgStates.diskName(map, disk.diskId()), bad, conflict));
            }
        }
    }

    private static Health.Item item(String disk, TreeSet<Integer> bad, boolean conflict) {
        StringBuilder pgs = new StringBuilder();
        bad.stream()
                .limit(PGS_SHOWN)
                .forEach(pg -> pgs.append(pgs.isEmpty() ? "" : ", ").append(pg));
        String more =
                bad.size() > PGS_SHOWN ? " and %d more".formatted(bad.size() - PGS_SHOWN) : "";
        String where = "%s: placement group %s%s".formatted(disk, pgs, more);
        return conflict
                ? new Health.Item(
                        "error",
                        "scrub-conflict",
                        where
                                + ": replicas of one version differ, which is a bug: keep both disks and report it; see `comet cluster events`")
                : new Health.Item(
                        "warn",
                        "scrub-errors",
                        where
                                + ": a scrub could not put everything right, see `comet cluster events`; `comet pg repair N` looks again");
    }
}
