package comet.wire;

/// One write of whole blocks within one chunk, on the WRITE lane, in version order per chunk.
///
/// ```
/// 24 u64 volumeId     32 u32 chunkIndex   36 u32 pg        40 u64 epoch
/// 48 u64 previous     56 u64 version      64 u32 generation 68 u32 base
/// 72 u8 op  73 u8 -   74 u16 firstBlock   76 u16 blockCount 78 u16 -
/// 80 u64 sequence     n-th WRITE of this connection, from 1
/// 88 u32 crc[blockCount]   only for op DATA
/// data: blockCount * 4096 bytes, only for op DATA
/// ```
///
/// `generation` is the volume's snapshot sequence; `base` the generation it is opened from, 0 where
/// this write opens none or the chunk has none yet. `blockCount` may be 0 for ZERO and TRIM: then
/// only the chunk's version changes. Flags: [#DURABLE], [#RESEND].
public final class WriteRequest {
    private WriteRequest() {}

    public static final int OP_DATA = 1;
    public static final int OP_ZERO = 2;

    /// The blocks become absent: ABSENT in a volume without a parent, else the gateway sends ZERO.
    public static final int OP_TRIM = 3;

    /// Answer only when durable (FUA, `durability=write`).
    public static final int DURABLE = 1;

    /// Sent before, in this or an earlier connection or epoch: not charged to the credit.
    public static final int RESEND = 2;

    private static final int CRCS = 88;

    public static Frame start(Frame frame, long requestId, int op, int blockCount) {
        int crcBytes = op == OP_DATA ? 4 * blockCount : 0;
        frame.start(MessageType.WRITE, requestId, CRCS + crcBytes);
        frame.putByte(72, op);
        frame.putShort(76, blockCount);
        return frame;
    }

    public static void target(Frame f, long volumeId, int chunkIndex, int pg, long epoch) {
        f.putLong(24, volumeId);
        f.putInt(32, chunkIndex);
        f.putInt(36, pg);
        f.putLong(40, epoch);
    }

    public static void versions(Frame f, long previous, long version, int generation, int base) {
        f.putLong(48, previous);
        f.putLong(56, version);
        f.putInt(64, generation);
        f.putInt(68, base);
    }

    public static void firstBlock(Frame f, int firstBlock) {
        f.putShort(74, firstBlock);
    }

    public static void sequence(Frame f, long sequence) {
        f.putLong(80, sequence);
    }

    public static void crc(Frame f, int n, int crc) {
        f.putInt(CRCS + 4 * n, crc);
    }

    /// Whether lengths and ranges fit each other; checked before any other getter is used.
    public static boolean valid(Frame f) {
        if (f.headBytes() < CRCS) {
            return false;
        }
        int count = blockCount(f);
        int op = op(f);
        boolean data = op == OP_DATA;
        return op >= OP_DATA
                && op <= OP_TRIM
                && firstBlock(f) + count <= comet.base.Sizes.CHUNK_BLOCKS
                && (count > 0 || !data)
                && f.headBytes() == CRCS + (data ? 4 * count : 0)
                && f.dataBytes() == (data ? count * comet.base.Sizes.BLOCK_BYTES : 0)
                && chunkIndex(f) >= 0
                && chunkIndex(f) < comet.base.Sizes.VOLUME_CHUNKS_MAX;
    }

    public static long volumeId(Frame f) {
        return f.getLong(24);
    }

    public static int chunkIndex(Frame f) {
        return f.getInt(32);
    }

    public static int pg(Frame f) {
        return f.getInt(36);
    }

    public static long epoch(Frame f) {
        return f.getLong(40);
    }

    public static long previous(Frame f) {
        return f.getLong(48);
    }

    public static long version(Frame f) {
        return f.getLong(56);
    }

    public static int generation(Frame f) {
        return f.getInt(64);
    }

    public static int base(Frame f) {
        return f.getInt(68);
    }

    public static int op(Frame f) {
        return f.getByte(72);
    }

    public static int firstBlock(Frame f) {
        return f.getShort(74);
    }

    public static int blockCount(Frame f) {
        return f.getShort(76);
    }

    public static long sequence(Frame f) {
        return f.getLong(80);
    }

    public static int crc(Frame f, int n) {
        return f.getInt(CRCS + 4 * n);
    }
}
