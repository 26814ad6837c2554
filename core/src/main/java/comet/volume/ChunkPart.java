package comet.volume;

import org.jspecify.annotations.Nullable;

/// What one request wants of one chunk, rounded to whole blocks: the unit of ordering and sending.
/// Pooled by [PartPool].
@SuppressWarnings("NullAway.Init")
abstract class ChunkPart {
    Volume volume;
    VolumePg pg;

    /// The guest's request, or null for a part of our own (a merge's read) and for a write whose
    /// request has been answered.
    @Nullable Request request;

    int chunkIndex;
    int firstBlock;
    int blockCount;

    /// The volume was ended under this part: whoever still meets it lets it go.
    boolean dead;

    // Order within the chunk, see WriteOrder.
    @Nullable ActiveChunk active;
    @Nullable ChunkPart orderPrevious;
    @Nullable ChunkPart orderNext;
    int blockers;

    // The queue that it waits in, see PartQueue.
    @Nullable ChunkPart waitNext;
    boolean queued;

    // All parts of the volume, see Volume.
    @Nullable ChunkPart livePrevious;
    @Nullable ChunkPart liveNext;

    abstract boolean isWrite();

    /// Goes on with what it does: everything is checked anew.
    abstract void advance();

    /// Lets go of everything that it holds; the volume has ended.
    abstract void abandon();

    /// What it waited for may have come.
    final void resume() {
        if (!dead) {
            advance();
        }
    }

    final boolean overlaps(ChunkPart other) {
        return firstBlock < other.firstBlock + other.blockCount
                && other.firstBlock < firstBlock + blockCount;
    }

    final void place(Volume volume, int chunkIndex, int firstBlock, int blockCount) {
        this.volume = volume;
        this.pg = volume.pgOf(chunkIndex);
        this.chunkIndex = chunkIndex;
        this.firstBlock = firstBlock;
        this.blockCount = blockCount;
    }

    final void clearPart() {
        request = null;
        active = null;
        blockers = 0;
        dead = false;
    }
}
