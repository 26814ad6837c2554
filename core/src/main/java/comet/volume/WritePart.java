package comet.volume;

import comet.base.Buf;
import comet.base.Check;
import comet.base.Crc;
import comet.base.Sizes;
import comet.wire.WriteRequest;
import org.jspecify.annotations.Nullable;

/// A write within one chunk, from the split of its request until every member has it durably (its
/// data is kept that long, see [UnsyncedWrites]). Pooled.
@SuppressWarnings("NullAway.Init")
final class WritePart extends ChunkPart {
    enum Stage {
        /// Waits for overlapping writes, the opening of its PG, the levelling of its chunk.
        NEW,
        /// Reads the rest of its first and last block.
        MERGING,
        /// Waits for credit.
        READY,
        /// Has its version; some member has not answered yet.
        SENT,
        /// Answered by all members; some may not have it durably.
        COMPLETE
    }

    Stage stage = Stage.NEW;
    int op;
    boolean durable;

    /// Of a chunk that does not exist nothing has to be zeroed or trimmed.
    boolean skipIfAbsent;

    /// What the guest gave (or zeros), and where it belongs: bytes from the start of the first
    /// block.
    @Nullable Buf source;

    int sourceOffset;
    int fromByte;
    int byteCount;

    /// Whole blocks as they travel, with their checksums; a reference of our own.
    @Nullable Buf data;

    int dataOffset;
    int[] crcs = new int[1];
    int mergesLeft;
    int mergeErrno;

    long previous;
    long version;
    final MemberWrite[] copies = new MemberWrite[Sizes.MEMBERS_MAX];

    @Nullable WritePart keptPrevious;
    @Nullable WritePart keptNext;

    /// The flush that waits for this write, 0 if none.
    long flushRound;

    WritePart() {
        for (int m = 0; m < copies.length; m++) {
            copies[m] = new MemberWrite(this);
        }
    }

    @Override
    boolean isWrite() {
        return true;
    }

    /// Bytes charged to the credit, see [comet.wire.Credit].
    long cost() {
        return op == WriteRequest.OP_DATA
                ? (long) blockCount * Sizes.BLOCK_BYTES
                : Sizes.BLOCK_BYTES;
    }

    /// False for trims and zeroes.
    boolean hasData() {
        return op == WriteRequest.OP_DATA;
    }

    int dataBytes() {
        return op == WriteRequest.OP_DATA ? blockCount * Sizes.BLOCK_BYTES : 0;
    }

    @Override
    void advance() {
        if (blockers > 0) {
            return;
        }
        if (stage == Stage.NEW) {
            if (!volume.chunkReady(this)) {
                return;
            }
            if (skipIfAbsent && volume.table().get(chunkIndex) == 0) {
                finish(0);
                return;
            }
            prepare();
        } else if (stage == Stage.READY) {
            volume.fanout().offer(this);
        }
    }

    private void prepare() {
        if (op != WriteRequest.OP_DATA) {
            ready();
            return;
        }
        Buf source = source();
        if (fromByte == 0 && byteCount == dataBytes()) {
            // Not worth keeping much more memory than data, for as long as a sync takes.
            if (source.capacity() <= 2 * Math.max(byteCount, Sizes.BLOCK_BYTES)
                    || source == volume.gateway().zeros()) {
                data = source.retain();
                dataOffset = sourceOffset;
            } else {
                data = volume.gateway().bufs().take(byteCount);
                dataOffset = 0;
                data.copyFrom(0, source, sourceOffset, byteCount);
            }
            ready();
            return;
        }
        data = volume.gateway().bufs().take(dataBytes());
        dataOffset = 0;
        stage = Stage.MERGING;
        int endByte = fromByte + byteCount;
        boolean first = fromByte > 0 || endByte < Sizes.BLOCK_BYTES;
        boolean last = (endByte & Sizes.BLOCK_BYTES - 1) != 0 && (blockCount > 1 || !first);
        mergesLeft = (first ? 1 : 0) + (last ? 1 : 0);
        mergeErrno = 0;
        if (first) {
            mergeRead(0);
        }
        if (last) {
            mergeRead(blockCount - 1);
        }
    }

    private void mergeRead(int block) {
        ReadPart read = volume.gateway().parts().read();
        read.place(volume, chunkIndex, firstBlock + block, 1);
        read.wants(data(), block * Sizes.BLOCK_BYTES, 0, Sizes.BLOCK_BYTES);
        read.merge = this;
        volume.addLive(read);
        read.advance();
    }

    /// The rest of one block has been read.
    void onMergeRead(int errno) {
        if (errno != 0) {
            mergeErrno = errno;
        }
        if (--mergesLeft > 0) {
            return;
        }
        if (mergeErrno != 0) {
            finish(mergeErrno);
            return;
        }
        data().copyFrom(fromByte, source(), sourceOffset, byteCount);
        ready();
    }

    private void ready() {
        if (op == WriteRequest.OP_DATA) {
            checksum();
        }
        stage = Stage.READY;
        volume.fanout().offer(this);
    }

    private void checksum() {
        if (crcs.length < blockCount) {
            crcs = new int[Math.max(blockCount, 8)];
        }
        boolean zeros = data == volume.gateway().zeros();
        for (int n = 0; n < blockCount; n++) {
            int at = dataOffset + n * Sizes.BLOCK_BYTES;
            crcs[n] =
                    zeros
                            ? Crc.ZERO_BLOCK
                            : volume.gateway().crc().of(data(), at, Sizes.BLOCK_BYTES);
        }
    }

    Buf data() {
        if (data == null) {
            throw Check.failed("write without data");
        }
        return data;
    }

    private Buf source() {
        if (source == null) {
            throw Check.failed("write without source");
        }
        return source;
    }

    /// Ends a part that was never sent, or answers for one that is complete.
    void finish(int errno) {
        Request request = this.request;
        this.request = null;
        source = null;
        boolean over = stage != Stage.COMPLETE;
        volume.order().leave(this);
        if (over) {
            free();
        }
        if (request != null) {
            volume.partDone(request, errno);
        }
    }

    /// Gives everything back; nothing refers to the part any more.
    void free() {
        for (MemberWrite copy : copies) {
            copy.recall();
        }
        dropData();
        volume.removeLive(this);
        volume.gateway().parts().giveBack(this);
    }

    private void dropData() {
        if (data != null) {
            data.release();
            data = null;
        }
    }

    @Override
    void abandon() {
        for (MemberWrite copy : copies) {
            copy.recall();
        }
        dropData();
        source = null;
        request = null;
    }

    void clear() {
        clearPart();
        stage = Stage.NEW;
        source = null;
        durable = false;
        skipIfAbsent = false;
        flushRound = 0;
        previous = 0;
        version = 0;
    }
}
