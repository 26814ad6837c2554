package comet.store;

import comet.base.Buf;
import comet.base.Bytes;
import comet.base.Crc;
import comet.base.Sizes;
import java.nio.ByteBuffer;

/// The format of the journal's ring: a page that says whose ring it is, then batches, each at a
/// multiple of 4 KiB. All numbers are little-endian.
///
/// ```
/// page 0:  0 u64 magic "COMETRNG"   8 u32 format   12 u32 crc (CRC-32C of these 48 bytes, field zero)
///         16 u64,u64 disk uuid     32 u64 bytes of the file   40 u64 -
///
/// batch:   0 u64 magic "COMETBAT"
///          8 u64,u64 disk uuid
///         24 u32 format            28 u32 start           number of this start of the disk
///         32 u64 lap               from 1
///         40 u64 firstSequence     of its first record; the others follow without gaps
///         48 u64 durableThrough    last sequence known durable when the batch was written
///         56 u32 recordCount       60 u32 headBytes       header and records, without padding
///         64 u32 batchBytes        a multiple of 4 KiB
///         68 u32 previousChecksum  of the batch before
///         72 u32 checksum          CRC-32C of the whole batch with this field zero
///         76 u32 -
///         80 records; zeros up to a multiple of 4 KiB; then the records' data in their order
///
/// record:  0 u8 type   1 u8 op   2 u16 firstBlock   4 u32 recordBytes (a multiple of 8)
///          8 u32 dataBlocks       12 u32 chunkIndex
///         16 u64 volumeId
///   WRITE, COPY_BLOCK:
///         24 u64 version   32 u32 pg   36 u32 generation   40 u32 base   44 u32 blockCount
///         48 u32 crc[]     WRITE: one per block of data; COPY_BLOCK: one (its blockCount is 1)
///   SET_VERSION:  24 u64 version   32 u32 pg   36 u32 -
///   DROP_CHUNK:   nothing more
///   SET_FENCE:    24 u64 term
///   PUT_NOTE:     16 u32 nameBytes   20 u32 valueBytes   24 the name in UTF-8
///                 (data: the value, padded to whole blocks)
///   LARGE_WRITE:  a WRITE whose data lies in segments already: as WRITE (op 1, dataBlocks 0), and
///                 behind the checksums blockCount times { u32 segment, u32 offset in bytes }
/// ```
///
/// A record's length is rounded up to a multiple of 8 with zeros. `op` of a WRITE is that of
/// [comet.wire.WriteRequest], of a COPY_BLOCK the block's state.
final class JournalBatch {
    private JournalBatch() {}

    static final long RING_MAGIC = 0x474E5254454D4F43L;
    static final int RING_PAGE_BYTES = Sizes.BLOCK_BYTES;
    private static final int RING_HEAD_BYTES = 48;

    static final long MAGIC = 0x5441425445_4D4F43L;
    static final int HEADER_BYTES = 80;

    /// Most bytes of header and records in one batch; a multiple of 4 KiB. The largest record is
    /// far below it.
    static final int HEAD_BYTES_MAX = 64 << 10;

    static final int CHECKSUM = 72;

    static final int WRITE = 1;
    static final int COPY_BLOCK = 2;
    static final int SET_VERSION = 3;
    static final int DROP_CHUNK = 4;
    static final int SET_FENCE = 5;
    static final int PUT_NOTE = 6;
    static final int LARGE_WRITE = 7;

    static final int BLOCKS_BYTES = 48;
    static final int SET_VERSION_BYTES = 40;
    static final int DROP_CHUNK_BYTES = 24;
    static final int SET_FENCE_BYTES = 32;
    static final int NOTE_NAME = 24;

    static int align8(int bytes) {
        return bytes + 7 & ~7;
    }

    static int align4K(int bytes) {
        return bytes + Sizes.BLOCK_BYTES - 1 & -Sizes.BLOCK_BYTES;
    }

    // The ring's own page.

    static void encodeRingPage(Buf page, DiskIdentity disk, long fileBytes, Crc crc) {
        page.zero(0, RING_PAGE_BYTES);
        ByteBuffer bytes = page.bytes();
        bytes.putLong(0, RING_MAGIC);
        bytes.putInt(8, DiskIdentity.FORMAT_VERSION);
        bytes.putLong(16, disk.uuidHigh());
        bytes.putLong(24, disk.uuidLow());
        bytes.putLong(32, fileBytes);
        bytes.putInt(12, crc.of(page, 0, RING_HEAD_BYTES));
    }

    /// What speaks against using this ring for the disk; empty where nothing does.
    static String checkRingPage(Buf page, DiskIdentity disk, long fileBytes, Crc crc) {
        ByteBuffer bytes = page.bytes();
        int expected = bytes.getInt(12);
        bytes.putInt(12, 0);
        if (bytes.getLong(0) != RING_MAGIC || crc.of(page, 0, RING_HEAD_BYTES) != expected) {
            return "the journal's first page is damaged, or this is no journal";
        }
        if (bytes.getInt(8) != DiskIdentity.FORMAT_VERSION) {
            return "the journal has format "
                    + bytes.getInt(8)
                    + ", which this program does not know";
        }
        if (bytes.getLong(16) != disk.uuidHigh() || bytes.getLong(24) != disk.uuidLow()) {
            return "the journal belongs to disk "
                    + DiskIdentity.hex(bytes.getLong(16), bytes.getLong(24))
                    + ", not to "
                    + disk.uuid();
        }
        if (bytes.getLong(32) != fileBytes) {
            return "the journal should have " + bytes.getLong(32) + " bytes, it has " + fileBytes;
        }
        return "";
    }

    // A batch's header, in a buffer.

    static boolean isHeader(ByteBuffer b, int at, DiskIdentity disk) {
        return b.getLong(at) == MAGIC
                && b.getLong(at + 8) == disk.uuidHigh()
                && b.getLong(at + 16) == disk.uuidLow()
                && b.getInt(at + 24) == DiskIdentity.FORMAT_VERSION
                && recordCount(b, at) > 0
                && headBytes(b, at) >= HEADER_BYTES
                && headBytes(b, at) <= HEAD_BYTES_MAX
                && batchBytes(b, at) >= align4K(headBytes(b, at))
                && batchBytes(b, at) % Sizes.BLOCK_BYTES == 0;
    }

    static int start(ByteBuffer b, int at) {
        return b.getInt(at + 28);
    }

    static long lap(ByteBuffer b, int at) {
        return b.getLong(at + 32);
    }

    static long firstSequence(ByteBuffer b, int at) {
        return b.getLong(at + 40);
    }

    static long lastSequence(ByteBuffer b, int at) {
        return firstSequence(b, at) + recordCount(b, at) - 1;
    }

    static long durableThrough(ByteBuffer b, int at) {
        return b.getLong(at + 48);
    }

    static int recordCount(ByteBuffer b, int at) {
        return b.getInt(at + 56);
    }

    static int headBytes(ByteBuffer b, int at) {
        return b.getInt(at + 60);
    }

    static int batchBytes(ByteBuffer b, int at) {
        return b.getInt(at + 64);
    }

    static int previousChecksum(ByteBuffer b, int at) {
        return b.getInt(at + 68);
    }

    /// The stored checksum where it is right, tested by [#intact].
    static int checksum(ByteBuffer b, int at) {
        return b.getInt(at + CHECKSUM);
    }

    /// Whether the whole batch at `at`, all of which is in the buffer, fits its checksum.
    static boolean intact(Buf buf, int at, Crc crc) {
        ByteBuffer b = buf.bytes();
        int expected = checksum(b, at);
        b.putInt(at + CHECKSUM, 0);
        int actual = crc.of(buf, at, batchBytes(b, at));
        b.putInt(at + CHECKSUM, expected);
        return actual == expected;
    }

    static void encodeHeader(
            byte[] head,
            DiskIdentity disk,
            int start,
            long lap,
            long firstSequence,
            long durableThrough,
            int recordCount,
            int headBytes,
            int batchBytes,
            int previousChecksum) {
        Bytes.putLong(head, 0, MAGIC);
        Bytes.putLong(head, 8, disk.uuidHigh());
        Bytes.putLong(head, 16, disk.uuidLow());
        Bytes.putInt(head, 24, DiskIdentity.FORMAT_VERSION);
        Bytes.putInt(head, 28, start);
        Bytes.putLong(head, 32, lap);
        Bytes.putLong(head, 40, firstSequence);
        Bytes.putLong(head, 48, durableThrough);
        Bytes.putInt(head, 56, recordCount);
        Bytes.putInt(head, 60, headBytes);
        Bytes.putInt(head, 64, batchBytes);
        Bytes.putInt(head, 68, previousChecksum);
        Bytes.putLong(head, CHECKSUM, 0);
    }

    // Records, in an array.

    /// Starts a record: the fields that all have, the rest zero.
    static void encodeRecord(
            byte[] head,
            int at,
            int type,
            int op,
            int firstBlock,
            int recordBytes,
            int dataBlocks,
            int chunkIndex,
            long volumeId) {
        java.util.Arrays.fill(head, at, at + recordBytes, (byte) 0);
        Bytes.putByte(head, at, type);
        Bytes.putByte(head, at + 1, op);
        Bytes.putShort(head, at + 2, firstBlock);
        Bytes.putInt(head, at + 4, recordBytes);
        Bytes.putInt(head, at + 8, dataBlocks);
        Bytes.putInt(head, at + 12, chunkIndex);
        Bytes.putLong(head, at + 16, volumeId);
    }

    /// The fields of WRITE and COPY_BLOCK behind the common ones.
    static void encodeBlocks(
            byte[] head, int at, long version, int pg, int generation, int base, int blockCount) {
        Bytes.putLong(head, at + 24, version);
        Bytes.putInt(head, at + 32, pg);
        Bytes.putInt(head, at + 36, generation);
        Bytes.putInt(head, at + 40, base);
        Bytes.putInt(head, at + 44, blockCount);
    }

    static void encodeCrc(byte[] head, int at, int n, int crc) {
        Bytes.putInt(head, at + BLOCKS_BYTES + 4 * n, crc);
    }

    static int largeWriteBytes(int blocks) {
        return align8(BLOCKS_BYTES + 12 * blocks);
    }

    /// Where block `n` of a LARGE_WRITE lies.
    static void encodePlace(byte[] head, int at, int n, int segment, int offset) {
        int entry = placeAt(head, at, n);
        Bytes.putInt(head, entry, segment);
        Bytes.putInt(head, entry + 4, offset);
    }

    static int segment(byte[] head, int at, int n) {
        return Bytes.getInt(head, placeAt(head, at, n));
    }

    static int segmentOffset(byte[] head, int at, int n) {
        return Bytes.getInt(head, placeAt(head, at, n) + 4);
    }

    private static int placeAt(byte[] head, int at, int n) {
        return at + BLOCKS_BYTES + 4 * blockCount(head, at) + 8 * n;
    }

    static int type(byte[] head, int at) {
        return Bytes.getByte(head, at);
    }

    static int op(byte[] head, int at) {
        return Bytes.getByte(head, at + 1);
    }

    static int firstBlock(byte[] head, int at) {
        return Bytes.getShort(head, at + 2);
    }

    static int recordBytes(byte[] head, int at) {
        return Bytes.getInt(head, at + 4);
    }

    static int dataBlocks(byte[] head, int at) {
        return Bytes.getInt(head, at + 8);
    }

    static int chunkIndex(byte[] head, int at) {
        return Bytes.getInt(head, at + 12);
    }

    static long volumeId(byte[] head, int at) {
        return Bytes.getLong(head, at + 16);
    }

    static long version(byte[] head, int at) {
        return Bytes.getLong(head, at + 24);
    }

    static long term(byte[] head, int at) {
        return Bytes.getLong(head, at + 24);
    }

    static int pg(byte[] head, int at) {
        return Bytes.getInt(head, at + 32);
    }

    static int generation(byte[] head, int at) {
        return Bytes.getInt(head, at + 36);
    }

    static int base(byte[] head, int at) {
        return Bytes.getInt(head, at + 40);
    }

    static int blockCount(byte[] head, int at) {
        return Bytes.getInt(head, at + 44);
    }

    static int crc(byte[] head, int at, int n) {
        return Bytes.getInt(head, at + BLOCKS_BYTES + 4 * n);
    }

    static int nameBytes(byte[] head, int at) {
        return Bytes.getInt(head, at + 16);
    }

    static int valueBytes(byte[] head, int at) {
        return Bytes.getInt(head, at + 20);
    }
}
