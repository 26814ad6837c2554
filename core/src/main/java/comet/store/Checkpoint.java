package comet.store;

import comet.base.Check;
import java.util.List;

/// Moves what the journal holds to its place, and lets go of the journal: random writes have become
/// sequential ones in the ring; here they are merged, put in order of place and written once.
///
/// 1. Everything applied so far is frozen, and made durable in the ring.
/// 2. In slices of whole chunks ([CheckpointSlice]): blocks are written to segments, the segments
///    synced, then one commit of the index makes the new places known. A slice that is committed
///    stays so if the machine stops: replay skips what the chunk's row already reflects.
/// 3. With the last slice's commit the tail of the ring moves.
///
/// New changes go on meanwhile, in the active layer of [Pending]. A block is written over its old
/// place only after the record with its new content is durable in the ring, and the ring keeps that
/// record until the index is durable: a torn write to a segment is repaired by replay.
final class Checkpoint {
    /// Told how it goes on.
    interface Owner {
        /// Some part was done.
        void checkpointMoved();

        void checkpointEnded();

        /// There is no space to put the blocks to; it is tried again.
        void checkpointStalled();
    }

    private final DiskParts parts;
    private final Owner owner;
    private final Pace pace;
    private final Runnable onLook = this::goOn;
    private boolean running;
    private List<ChunkPending> chunks = List.of();
    private int next;
    private long through;
    private long sinceNs;
    private long totalBlocks;
    private long settledBlocks;
    private long writtenBlocks;

    Checkpoint(DiskParts parts, Owner owner) {
        this.parts = parts;
        this.owner = owner;
        pace = new Pace(parts);
    }

    boolean isRunning() {
        return running;
    }

    /// How much of the work is done, 0 to 1.
    double progress() {
        return totalBlocks == 0
                ? 0
                : Math.min(1, (double) (settledBlocks + writtenBlocks) / totalBlocks);
    }

    void start() {
        Check.that(!running, "checkpoint runs already");
        running = true;
        sinceNs = parts.loop.nowNs();
        parts.journal().endBatch();
        through = parts.journal().appliedSequence();
        chunks = parts.pending.freeze();
        next = 0;
        settledBlocks = 0;
        writtenBlocks = 0;
        totalBlocks = 1;
        for (ChunkPending chunk : chunks) {
            totalBlocks += chunk.unplacedCount();
        }
        pace.start();
        parts.journal().sync(through, this::onDurable, 0);
    }

    /// Somebody waits for its end.
    void hurry() {
        pace.hurry();
    }

    private void onDurable(long token, int result) {
        if (result == 0) {
            nextSlice();
        }
    }

    private void goOn() {
        if (parts.hasFailed()) {
            return;
        }
        if (pace.mayGoOn(progress())) {
            nextSlice();
        } else {
            parts.loop.schedule(Pace.LOOK_NS, onLook);
        }
    }

    private void nextSlice() {
        int most = parts.config.sliceBlocks();
        int from = next;
        int pages = 0;
        int blocks = 0;
        while (next < chunks.size() && pages * 4L < most && blocks < most) {
            ChunkPending chunk = chunks.get(next++);
            pages += chunk.pageCount();
            blocks += chunk.unplacedCount();
        }
        boolean last = next == chunks.size();
        RingPlace tail = last ? parts.journal().placeAfter(through) : parts.tail;
        new CheckpointSlice(parts, this, chunks.subList(from, next), through, last, tail).start();
    }

    void sliceWrote(int blocks) {
        writtenBlocks += blocks;
        owner.checkpointMoved();
    }

    void sliceStalled() {
        owner.checkpointStalled();
    }

    void sliceEnded(int blocks, boolean last) {
        settledBlocks += blocks;
        writtenBlocks = 0;
        parts.counters.checkpointBlocks += blocks;
        if (!last) {
            owner.checkpointMoved();
            goOn();
            return;
        }
        parts.pending.thaw();
        chunks = List.of();
        running = false;
        parts.counters.checkpoints++;
        parts.counters.checkpointLatency.record(parts.loop.nowNs() - sinceNs);
        parts.journal().dropThrough(through);
        parts.segments.checkLevel();
        owner.checkpointEnded();
    }
}
