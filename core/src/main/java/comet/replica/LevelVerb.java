package comet.replica;

import comet.base.Versions;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.cluster.PgHash;
import comet.replica.ApplyRules.Outcome;
import comet.replica.ApplyRules.Role;
import comet.replica.ChunkPull.Result;
import comet.replica.WriteLane.Progress;
import comet.wire.ChunkRequest;
import comet.wire.Frame;
import comet.wire.Status;

/// LEVEL: the client that opens a volume has this replica make one chunk equal to that of another
/// IN_SYNC replica, whose version is higher. Answered when the copy is durable. Many at a time;
/// none holds up the requests behind it.
final class LevelVerb {
    private final DiskServer disk;

    LevelVerb(DiskServer disk) {
        this.disk = disk;
    }

    Progress on(WriteLane lane, Frame f) {
        if (!valid(f)) {
            return lane.invalid(f, "level");
        }
        long volumeId = ChunkRequest.volumeId(f);
        long term = ChunkRequest.term(f);
        Outcome gate = gate(volumeId, term, ChunkRequest.pg(f), ChunkRequest.epoch(f));
        if (gate == Outcome.FETCH_MAP) {
            return lane.awaitMap() ? Progress.WAIT : lane.invalid(f, "epoch");
        }
        if (gate == Outcome.RAISE_FENCE) {
            disk.fences().raise(volumeId, term);
            gate = Outcome.APPLY;
        }
        if (!disk.fences().settled(volumeId)) {
            disk.fences().whenSettled(lane::resume);
            return Progress.WAIT;
        }
        Level level = new Level(lane, f);
        if (gate != Outcome.APPLY) {
            level.answer(DiskServer.status(gate));
            return Progress.DONE;
        }
        long here = disk.version(volumeId, ChunkRequest.chunkIndex(f));
        int source = ChunkRequest.sourceDiskId(f);
        if (Versions.compare(here, level.version) > 0) {
            level.answer(Status.WRONG_VERSION);
        } else if (disk.pulls().urgentFull() || !inSync(level.pg, source)) {
            level.answer(Status.BUSY);
        } else {
            var pull = new ChunkPull(disk, disk.pulls(), level.key, level.pg, source, null, level);
            disk.pulls().submit(pull, true);
        }
        return Progress.DONE;
    }

    private boolean valid(Frame f) {
        return ChunkRequest.valid(f)
                && !f.hasData()
                && disk.validChunk(ChunkRequest.volumeId(f))
                && ChunkRequest.term(f) > 0
                && ChunkRequest.term(f) < Versions.TERM_MAX
                && ChunkRequest.version(f) != Versions.NONE
                && ChunkRequest.pg(f)
                        == PgHash.of(
                                ChunkRequest.volumeId(f),
                                ChunkRequest.chunkIndex(f),
                                disk.pgCount());
    }

    private Outcome gate(long volumeId, long term, int pg, long epoch) {
        Role role = disk.role(pg) == Role.IN_SYNC ? Role.IN_SYNC : Role.NONE;
        return ApplyRules.gate(term, disk.store().fence(volumeId), epoch, disk.epoch(pg), role);
    }

    private boolean inSync(int pg, int diskId) {
        PgConfig.Member member = disk.view().map().pg(pg).member(diskId);
        return member != null
                && member.state() == MemberState.IN_SYNC
                && diskId != disk.identity().diskId();
    }

    /// One levelling under way.
    private final class Level implements PullPurpose {
        private final WriteLane lane;
        private final long requestId;
        private final ChunkKey key;
        private final int pg;
        private final long term;
        private final long version;

        Level(WriteLane lane, Frame f) {
            this.lane = lane;
            requestId = f.requestId();
            key = new ChunkKey(ChunkRequest.volumeId(f), ChunkRequest.chunkIndex(f));
            pg = ChunkRequest.pg(f);
            term = ChunkRequest.term(f);
            version = ChunkRequest.version(f);
        }

        @Override
        public long wanted() {
            return version;
        }

        @Override
        public Result permitted() {
            return term < disk.store().fence(key.volumeId()) ? Result.FENCED : Result.DONE;
        }

        @Override
        public void ended(Result result) {
            switch (result) {
                case DONE -> sync();
                case WRONG_VERSION -> answer(Status.WRONG_VERSION);
                case NO_SPACE -> answer(Status.NO_SPACE);
                case FENCED -> answer(Status.FENCED);
                case CANCELLED -> answer(Status.OLD_EPOCH);
                case NOT_REACHED, UNREACHABLE, CHANGED -> answer(Status.BUSY);
            }
        }

        private void sync() {
            disk.counters().levels++;
            disk.store()
                    .sync(
                            disk.store().appliedSequence(),
                            (_, errno) -> {
                                if (errno < 0) {
                                    disk.failed(errno);
                                }
                                answer(errno < 0 ? Status.IO_ERROR : Status.OK);
                            },
                            0);
        }

        private void answer(int status) {
            Frame reply = disk.frames().take();
            long here = disk.version(key.volumeId(), key.chunkIndex());
            long epoch = disk.epoch(pg);
            lane.session().send(ChunkRequest.levelReply(reply, requestId, status, epoch, here));
        }
    }
}
