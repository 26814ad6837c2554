package comet.volume;

import comet.base.Sizes;
import comet.wire.BlockState;
import comet.wire.ChunkRequest;
import comet.wire.Frame;
import comet.wire.MessageType;
import comet.wire.Status;
import org.jspecify.annotations.Nullable;

/// One status request: walks the chunks of its range, asks for the maps that are not known, and
/// tells runs of equal blocks. It is a part, too: of one chunk after the other, waiting like a
/// read. A volume that is not attached here counts as full of data, which is always safe to say.
final class StatusScan extends ChunkPart implements Pending {
    private final BlockDevice.Extents extents;
    private final Request scanned;
    private long runLength;
    private boolean runHole;
    private boolean stopped;
    private @Nullable DiskPeer peer;
    private long requestId;
    private long versionAtSend;

    StatusScan(Volume volume, Request request, BlockDevice.Extents extents) {
        this.volume = volume;
        this.scanned = request;
        this.extents = extents;
    }

    @Override
    boolean isWrite() {
        return false;
    }

    /// Goes on to the chunk at the request's cursor.
    void next() {
        if (scanned.cursor >= scanned.end() || stopped) {
            end();
            return;
        }
        place(volume, (int) (scanned.cursor >>> Sizes.CHUNK_SHIFT), 0, Sizes.CHUNK_BLOCKS);
        advance();
    }

    @Override
    void advance() {
        if (scanned.loose) {
            tell(scanned.end() - scanned.cursor, false);
            scanned.cursor = scanned.end();
            end();
            return;
        }
        if (!volume.chunkReady(this)) {
            return;
        }
        if (volume.table().get(chunkIndex) == 0) {
            long length = chunkEnd() - scanned.cursor;
            scanned.cursor += length;
            tell(length, true);
            volume.gateway().loop().execute(this::nextUnlessDead);
            return;
        }
        BlockMaps.BlockMap map = volume.maps().get(chunkIndex);
        if (map == null) {
            ask();
        } else {
            walk(map);
        }
    }

    void loosen() {
        scanned.loose = true;
    }

    private void nextUnlessDead() {
        if (!dead) {
            next();
        }
    }

    private long chunkEnd() {
        return Math.min(scanned.end(), (long) (chunkIndex + 1) << Sizes.CHUNK_SHIFT);
    }

    private void walk(BlockMaps.BlockMap map) {
        long end = chunkEnd();
        while (scanned.cursor < end && !stopped) {
            int inChunk = (int) (scanned.cursor & Sizes.CHUNK_BYTES - 1);
            int block = inChunk >>> Sizes.BLOCK_SHIFT;
            boolean hole = map.state(block) < BlockState.DATA;
            int behind = block + 1;
            while (behind < Sizes.CHUNK_BLOCKS && map.state(behind) < BlockState.DATA == hole) {
                behind++;
            }
            long run =
                    Math.min((long) (behind << Sizes.BLOCK_SHIFT) - inChunk, end - scanned.cursor);
            scanned.cursor += run;
            tell(run, hole);
        }
        volume.gateway().loop().execute(this::nextUnlessDead);
    }

    /// Collects runs of the same kind, also across chunks.
    private void tell(long length, boolean hole) {
        if (runLength > 0 && runHole != hole) {
            stopped = !extents.extent(runLength, runHole, runHole);
            runLength = 0;
        }
        runHole = hole;
        runLength += length;
    }

    private void end() {
        if (!stopped && runLength > 0) {
            extents.extent(runLength, runHole, runHole);
        }
        volume.removeLive(this);
        volume.finish(scanned);
    }

    private void ask() {
        for (int m = 0; m < pg.members; m++) {
            if (pg.inSync[m] && pg.readable(m)) {
                ask(pg.peer(m));
                return;
            }
            pg.peer(m).connect();
        }
        volume.retryLater(this);
    }

    private void ask(DiskPeer to) {
        peer = to;
        requestId = to.read().register(this);
        versionAtSend = volume.completedVersion(chunkIndex);
        Frame frame = volume.gateway().frames().take();
        ChunkRequest.encode(
                frame,
                MessageType.MAP,
                requestId,
                volume.id(),
                chunkIndex,
                pg.pg,
                pg.epoch,
                volume.term());
        to.read().send(frame);
    }

    @Override
    public void onReply(Frame reply) {
        peer = null;
        if (reply.status() == Status.FENCED) {
            volume.attachment().fenced();
            if (!dead) {
                volume.retryLater(this);
            }
            return;
        }
        if (reply.status() != Status.OK
                || !ChunkRequest.validReply(reply)
                || ChunkRequest.replyEpoch(reply) != pg.epoch
                || Long.compareUnsigned(ChunkRequest.replyVersion(reply), versionAtSend) < 0) {
            if (reply.status() == Status.OLD_EPOCH || reply.status() == Status.NOT_A_REPLICA) {
                volume.opening().trouble(pg);
            }
            volume.retryLater(this);
            return;
        }
        BlockMaps.BlockMap map = BlockMaps.of(chunkIndex, reply);
        if (ChunkRequest.replyVersion(reply) == volume.table().get(chunkIndex)
                && volume.completedVersion(chunkIndex) == volume.table().get(chunkIndex)) {
            volume.maps().put(map);
        }
        walk(map);
    }

    @Override
    public void onBroken() {
        peer = null;
        volume.retryLater(this);
    }

    @Override
    void abandon() {
        if (peer != null) {
            peer.read().forget(requestId);
            peer = null;
        }
    }
}
