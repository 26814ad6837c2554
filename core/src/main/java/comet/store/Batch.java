package comet.store;

import comet.base.Buf;
import comet.base.Check;
import comet.base.Sizes;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// One batch of the journal, from its first record until the ring's tail has passed it: it fills
/// (records in an array, data by reference in the callers' buffers), is sealed (everything in one
/// buffer with its place in the ring), and may be evicted from memory (its data is read from the
/// ring then). Blocks of its data are named by their slot, 0 and up.
final class Batch extends Source {
    /// What a batch needs only while it fills; reused by the journal.
    static final class Filling {
        byte[] head = new byte[4096];
        int headBytes = JournalBatch.HEADER_BYTES;
        int recordCount;
        int dataBlocks;
        @Nullable Buf[] sources = new @Nullable Buf[64];
        int[] offsets = new int[64];
        int retainedCount;
        @Nullable Buf[] retained = new @Nullable Buf[64];

        void reset() {
            headBytes = JournalBatch.HEADER_BYTES;
            recordCount = 0;
            dataBlocks = 0;
            retainedCount = 0;
        }

        /// Makes room for a record and its data.
        void ensure(int recordBytes, int blocks) {
            while (headBytes + recordBytes > head.length) {
                head = java.util.Arrays.copyOf(head, head.length * 2);
            }
            while (dataBlocks + blocks > sources.length) {
                sources = java.util.Arrays.copyOf(sources, sources.length * 2);
                offsets = java.util.Arrays.copyOf(offsets, offsets.length * 2);
            }
        }

        /// Takes a reference to `blocks` blocks of data.
        void data(Buf source, int offset, int blocks) {
            if (retainedCount == retained.length) {
                retained = java.util.Arrays.copyOf(retained, retained.length * 2);
            }
            retained[retainedCount++] = source.retain();
            for (int i = 0; i < blocks; i++) {
                sources[dataBlocks] = source;
                offsets[dataBlocks++] = offset + i * Sizes.BLOCK_BYTES;
            }
        }

        void releaseAll() {
            for (int i = 0; i < retainedCount; i++) {
                Buf buf = retained[i];
                if (buf != null) {
                    buf.release();
                }
                retained[i] = null;
            }
            java.util.Arrays.fill(sources, 0, dataBlocks, null);
        }
    }

    /// What has to be durable in segments before the batch may be written to the ring.
    static final class Data {
        final TreeSet<Integer> segments = new TreeSet<>();

        /// Operations that have not ended.
        int underWay;

        long bytes;

        /// The batch is to be written: once nothing is under way the segments are synced.
        boolean wanted;

        boolean durable;
    }

    final long firstSequence;
    int recordCount;

    /// Set where one of its records is of a large write.
    @Nullable Data large;

    /// Set until the batch is sealed.
    @Nullable Filling filling;

    /// Set from the sealing until the eviction.
    @Nullable Buf buf;

    /// Place in the ring, from the sealing on.
    long position;

    int bytes;

    /// Bytes left unused at the ring's end before this batch, which came to lie at its start.
    long wastedBytes;

    long lap;
    int checksum;

    /// Where slot 0 lies, counted from [#position].
    int dataStart;

    int dataBlocks;

    Batch(long firstSequence) {
        this.firstSequence = firstSequence;
    }

    long lastSequence() {
        return firstSequence + recordCount - 1;
    }

    long end() {
        return position + bytes;
    }

    Data largeData() {
        Data data = large;
        if (data == null) {
            data = new Data();
            large = data;
        }
        return data;
    }

    @Override
    @Nullable Buf data(int slot) {
        if (filling != null) {
            return filling.sources[slot];
        }
        return buf;
    }

    @Override
    int dataOffset(int slot) {
        if (filling != null) {
            return filling.offsets[slot];
        }
        return dataStart + slot * Sizes.BLOCK_BYTES;
    }

    long ringPosition(int slot) {
        Check.that(filling == null, "a filling batch has no place yet");
        return position + dataStart + (long) slot * Sizes.BLOCK_BYTES;
    }

    int bytesWhenSealed() {
        Filling f = filling;
        return f == null
                ? bytes
                : JournalBatch.align4K(f.headBytes) + f.dataBlocks * Sizes.BLOCK_BYTES;
    }
}
