package comet.store;

import comet.base.Buf;
import comet.base.Check;
import comet.base.Sizes;
import comet.port.IoDone;
import comet.wire.Frame;
import comet.wire.WriteRequest;
import java.util.ArrayList;
import java.util.List;

/// The way of large writes: data to new space in segments at once, never over live data; a record
/// that says where it lies to the journal. **Data, then record**: the batch with the record is
/// written to the ring only after the segments were synced, so that replay finds no record whose
/// data is not there. What follows in the journal waits behind it, in order.
final class LargeWrites {
    /// Told what moves.
    interface Owner {
        /// Memory has become free.
        void largeMoved();

        /// So much waits to be durable that it should become so now.
        void largeUnsynced();

        /// The batch that [#isDurable] was asked about may be written now.
        void largeDurable();
    }

    /// Bytes that wait to be in the files at most, before writers are held back.
    private static final long UNWRITTEN_BYTES_MAX = 16L << 20;

    /// Bytes that wait to be durable at most, before writers are held back; from half of it on they
    /// become durable without anybody asking.
    private static final long UNSYNCED_BYTES_MAX = 64L << 20;

    /// From here on, with what is claimed, space is worth more than bytes written twice: what is
    /// replaced is free only after a checkpoint.
    private static final int FULL_PERCENT_MAX = 75;

    private final DiskParts parts;
    private final Owner owner;
    private long unwrittenBytes;
    private long unsyncedBytes;

    /// The owner was asked to make them durable, and none have become so since.
    private boolean syncAsked;

    /// What could not be written, on a disk that has failed: it is still read from memory.
    private final List<LargeWrite> unwritten = new ArrayList<>(0);

    LargeWrites(DiskParts parts, Owner owner) {
        this.parts = parts;
        this.owner = owner;
    }

    /// Whether a write of so many blocks goes this way: it is worth it, and there is space beside
    /// what others count on. A disk that fills up takes the other way, over the old places.
    boolean takes(int blocks) {
        return blocks << Sizes.BLOCK_SHIFT >= parts.config.largeBytesMin()
                && parts.segments.unclaimedBlocks() >= blocks
                && parts.segments.fullPercent() < FULL_PERCENT_MAX;
    }

    boolean backlogged() {
        return unwrittenBytes >= UNWRITTEN_BYTES_MAX || unsyncedBytes >= UNSYNCED_BYTES_MAX;
    }

    /// Bytes that no record in the ring tells of.
    long unsyncedBytes() {
        return unsyncedBytes;
    }

    /// Gives a write its place and starts to bring its data there; its record is to go to `batch`.
    LargeWrite start(Frame write, Batch batch) {
        Buf data = write.data();
        int blocks = WriteRequest.blockCount(write);
        LargeWrite large = new LargeWrite(blocks, data, write.dataOffset());
        Batch.Data state = batch.largeData();
        long bytes = (long) blocks << Sizes.BLOCK_SHIFT;
        unwrittenBytes += bytes;
        unsyncedBytes += bytes;
        state.bytes += bytes;
        parts.counters.largeWrites++;
        parts.counters.segmentBytesWritten += bytes;
        Writing writing = new Writing(large, state);
        int[] next = new int[1];
        parts.segments
                .space()
                .claim(
                        blocks,
                        (segment, first, count) -> {
                            writing.run(segment, first, count, next[0]);
                            next[0] += count;
                        });
        Check.that(next[0] == blocks, "a large write without space", next[0], blocks);
        if (unsyncedBytes >= UNSYNCED_BYTES_MAX / 2 && !syncAsked) {
            syncAsked = true;
            owner.largeUnsynced();
        }
        return large;
    }

    /// Whether the data of all large writes of `batch` is durable. Where it is not, it becomes so,
    /// and the owner is told.
    boolean isDurable(Batch batch) {
        Batch.Data state = batch.large;
        if (state == null || state.durable) {
            return true;
        }
        if (!state.wanted) {
            state.wanted = true;
            if (state.underWay == 0) {
                sync(state);
            }
        }
        return false;
    }

    private void sync(Batch.Data state) {
        state.underWay = state.segments.size();
        for (int number : state.segments) {
            Segment segment = parts.segments.space().segment(number);
            if (segment == null || segment.file == null) {
                throw Check.failed("a large write in a missing segment");
            }
            parts.counters.segmentSyncs++;
            segment.sync((token, result) -> synced(state, (int) token, result), number);
        }
    }

    private void synced(Batch.Data state, int number, int result) {
        state.underWay--;
        if (parts.hasFailed()) {
            return;
        }
        if (result < 0) {
            parts.fail("sync of " + Segments.name(number), -result);
        } else if (state.underWay == 0) {
            state.durable = true;
            unsyncedBytes -= state.bytes;
            syncAsked = false;
            owner.largeDurable();
            owner.largeMoved();
        }
    }

    /// Gives back all memory; nothing may be under way.
    void close() {
        unwritten.forEach(LargeWrite::written);
        unwritten.clear();
    }

    /// One write on its way to the files.
    private final class Writing {
        private final LargeWrite large;
        private final Batch.Data state;
        private final IoDone written = this::written; // once, not for each run
        private int runs;
        private boolean isUnwritten;

        Writing(LargeWrite large, Batch.Data state) {
            this.large = large;
            this.state = state;
        }

        void run(Segment segment, int firstBlock, int count, int slot) {
            Buf data = large.data(slot);
            if (segment.file == null || data == null) {
                throw Check.failed("space in a missing segment");
            }
            for (int i = 0; i < count; i++) {
                large.place(slot + i, SpaceMap.place(segment.number, firstBlock + i));
            }
            state.segments.add(segment.number);
            state.underWay++;
            runs++;
            segment.file.write(
                    (long) firstBlock << Sizes.BLOCK_SHIFT,
                    data,
                    large.dataOffset(slot),
                    count << Sizes.BLOCK_SHIFT,
                    written,
                    segment.number);
        }

        private void written(long number, int result) {
            state.underWay--;
            isUnwritten |= result < 0;
            if (--runs == 0) {
                unwrittenBytes -= (long) large.blocks() << Sizes.BLOCK_SHIFT;
                if (isUnwritten) {
                    unwritten.add(large);
                } else {
                    large.written();
                }
            }
            if (parts.hasFailed()) {
                return;
            }
            if (result < 0) {
                parts.fail("write to " + Segments.name((int) number), -result);
                return;
            }
            if (state.wanted && state.underWay == 0) {
                sync(state);
            }
            owner.largeMoved();
        }
    }
}
