package comet.replica;

import comet.port.IoDone;
import comet.replica.ApplyRules.Role;
import comet.replica.WriteLane.Progress;
import comet.wire.Frame;
import comet.wire.MessageType;
import comet.wire.Status;
import comet.wire.SyncRequest;

/// SYNC: everything that this connection wrote before it becomes durable. Each placement group that
/// it names is answered for itself: only where it still has the epoch that the request named, in
/// the same boot, does the answer count.
final class SyncVerb {
    private final DiskServer disk;

    SyncVerb(DiskServer disk) {
        this.disk = disk;
    }

    Progress on(WriteLane lane, Frame f) {
        if (!disk.validPgs(f)) {
            return lane.invalid(f, "sync");
        }
        if (disk.namesNewerEpoch(f)) {
            return lane.awaitMap() ? Progress.WAIT : lane.invalid(f, "epoch");
        }
        lane.whenApplied(new Pending(lane, f));
        return Progress.DONE;
    }

    void start(Pending sync) {
        disk.store().sync(disk.store().appliedSequence(), sync, 0);
    }

    /// The status of one placement group in an answer to SYNC or OPEN.
    static int status(DiskServer disk, int pg, long epoch) {
        if (disk.epoch(pg) != epoch) {
            return Status.OLD_EPOCH;
        }
        return disk.role(pg) == Role.NONE ? Status.NOT_A_REPLICA : Status.OK;
    }

    /// A sync under way.
    final class Pending implements IoDone {
        private final WriteLane lane;
        private final long requestId;
        private final long afterSequence;
        private final long startNs;
        private final int[] pgs;
        private final long[] epochs;

        private Pending(WriteLane lane, Frame f) {
            this.lane = lane;
            requestId = f.requestId();
            afterSequence = lane.log().next() - 1;
            startNs = disk.loop().nowNs();
            pgs = new int[SyncRequest.count(f)];
            epochs = new long[pgs.length];
            for (int n = 0; n < pgs.length; n++) {
                pgs[n] = SyncRequest.pg(f, n);
                epochs[n] = SyncRequest.epoch(f, n);
            }
        }

        /// The last write that it covers.
        long afterSequence() {
            return afterSequence;
        }

        @Override
        public void done(long token, int result) {
            disk.counters().syncs++;
            disk.counters().syncNs.record(disk.loop().nowNs() - startNs);
            if (result < 0) {
                disk.failed(result);
            }
            if (lane.closed()) {
                return;
            }
            Frame reply =
                    SyncRequest.startReply(
                                    disk.frames().take(),
                                    MessageType.SYNC_REPLY,
                                    requestId,
                                    lane.durable(),
                                    pgs.length)
                            .status(result < 0 ? Status.IO_ERROR : Status.OK);
            for (int n = 0; n < pgs.length; n++) {
                int pg = pgs[n];
                SyncRequest.entry(reply, n, pg, status(disk, pg, epochs[n]), disk.epoch(pg));
            }
            lane.session().send(reply);
        }
    }
}
