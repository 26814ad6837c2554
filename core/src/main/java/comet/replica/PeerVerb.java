package comet.replica;

import comet.base.Sizes;
import comet.base.Versions;
import comet.cluster.PgHash;
import comet.replica.ApplyRules.Outcome;
import comet.replica.ApplyRules.Role;
import comet.replica.ReadLane.Progress;
import comet.store.ChunkStore;
import comet.wire.ChunkList;
import comet.wire.ChunkRequest;
import comet.wire.Fences;
import comet.wire.Frame;
import comet.wire.MessageType;
import comet.wire.Status;

/// FENCES, LIST_PG and BLOCKS: what a recovering replica asks of its source, and a scrub of another
/// member. Answered only where this disk is IN_SYNC in the placement group, and only in the epoch
/// that the asker names: once it has been answered, no write of an older epoch is applied here any
/// more, so whatever the answer lacks is also sent to the asker.
final class PeerVerb {
    private final DiskServer disk;

    PeerVerb(DiskServer disk) {
        this.disk = disk;
    }

    Progress on(ReadLane lane, Frame f, boolean refreshed) {
        return switch (f.type()) {
            case MessageType.FENCES ->
                    Fences.valid(f)
                            ? gated(lane, f, Fences.pg(f), Fences.epoch(f), refreshed)
                            : lane.invalid(f, "fences");
            case MessageType.LIST_PG ->
                    ChunkList.validListPg(f)
                            ? gated(lane, f, ChunkList.pg(f), ChunkList.epoch(f), refreshed)
                            : lane.invalid(f, "list-pg");
            case MessageType.BLOCKS ->
                    validBlocks(f)
                            ? gated(lane, f, ChunkRequest.pg(f), ChunkRequest.epoch(f), refreshed)
                            : lane.invalid(f, "blocks");
            default -> lane.invalid(f, "type");
        };
    }

    private boolean validBlocks(Frame f) {
        return ChunkRequest.valid(f)
                && disk.validChunk(ChunkRequest.volumeId(f))
                && ChunkRequest.generation(f) >= 0
                && ChunkRequest.pg(f)
                        == PgHash.of(
                                ChunkRequest.volumeId(f),
                                ChunkRequest.chunkIndex(f),
                                disk.pgCount());
    }

    private Progress gated(ReadLane lane, Frame f, int pg, long epoch, boolean refreshed) {
        if (pg < 0 || pg >= disk.pgCount()) {
            return lane.invalid(f, "pg");
        }
        Role role = disk.role(pg) == Role.IN_SYNC ? Role.IN_SYNC : Role.NONE;
        Outcome gate = ApplyRules.gate(0, 0, epoch, disk.epoch(pg), role);
        if (gate == Outcome.FETCH_MAP) {
            return refreshed ? lane.invalid(f, "epoch") : Progress.AWAIT_MAP;
        }
        int status = DiskServer.status(gate);
        switch (f.type()) {
            case MessageType.FENCES -> fences(lane, f, status, pg);
            case MessageType.LIST_PG -> listPg(lane, f, status, pg);
            default -> blocks(lane, f, status, pg);
        }
        return Progress.DONE;
    }

    private void fences(ReadLane lane, Frame f, int status, int pg) {
        FencePage page = new FencePage();
        if (status == Status.OK) {
            disk.store().fences(Fences.afterVolume(f), page);
        }
        Frame reply = disk.frames().take();
        long epoch = disk.epoch(pg);
        Fences.startReply(reply, f.requestId(), status, epoch, page.count, page.more);
        for (int n = 0; n < page.count; n++) {
            Fences.entry(reply, n, page.volumes[n], page.terms[n]);
        }
        lane.send(reply);
    }

    private void listPg(ReadLane lane, Frame f, int status, int pg) {
        ChunkPage page = new ChunkPage();
        if (status == Status.OK) {
            disk.store().chunksOfPg(pg, ChunkList.afterVolume(f), ChunkList.afterChunk(f), page);
        }
        Frame reply = disk.frames().take();
        int type = MessageType.LIST_PG_REPLY;
        long epoch = disk.epoch(pg);
        ChunkList.startReply(reply, type, f.requestId(), status, epoch, page.count, page.more);
        for (int n = 0; n < page.count; n++) {
            ChunkList.entry(reply, n, page.volumes[n], page.chunks[n], pg, page.versions[n]);
        }
        lane.send(reply);
    }

    private void blocks(ReadLane lane, Frame f, int status, int pg) {
        long volumeId = ChunkRequest.volumeId(f);
        int chunkIndex = ChunkRequest.chunkIndex(f);
        long version = disk.version(volumeId, chunkIndex);
        boolean versionOnly = (f.flags() & ChunkRequest.VERSION_ONLY) != 0;
        if (status != Status.OK || version == Versions.NONE || versionOnly) {
            sendVersion(lane, f.requestId(), status, pg, version);
            return;
        }
        lane.began();
        new BlockTable(lane, f, pg).start();
    }

    private void sendVersion(ReadLane lane, long requestId, int status, int pg, long version) {
        Frame reply = disk.frames().take();
        long epoch = disk.epoch(pg);
        lane.send(ChunkRequest.blocksReply(reply, requestId, status, epoch, version, 0));
    }

    private static final class FencePage implements ChunkStore.FenceVisitor {
        private final long[] volumes = new long[Fences.ENTRIES_MAX];
        private final long[] terms = new long[Fences.ENTRIES_MAX];
        private int count;
        private boolean more;

        @Override
        public boolean fence(long volumeId, long term) {
            if (count == volumes.length) {
                more = true;
                return false;
            }
            volumes[count] = volumeId;
            terms[count++] = term;
            return true;
        }
    }

    private static final class ChunkPage implements ChunkStore.ChunkVisitor {
        private final long[] volumes = new long[ChunkList.ENTRIES_MAX];
        private final int[] chunks = new int[ChunkList.ENTRIES_MAX];
        private final long[] versions = new long[ChunkList.ENTRIES_MAX];
        private int count;
        private boolean more;

        @Override
        public boolean chunk(ChunkStore.Chunk chunk) {
            if (count == volumes.length) {
                more = true;
                return false;
            }
            volumes[count] = chunk.volumeId();
            chunks[count] = chunk.chunkIndex();
            versions[count++] = chunk.version();
            return true;
        }
    }

    /// The block versions of one chunk, all of one moment: read again where a write came between.
    private final class BlockTable implements ChunkStore.BlocksVisitor {
        private final ReadLane lane;
        private final long requestId;
        private final long volumeId;
        private final int chunkIndex;
        private final int pg;
        private final long epoch;
        private final Frame reply = disk.frames().take();
        private long version;
        private int attempts;

        BlockTable(ReadLane lane, Frame f, int pg) {
            this.lane = lane;
            requestId = f.requestId();
            volumeId = ChunkRequest.volumeId(f);
            chunkIndex = ChunkRequest.chunkIndex(f);
            this.pg = pg;
            epoch = disk.epoch(pg);
        }

        void start() {
            ChunkStore.Chunk chunk = disk.store().chunk(volumeId, chunkIndex);
            version = chunk == null ? Versions.NONE : chunk.version();
            int count = chunk == null ? 0 : Sizes.CHUNK_BLOCKS;
            ChunkRequest.blocksReply(reply, requestId, Status.OK, epoch, version, count);
            if (chunk == null) {
                finish();
                return;
            }
            int generation = chunk.generation();
            int base = generation == 0 ? 0 : chunk.base(generation);
            ChunkRequest.generations(reply, generation, base, 0);
            disk.store().blocks(volumeId, chunkIndex, 0, this);
        }

        @Override
        public void block(int block, int state, long blockVersion, int crc) {
            ChunkRequest.block(reply, block, blockVersion, crc, state);
        }

        @Override
        public void end(int errno) {
            boolean changed = disk.version(volumeId, chunkIndex) != version;
            if (errno == 0 && changed && attempts++ < Limits.PULL_ATTEMPTS_MAX) {
                start();
                return;
            }
            if (errno != 0 || changed || disk.epoch(pg) != epoch) {
                int status = errno != 0 ? Status.IO_ERROR : Status.BUSY;
                long now = disk.epoch(pg);
                ChunkRequest.blocksReply(reply, requestId, status, now, version, 0);
            }
            finish();
        }

        private void finish() {
            lane.ended();
            lane.send(reply);
        }
    }
}
