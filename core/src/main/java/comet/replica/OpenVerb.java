package comet.replica;

import comet.base.Sizes;
import comet.base.Versions;
import comet.port.IoDone;
import comet.replica.ApplyRules.Role;
import comet.replica.WriteLane.Progress;
import comet.store.ChunkStore;
import comet.wire.ChunkList;
import comet.wire.Frame;
import comet.wire.MessageType;
import comet.wire.Status;
import comet.wire.SyncRequest;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/// OPEN and LIST: fences older terms of the volume, makes everything durable that a reader could
/// see, then tells which chunks exist.
///
/// Where this disk is RECOVERING in an opened placement group, the opening voids the comparison of
/// the volume's chunks there; and where it has already asked to be IN_SYNC, the answer waits for
/// the outcome, because the new configuration would show the opener another version than the one it
/// has begun to rely on.
final class OpenVerb {
    private final DiskServer disk;

    OpenVerb(DiskServer disk) {
        this.disk = disk;
    }

    Progress onOpen(WriteLane lane, Frame f) {
        if (!disk.validPgs(f) || !disk.validChunk(SyncRequest.volumeId(f))) {
            return lane.invalid(f, "open");
        }
        long term = SyncRequest.term(f);
        if (term == 0 || term >= Versions.TERM_MAX) {
            return lane.invalid(f, "term");
        }
        if (disk.namesNewerEpoch(f)) {
            return lane.awaitMap() ? Progress.WAIT : lane.invalid(f, "epoch");
        }
        disk.counters().opens++;
        Pending open = new Pending(lane, f);
        if (open.fenced()) {
            open.answer(Status.FENCED);
            return Progress.DONE;
        }
        if (term > disk.store().fence(open.volumeId)) {
            VolumeNotes.opened(
                    disk.store(),
                    open.volumeId,
                    term,
                    lane.session().clientId(),
                    disk.view().map().volume(open.volumeId));
        }
        disk.fences().raise(open.volumeId, term);
        open.sync();
        return Progress.DONE;
    }

    Progress onList(WriteLane lane, Frame f) {
        if (!ChunkList.validList(f) || ChunkList.after(f) < -1) {
            return lane.invalid(f, "list");
        }
        long openId = ChunkList.openId(f);
        Opens.Open open = lane.opens().get(openId);
        int status = open == null ? Status.BUSY : status(open);
        if (open == null || status != Status.OK) {
            answerList(lane, f.requestId(), status);
            return Progress.DONE;
        }
        Page page = new Page(open);
        int from = (int) Math.min(ChunkList.after(f) + 1, Sizes.VOLUME_CHUNKS_MAX);
        disk.store().chunksOfVolume(open.volumeId(), from, page);
        lane.session().send(page.encode(disk.frames().take(), f.requestId()));
        if (!page.more) {
            lane.opens().remove(openId);
        }
        return Progress.DONE;
    }

    private int status(Opens.Open open) {
        if (disk.store().fence(open.volumeId()) > open.term()) {
            return Status.FENCED;
        }
        int n = 0;
        for (int pg = open.pgs().nextSetBit(0); pg >= 0; pg = open.pgs().nextSetBit(pg + 1)) {
            if (disk.epoch(pg) != open.epochs()[n++]) {
                return Status.OLD_EPOCH;
            }
        }
        return Status.OK;
    }

    private void answerList(WriteLane lane, long requestId, int status) {
        Frame reply = disk.frames().take();
        int type = MessageType.LIST_REPLY;
        lane.session().send(ChunkList.startReply(reply, type, requestId, status, 0, 0, false));
    }

    /// One page of a volume's chunks, of the opened placement groups only: of others an old copy
    /// may lie here.
    private static final class Page implements ChunkStore.ChunkVisitor {
        private final Opens.Open open;
        private final int[] chunks = new int[ChunkList.ENTRIES_MAX];
        private final int[] pgs = new int[ChunkList.ENTRIES_MAX];
        private final long[] versions = new long[ChunkList.ENTRIES_MAX];
        private int count;
        private boolean more;

        Page(Opens.Open open) {
            this.open = open;
        }

        @Override
        public boolean chunk(ChunkStore.Chunk chunk) {
            if (chunk.volumeId() != open.volumeId()) {
                return false;
            }
            if (!open.pgs().get(chunk.pg())) {
                return true;
            }
            if (count == ChunkList.ENTRIES_MAX) {
                more = true;
                return false;
            }
            chunks[count] = chunk.chunkIndex();
            pgs[count] = chunk.pg();
            versions[count] = chunk.version();
            count++;
            return true;
        }

        Frame encode(Frame f, long requestId) {
            int type = MessageType.LIST_REPLY;
            ChunkList.startReply(f, type, requestId, Status.OK, 0, count, more);
            for (int n = 0; n < count; n++) {
                ChunkList.entry(f, n, open.volumeId(), chunks[n], pgs[n], versions[n]);
            }
            return f;
        }
    }

    /// An opening under way.
    final class Pending implements IoDone {
        private final WriteLane lane;
        private final long requestId;
        private final long volumeId;
        private final long term;
        private final int[] pgs;
        private final long[] epochs;

        private Pending(WriteLane lane, Frame f) {
            this.lane = lane;
            requestId = f.requestId();
            volumeId = SyncRequest.volumeId(f);
            term = SyncRequest.term(f);
            pgs = new int[SyncRequest.count(f)];
            epochs = new long[pgs.length];
            for (int n = 0; n < pgs.length; n++) {
                pgs[n] = SyncRequest.pg(f, n);
                epochs[n] = SyncRequest.epoch(f, n);
            }
        }

        private boolean fenced() {
            return term < disk.store().fence(volumeId);
        }

        private void sync() {
            for (int n = 0; n < pgs.length; n++) {
                Recovery recovery = recovering(n);
                if (recovery != null) {
                    recovery.opened(volumeId, term, lane);
                }
            }
            disk.store().sync(disk.store().appliedSequence(), this, 0);
        }

        @Override
        public void done(long token, int result) {
            if (result < 0) {
                disk.failed(result);
                answer(Status.IO_ERROR);
            } else {
                settle();
            }
        }

        /// Answers, unless a promotion that was asked for is undecided: then once it is.
        private void settle() {
            for (int n = 0; n < pgs.length; n++) {
                Recovery recovery = recovering(n);
                if (recovery != null && recovery.asked()) {
                    recovery.afterOutcome(this::settle);
                    return;
                }
            }
            answer(fenced() ? Status.FENCED : Status.OK);
        }

        private @Nullable Recovery recovering(int n) {
            boolean same = disk.epoch(pgs[n]) == epochs[n];
            return same && disk.role(pgs[n]) == Role.RECOVERING ? disk.recovery(pgs[n]) : null;
        }

        private void answer(int status) {
            if (lane.closed()) {
                return;
            }
            Frame reply =
                    SyncRequest.startReply(
                                    disk.frames().take(),
                                    MessageType.OPEN_REPLY,
                                    requestId,
                                    lane.durable(),
                                    pgs.length)
                            .status(status);
            BitSet opened = new BitSet();
            for (int n = 0; n < pgs.length; n++) {
                int pg = pgs[n];
                int entry = SyncVerb.status(disk, pg, epochs[n]);
                SyncRequest.entry(reply, n, pg, entry, disk.epoch(pg));
                if (entry == Status.OK) {
                    opened.set(pg);
                }
            }
            if (status == Status.OK) {
                lane.opens().put(requestId, open(opened));
            }
            lane.session().send(reply);
        }

        private Opens.Open open(BitSet opened) {
            long[] known = new long[opened.cardinality()];
            int n = 0;
            for (int pg = opened.nextSetBit(0); pg >= 0; pg = opened.nextSetBit(pg + 1)) {
                known[n++] = disk.epoch(pg);
            }
            return new Opens.Open(volumeId, term, opened, known);
        }
    }
}
