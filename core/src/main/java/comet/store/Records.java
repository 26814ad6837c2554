package comet.store;

import comet.base.Buf;
import comet.base.Bytes;
import comet.base.Check;
import comet.base.Sizes;
import comet.wire.Frame;
import comet.wire.WriteRequest;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/// Makes journal records of changes, one method per kind, and applies each at once. All return the
/// record's sequence.
final class Records {
    private final DiskParts parts;
    private final LargeWrites large;

    Records(DiskParts parts, LargeWrites large) {
        this.parts = parts;
        this.large = large;
    }

    long write(Frame write) {
        int blocks = WriteRequest.blockCount(write);
        boolean data = WriteRequest.op(write) == WriteRequest.OP_DATA;
        if (data && large.takes(blocks)) {
            return largeWrite(write, blocks);
        }
        int dataBlocks = data ? blocks : 0;
        int bytes = JournalBatch.align8(JournalBatch.BLOCKS_BYTES + 4 * dataBlocks);
        Batch batch = parts.journal().batchFor(bytes, dataBlocks);
        encodeWrite(filling(batch), JournalBatch.WRITE, write, bytes, dataBlocks, dataBlocks);
        return data
                ? add(batch, bytes, dataBlocks, write.data(), write.dataOffset())
                : add(batch, bytes, 0, null, 0);
    }

    private long largeWrite(Frame write, int blocks) {
        int bytes = JournalBatch.largeWriteBytes(blocks);
        Batch batch = parts.journal().batchFor(bytes, 0);
        Batch.Filling f = filling(batch);
        int at = f.headBytes;
        encodeWrite(f, JournalBatch.LARGE_WRITE, write, bytes, 0, blocks);
        LargeWrite started = large.start(write, batch);
        for (int i = 0; i < blocks; i++) {
            long place = started.place(i);
            JournalBatch.encodePlace(
                    f.head,
                    at,
                    i,
                    SpaceMap.segmentOf(place),
                    SpaceMap.blockOf(place) << Sizes.BLOCK_SHIFT);
        }
        long sequence = parts.journal().added(batch, bytes, 0);
        parts.changes.apply(f.head, at, sequence, started, 0, null, 0);
        return sequence;
    }

    /// @param dataBlocks whose data goes to the ring
    private void encodeWrite(
            Batch.Filling f, int type, Frame write, int bytes, int dataBlocks, int crcs) {
        int at = f.headBytes;
        JournalBatch.encodeRecord(
                f.head,
                at,
                type,
                WriteRequest.op(write),
                WriteRequest.firstBlock(write),
                bytes,
                dataBlocks,
                WriteRequest.chunkIndex(write),
                WriteRequest.volumeId(write));
        JournalBatch.encodeBlocks(
                f.head,
                at,
                WriteRequest.version(write),
                WriteRequest.pg(write),
                WriteRequest.generation(write),
                WriteRequest.base(write),
                WriteRequest.blockCount(write));
        for (int i = 0; i < crcs; i++) {
            JournalBatch.encodeCrc(f.head, at, i, WriteRequest.crc(write, i));
        }
        if ((write.flags() & WriteRequest.RESEND) == 0) {
            parts.segments.giveBack((long) Math.max(1, crcs) << Sizes.BLOCK_SHIFT);
        }
    }

    long copyBlock(
            long volumeId,
            int chunkIndex,
            int generation,
            int base,
            int block,
            int state,
            long version,
            int crc,
            @Nullable Buf data,
            int dataOffset) {
        int dataBlocks = data == null ? 0 : 1;
        int bytes = JournalBatch.align8(JournalBatch.BLOCKS_BYTES + 4);
        Batch batch =
                begin(
                        JournalBatch.COPY_BLOCK,
                        state,
                        block,
                        bytes,
                        dataBlocks,
                        chunkIndex,
                        volumeId);
        Batch.Filling f = filling(batch);
        int pg = parts.headers.pg(volumeId, chunkIndex);
        JournalBatch.encodeBlocks(f.head, f.headBytes, version, pg, generation, base, 1);
        JournalBatch.encodeCrc(f.head, f.headBytes, 0, crc);
        return add(batch, bytes, dataBlocks, data, dataOffset);
    }

    long setVersion(long volumeId, int chunkIndex, long version) {
        int bytes = JournalBatch.SET_VERSION_BYTES;
        Batch batch = begin(JournalBatch.SET_VERSION, 0, 0, bytes, 0, chunkIndex, volumeId);
        Batch.Filling f = filling(batch);
        Bytes.putLong(f.head, f.headBytes + 24, version);
        Bytes.putInt(f.head, f.headBytes + 32, parts.headers.pg(volumeId, chunkIndex));
        return add(batch, bytes, 0, null, 0);
    }

    long dropChunk(long volumeId, int chunkIndex) {
        int bytes = JournalBatch.DROP_CHUNK_BYTES;
        Batch batch = begin(JournalBatch.DROP_CHUNK, 0, 0, bytes, 0, chunkIndex, volumeId);
        return add(batch, bytes, 0, null, 0);
    }

    long setFence(long volumeId, long term) {
        int bytes = JournalBatch.SET_FENCE_BYTES;
        Batch batch = begin(JournalBatch.SET_FENCE, 0, 0, bytes, 0, 0, volumeId);
        Batch.Filling f = filling(batch);
        Bytes.putLong(f.head, f.headBytes + 24, term);
        return add(batch, bytes, 0, null, 0);
    }

    long putNote(String name, byte[] value) {
        byte[] text = name.getBytes(StandardCharsets.UTF_8);
        Check.that(text.length <= 255, "name of a note", text.length, 0);
        Check.that(
                value.length <= parts.config.recordBytesMax(),
                "a note is too long",
                value.length,
                parts.config.recordBytesMax());
        int blocks = value.length + Sizes.BLOCK_BYTES - 1 >>> Sizes.BLOCK_SHIFT;
        int bytes = JournalBatch.align8(JournalBatch.NOTE_NAME + text.length);
        Batch batch = begin(JournalBatch.PUT_NOTE, 0, 0, bytes, blocks, 0, 0);
        Batch.Filling f = filling(batch);
        Bytes.putInt(f.head, f.headBytes + 16, text.length);
        Bytes.putInt(f.head, f.headBytes + 20, value.length);
        System.arraycopy(text, 0, f.head, f.headBytes + JournalBatch.NOTE_NAME, text.length);
        Buf data = parts.pool.take(Math.max(1, blocks << Sizes.BLOCK_SHIFT));
        data.bytes().put(0, value);
        data.zero(value.length, (blocks << Sizes.BLOCK_SHIFT) - value.length);
        long sequence = add(batch, bytes, blocks, data, 0);
        data.release();
        return sequence;
    }

    private static Batch.Filling filling(Batch batch) {
        Batch.Filling f = batch.filling;
        if (f == null) {
            throw Check.failed("batch is sealed");
        }
        return f;
    }

    private Batch begin(
            int type,
            int op,
            int firstBlock,
            int bytes,
            int dataBlocks,
            int chunkIndex,
            long volumeId) {
        Batch batch = parts.journal().batchFor(bytes, dataBlocks);
        Batch.Filling f = filling(batch);
        JournalBatch.encodeRecord(
                f.head, f.headBytes, type, op, firstBlock, bytes, dataBlocks, chunkIndex, volumeId);
        return batch;
    }

    /// The record at the end of `batch` is written: takes its data, numbers and applies it.
    private long add(Batch batch, int bytes, int dataBlocks, @Nullable Buf data, int dataOffset) {
        Batch.Filling f = filling(batch);
        int at = f.headBytes;
        int slot = f.dataBlocks;
        if (data != null && dataBlocks > 0) {
            f.data(data, dataOffset, dataBlocks);
        }
        long sequence = parts.journal().added(batch, bytes, dataBlocks);
        parts.changes.apply(f.head, at, sequence, batch, slot, data, dataOffset);
        return sequence;
    }
}
