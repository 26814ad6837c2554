package comet.replica;

import comet.base.Check;
import comet.base.Versions;
import comet.cluster.PgHash;
import comet.port.IoDone;
import comet.replica.ApplyRules.Outcome;
import comet.replica.ApplyRules.Role;
import comet.replica.ReadLane.Progress;
import comet.store.ChunkStore;
import comet.wire.ChunkRequest;
import comet.wire.Frame;
import comet.wire.ReadReply;
import comet.wire.ReadRequest;
import comet.wire.Status;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/// READ and MAP, of clients (READ lane) and of other replicas (PEER lane): rules 1 to 3, then the
/// blocks. Only an IN_SYNC replica answers: what another one holds may be old.
///
/// The answer carries the chunk's version as it was when the read began. The blocks may be newer,
/// never older, so a reader can tell from it what the replica must have had.
final class ReadVerb {
    private final DiskServer disk;
    private final ArrayDeque<Pending> free = new ArrayDeque<>();

    ReadVerb(DiskServer disk) {
        this.disk = disk;
    }

    /// @param refreshed the request has waited for the map before
    Progress onRead(ReadLane lane, Frame f, boolean refreshed) {
        if (!ReadRequest.valid(f)
                || !disk.validChunk(ReadRequest.volumeId(f))
                || ReadRequest.snapshot(f) != 0
                || !validPg(ReadRequest.volumeId(f), ReadRequest.chunkIndex(f), ReadRequest.pg(f))
                || !validTerm(lane, ReadRequest.term(f))) {
            return lane.invalid(f, "read");
        }
        int pg = ReadRequest.pg(f);
        long volumeId = ReadRequest.volumeId(f);
        long term = ReadRequest.term(f);
        Outcome gate = gate(pg, volumeId, term, ReadRequest.epoch(f));
        if (wantsWriting(gate, volumeId)) {
            refuse(lane, f.requestId(), Status.IO_ERROR, pg);
            return Progress.DONE;
        }
        Progress wait = mustWait(gate, volumeId, term, refreshed);
        if (wait != null) {
            return wait == Progress.DONE ? lane.invalid(f, "epoch") : wait;
        }
        if (gate != Outcome.APPLY) {
            refuse(lane, f.requestId(), DiskServer.status(gate), pg);
            return Progress.DONE;
        }
        if (!lane.peer()) {
            disk.share().guest(ReadRequest.blockCount(f));
        }
        Pending read = free.isEmpty() ? new Pending() : free.removeLast();
        lane.began();
        read.start(lane, f);
        return Progress.DONE;
    }

    Progress onMap(ReadLane lane, Frame f, boolean refreshed) {
        if (!ChunkRequest.valid(f)
                || !disk.validChunk(ChunkRequest.volumeId(f))
                || !validPg(
                        ChunkRequest.volumeId(f), ChunkRequest.chunkIndex(f), ChunkRequest.pg(f))
                || !validTerm(lane, ChunkRequest.term(f))) {
            return lane.invalid(f, "map");
        }
        int pg = ChunkRequest.pg(f);
        long volumeId = ChunkRequest.volumeId(f);
        long term = ChunkRequest.term(f);
        Outcome gate = gate(pg, volumeId, term, ChunkRequest.epoch(f));
        if (wantsWriting(gate, volumeId)) {
            Frame reply = disk.frames().take();
            long epoch = disk.epoch(pg);
            lane.send(ChunkRequest.mapReply(reply, f.requestId(), Status.IO_ERROR, epoch, 0));
            return Progress.DONE;
        }
        Progress wait = mustWait(gate, volumeId, term, refreshed);
        if (wait != null) {
            return wait == Progress.DONE ? lane.invalid(f, "epoch") : wait;
        }
        Frame reply = disk.frames().take();
        int status = DiskServer.status(gate);
        long version = disk.version(volumeId, ChunkRequest.chunkIndex(f));
        ChunkRequest.mapReply(reply, f.requestId(), status, disk.epoch(pg), version);
        if (gate != Outcome.APPLY || version == Versions.NONE) {
            lane.send(reply);
        } else {
            lane.began();
            disk.store()
                    .blocks(
                            volumeId,
                            ChunkRequest.chunkIndex(f),
                            0,
                            new MapBlocks(lane, reply, pg));
        }
        return Progress.DONE;
    }

    /// Whether a fence would have to become durable on a disk that has failed.
    private boolean wantsWriting(Outcome gate, long volumeId) {
        return disk.readOnly() && (gate == Outcome.RAISE_FENCE || !disk.fences().settled(volumeId));
    }

    /// What the request waits for, null where it need not, and DONE where it has waited in vain.
    private @Nullable Progress mustWait(Outcome gate, long volumeId, long term, boolean refreshed) {
        if (gate == Outcome.FETCH_MAP) {
            return refreshed ? Progress.DONE : Progress.AWAIT_MAP;
        }
        if (gate == Outcome.RAISE_FENCE) {
            disk.fences().raise(volumeId, term);
            return Progress.AWAIT_FENCE;
        }
        return gate == Outcome.APPLY && !disk.fences().settled(volumeId)
                ? Progress.AWAIT_FENCE
                : null;
    }

    private Outcome gate(int pg, long volumeId, long term, long epoch) {
        long fence = disk.store().fence(volumeId);
        Role role = disk.role(pg) == Role.IN_SYNC ? Role.IN_SYNC : Role.NONE;
        return ApplyRules.gate(term, fence, epoch, disk.epoch(pg), role);
    }

    private boolean validPg(long volumeId, int chunkIndex, int pg) {
        return pg == PgHash.of(volumeId, chunkIndex, disk.pgCount());
    }

    private static boolean validTerm(ReadLane lane, long term) {
        return term < Versions.TERM_MAX && (term == 0 || !lane.peer());
    }

    private void refuse(ReadLane lane, long requestId, int status, int pg) {
        Frame reply = disk.frames().take();
        lane.send(ReadReply.start(reply, requestId, status, disk.epoch(pg), 0, 0, false));
    }

    /// Fills a MAP_REPLY from the index.
    private final class MapBlocks implements ChunkStore.BlocksVisitor {
        private final ReadLane lane;
        private final Frame reply;
        private final int pg;
        private final long epoch;

        MapBlocks(ReadLane lane, Frame reply, int pg) {
            this.lane = lane;
            this.reply = reply;
            this.pg = pg;
            epoch = disk.epoch(pg);
        }

        @Override
        public void block(int block, int state, long version, int crc) {
            ChunkRequest.mapState(reply, block, state);
        }

        @Override
        public void end(int errno) {
            lane.ended();
            if (errno != 0) {
                reply.status(Status.IO_ERROR);
            } else if (disk.epoch(pg) != epoch) {
                // The chunk may have been dropped meanwhile, since the group was moved away.
                reply.status(Status.OLD_EPOCH);
            }
            lane.send(reply);
        }
    }

    /// A read under way. Kept for reuse.
    private final class Pending implements IoDone {
        private @Nullable ReadLane lane;
        private @Nullable Frame reply;
        private long requestId;
        private long volumeId;
        private int chunkIndex;
        private int pg;
        private long epoch;
        private long term;
        private int firstBlock;
        private int blockCount;
        private long startNs;
        private FairShare.@Nullable Permit step;

        void start(ReadLane lane, Frame f) {
            this.lane = lane;
            step = lane.takeStep();
            requestId = f.requestId();
            volumeId = ReadRequest.volumeId(f);
            chunkIndex = ReadRequest.chunkIndex(f);
            pg = ReadRequest.pg(f);
            epoch = ReadRequest.epoch(f);
            term = ReadRequest.term(f);
            firstBlock = ReadRequest.firstBlock(f);
            blockCount = ReadRequest.blockCount(f);
            startNs = disk.loop().nowNs();
            boolean versions = (f.flags() & ReadRequest.VERSIONS) != 0;
            long version = disk.version(volumeId, chunkIndex);
            Frame r = disk.frames().take();
            ReadReply.start(r, requestId, Status.OK, epoch, version, blockCount, versions);
            reply = r;
            disk.store().read(volumeId, chunkIndex, 0, firstBlock, blockCount, r, this, 0);
        }

        @Override
        public void done(long token, int result) {
            ReadLane to = lane;
            Frame r = reply;
            if (to == null || r == null) {
                throw Check.failed("read ended twice");
            }
            lane = null;
            reply = null;
            to.ended();
            if (step != null) {
                step.end();
                step = null;
            }
            Outcome gate = gate(pg, volumeId, term, epoch);
            if (gate != Outcome.APPLY) {
                // The answer counts only in the epoch in which it was asked, and for who asked.
                r.release();
                refuse(to, requestId, DiskServer.status(gate), pg);
            } else if (result < 0) {
                r.release();
                refuse(to, requestId, Status.IO_ERROR, pg);
            } else {
                disk.counters().read(r.dataBytes(), disk.loop().nowNs() - startNs);
                repairBad(r);
                to.send(r);
            }
            free.addLast(this);
        }

        /// The reader goes to another replica for blocks that are bad here; we repair ours.
        private void repairBad(Frame r) {
            for (int n = 0; n < blockCount; n++) {
                int state = ReadReply.state(r, n);
                if (Repairs.isBad(state)) {
                    disk.repairs().add(volumeId, chunkIndex, pg, firstBlock + n, state);
                }
            }
        }
    }
}
