package comet.wire;

/// Blocks of one chunk, on the READ lane (a client) or the PEER lane (another replica, term 0).
///
/// ```
/// 24 u64 volumeId   32 u32 chunkIndex  36 u32 pg  40 u64 epoch
/// 48 u32 term       0: a reader without an attachment
/// 52 u32 snapshot   0: the current state
/// 56 u16 firstBlock 58 u16 blockCount (1 to 1024)
/// ```
///
/// Flags: [#VERSIONS], the reply carries each block's version too (recovery); [#MAY_WAIT], a copy
/// that nobody waits for: guests come first (PEER lane).
public final class ReadRequest {
    private ReadRequest() {}

    public static final int VERSIONS = 1;
    public static final int MAY_WAIT = 2;
    public static final int HEAD_BYTES = 60;

    public static Frame encode(
            Frame f,
            long requestId,
            long volumeId,
            int chunkIndex,
            int pg,
            long epoch,
            long term,
            int snapshot,
            int firstBlock,
            int blockCount) {
        f.start(MessageType.READ, requestId, HEAD_BYTES);
        f.putLong(24, volumeId);
        f.putInt(32, chunkIndex);
        f.putInt(36, pg);
        f.putLong(40, epoch);
        f.putInt(48, (int) term);
        f.putInt(52, snapshot);
        f.putShort(56, firstBlock);
        f.putShort(58, blockCount);
        return f;
    }

    public static boolean valid(Frame f) {
        return f.headBytes() == HEAD_BYTES
                && blockCount(f) > 0
                && firstBlock(f) + blockCount(f) <= comet.base.Sizes.CHUNK_BLOCKS
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

    public static long term(Frame f) {
        return f.getInt(48) & 0xFFFFFFFFL;
    }

    public static int snapshot(Frame f) {
        return f.getInt(52);
    }

    public static int firstBlock(Frame f) {
        return f.getShort(56);
    }

    public static int blockCount(Frame f) {
        return f.getShort(58);
    }
}
