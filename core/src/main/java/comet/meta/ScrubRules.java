package comet.meta;

import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.ScrubOrder;
import comet.cluster.ScrubReport;

/// Orders to scrub, and what disks report. The group only keeps them: disks see the orders in the
/// map, and operators the reports.
final class ScrubRules {
    private ScrubRules() {}

    static Decision order(Draft draft, Command.OrderScrub command) {
        int pg = command.pg();
        if (pg < -1 || pg >= draft.state.pgCount()) {
            return draft.refused(
                    "unknown-pg",
                    "there is no placement group "
                            + pg
                            + ": they are 0 to "
                            + (draft.state.pgCount() - 1));
        }
        if (pg < 0 && !exists(draft, command.diskId())) {
            return unknownDisk(draft, command.diskId());
        }
        long id = draft.state.scrubs.lastId() + 1;
        int diskId = pg < 0 ? command.diskId() : 0;
        draft.add(new GroupRecord.ScrubOrderSet(new ScrubOrder(id, pg, diskId, command.nowMs())));
        return draft.id(id);
    }

    /// A report on a placement group whose order is forgotten is of no interest any more.
    static Decision report(Draft draft, Command.Scrubbed command) {
        ScrubReport report = command.report();
        if (!exists(draft, report.diskId())) {
            return unknownDisk(draft, report.diskId());
        }
        ScrubReport before = draft.state.scrubs.report(report.diskId(), report.pg());
        boolean older = before != null && before.orderId() > report.orderId();
        ScrubOrder order = draft.state.scrubs.order(report.orderId());
        boolean forgotten = order == null || order.pg() != report.pg();
        boolean tooMany = report.badPgs().size() > ScrubReport.BAD_PGS_MAX;
        if (report.pg() >= 0 && (older || forgotten) || report.pg() < -1 || tooMany) {
            return draft.done();
        }
        return draft.add(new GroupRecord.ScrubReportSet(report)).done();
    }

    private static boolean exists(Draft draft, int diskId) {
        DiskInfo disk = draft.state.disks.get(diskId);
        return disk != null && disk.state() != DiskInfo.State.REMOVED;
    }

    private static Decision unknownDisk(Draft draft, int diskId) {
        return draft.refused("unknown-disk", "there is no disk " + diskId);
    }
}
