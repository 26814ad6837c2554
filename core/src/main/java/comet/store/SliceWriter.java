package comet.store;

import comet.base.Buf;
import comet.base.Check;
import comet.base.Sizes;
import comet.port.IoDone;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Writes the blocks of a slice to their places, neighbours in one go, a few writes at a time; then
/// syncs every segment it has touched.
final class SliceWriter {
    /// Told when everything is durable. Errors fail the disk and are not told.
    interface Written {
        void written();
    }

    /// Longest single write.
    private static final int RUN_BLOCKS = 256;

    /// Writes under way at once: guests go first until the ring is three quarters full. Not fewer,
    /// since those that are begun together share one hand-over to another thread and back, which
    /// costs several times what a write of one block into the page cache does.
    private static final int DEPTH_CALM = 16;

    private static final int DEPTH_PRESSED = 32;

    private final DiskParts parts;
    private final Checkpoint checkpoint;
    private final SliceMoves moves;
    private final Written done;
    private final TreeSet<Integer> touched = new TreeSet<>();
    private int next;
    private int underWay;
    private int syncs;

    SliceWriter(DiskParts parts, Checkpoint checkpoint, SliceMoves moves, Written done) {
        this.parts = parts;
        this.checkpoint = checkpoint;
        this.moves = moves;
        this.done = done;
    }

    void start() {
        moves.sort();
        more();
    }

    private void more() {
        int depth = parts.isPressed() ? DEPTH_PRESSED : DEPTH_CALM;
        while (underWay < depth && next < moves.count()) {
            int count = run(next);
            underWay++;
            new Run(next, count).start();
            next += count;
        }
        if (underWay == 0 && next == moves.count()) {
            syncAll();
        }
    }

    /// Moves from `from` on whose places lie side by side.
    private int run(int from) {
        int n = 1;
        long place = moves.place(from);
        while (n < RUN_BLOCKS
                && from + n < moves.count()
                && moves.place(from + n) == place + n
                && SpaceMap.segmentOf(place + n) == SpaceMap.segmentOf(place)) {
            n++;
        }
        return n;
    }

    private void syncAll() {
        syncs = 1;
        for (int number : touched) {
            Segment segment = parts.segments.space().segment(number);
            if (segment != null && segment.file != null) {
                syncs++;
                parts.counters.segmentSyncs++;
                segment.sync(this::onSynced, number);
            }
        }
        if (--syncs == 0) {
            done.written();
        }
    }

    private void onSynced(long number, int result) {
        syncs--;
        if (parts.hasFailed()) {
            return;
        }
        if (result < 0) {
            parts.fail("sync of " + Segments.name((int) number), -result);
        } else if (syncs == 0) {
            done.written();
        }
    }

    /// One write of neighbouring blocks.
    private final class Run {
        private final int from;
        private final int count;
        private @Nullable Buf buf;
        private int reads;
        private final IoDone onRead = this::onRead;

        Run(int from, int count) {
            this.from = from;
            this.count = count;
        }

        void start() {
            Buf direct = sideBySide();
            if (direct != null) {
                buf = direct.retain();
                write(moves.batch(from).dataOffset(moves.slot(from)));
                return;
            }
            Buf target = parts.pool.take(count << Sizes.BLOCK_SHIFT);
            buf = target;
            reads = 1;
            int i = 0;
            while (i < count) {
                i += gather(target, i);
            }
            if (--reads == 0) {
                write(0);
            }
        }

        /// The buffer that holds all blocks in the right order, if there is one.
        private @Nullable Buf sideBySide() {
            Batch batch = moves.batch(from);
            Buf first = batch.data(moves.slot(from));
            for (int i = 1; i < count && first != null; i++) {
                if (moves.batch(from + i) != batch
                        || moves.slot(from + i) != moves.slot(from) + i) {
                    return null;
                }
            }
            return first;
        }

        /// Gets block `i` into the buffer; from the ring also those behind it that follow there.
        private int gather(Buf target, int i) {
            Batch batch = moves.batch(from + i);
            int slot = moves.slot(from + i);
            Buf source = batch.data(slot);
            int offset = i << Sizes.BLOCK_SHIFT;
            if (source != null) {
                target.copyFrom(offset, source, batch.dataOffset(slot), Sizes.BLOCK_BYTES);
                return 1;
            }
            int n = 1;
            while (i + n < count
                    && moves.batch(from + i + n) == batch
                    && moves.slot(from + i + n) == slot + n) {
                n++;
            }
            reads++;
            parts.journal().read(batch, slot, n, target, offset, onRead, n);
            return n;
        }

        private void onRead(long blocks, int result) {
            reads--;
            if (result != (int) blocks << Sizes.BLOCK_SHIFT && !parts.hasFailed()) {
                parts.fail("read of the journal", result < 0 ? -result : comet.port.Errno.EIO);
            }
            if (reads == 0) {
                if (parts.hasFailed()) {
                    release();
                } else {
                    write(0);
                }
            }
        }

        private void write(int offset) {
            long place = moves.place(from);
            int number = SpaceMap.segmentOf(place);
            Segment segment = parts.segments.space().segment(number);
            Buf source = buf;
            if (segment == null || segment.file == null || source == null) {
                throw Check.failed("place in a missing segment");
            }
            touched.add(number);
            long position = (long) SpaceMap.blockOf(place) << Sizes.BLOCK_SHIFT;
            int bytes = count << Sizes.BLOCK_SHIFT;
            parts.counters.segmentBytesWritten += bytes;
            segment.file.write(position, source, offset, bytes, this::onWritten, number);
        }

        private void onWritten(long number, int result) {
            release();
            if (parts.hasFailed()) {
                return;
            }
            if (result < 0) {
                parts.fail("write to " + Segments.name((int) number), -result);
                return;
            }
            underWay--;
            checkpoint.sliceWrote(count);
            more();
        }

        private void release() {
            if (buf != null) {
                buf.release();
                buf = null;
            }
        }
    }
}
