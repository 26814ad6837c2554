package comet.wire;

/// Requests about one whole chunk, all of one form: MAP (READ lane), LEVEL (WRITE lane), BLOCKS
/// (PEER lane).
///
/// ```
/// 24 u64 volumeId  32 u32 chunkIndex  36 u32 pg  40 u64 epoch  48 u32 term  52 u32 -
/// 56 u32 sourceDiskId (LEVEL) or generation (BLOCKS; 0: current)   60 u32 -
/// 64 u64 version (LEVEL: the source's, to be reached)
/// ```
///
/// MAP_REPLY: status, then `24 u64 epoch, 32 u64 version, 40 u8[256]`: two bits a block, lowest
/// first, as [BlockState] (LOST and CORRUPT count as DATA).
///
/// LEVEL has the replica make its chunk equal to the source's, block by block, durably; answered
/// when done: `24 u64 epoch, 32 u64 version`. Status WRONG_VERSION where the source no longer has
/// that version, BUSY where the source cannot be reached now.
///
/// BLOCKS_REPLY: status, `24 u64 epoch, 32 u64 version, 40 u32 generation, 44 u32 base, 48 u16
/// count (0 or 1024), 50 u16 -, 52 u32 moreGenerations`, then `56 count * { u64 version, u32 crc,
/// u32 state }`. With flag [#VERSION_ONLY] in the request the reply has count 0 and tells only the
/// version; so it has where the chunk is absent (version 0).
public final class ChunkRequest {
    private ChunkRequest() {}

    /// BLOCKS only: which version, without the blocks.
    public static final int VERSION_ONLY = 1;

    public static final int HEAD_BYTES = 72;
    public static final int MAP_BYTES = 256;
    private static final int MAP = 40;
    private static final int BLOCKS = 56;
    private static final int BLOCK = 16;

    public static Frame encode(
            Frame f,
            int type,
            long requestId,
            long volumeId,
            int chunkIndex,
            int pg,
            long epoch,
            long term) {
        f.start(type, requestId, HEAD_BYTES);
        f.putLong(24, volumeId);
        f.putInt(32, chunkIndex);
        f.putInt(36, pg);
        f.putLong(40, epoch);
        f.putInt(48, (int) term);
        return f;
    }

    public static void level(Frame f, int sourceDiskId, long version) {
        f.putInt(56, sourceDiskId);
        f.putLong(64, version);
    }

    public static void generation(Frame f, int generation) {
        f.putInt(56, generation);
    }

    public static boolean valid(Frame f) {
        return f.headBytes() == HEAD_BYTES
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

    public static int sourceDiskId(Frame f) {
        return f.getInt(56);
    }

    public static int generation(Frame f) {
        return f.getInt(56);
    }

    /// LEVEL: the version to be reached.
    public static long version(Frame f) {
        return f.getLong(64);
    }

    // Replies.

    public static Frame mapReply(Frame f, long requestId, int status, long epoch, long version) {
        return reply(f, MessageType.MAP_REPLY, requestId, status, epoch, version, MAP + MAP_BYTES);
    }

    public static Frame levelReply(Frame f, long requestId, int status, long epoch, long version) {
        return reply(f, MessageType.LEVEL_REPLY, requestId, status, epoch, version, MAP);
    }

    public static Frame blocksReply(
            Frame f, long requestId, int status, long epoch, long version, int count) {
        int bytes = BLOCKS + BLOCK * count;
        reply(f, MessageType.BLOCKS_REPLY, requestId, status, epoch, version, bytes);
        f.putShort(48, count);
        return f;
    }

    private static Frame reply(
            Frame f, int type, long requestId, int status, long epoch, long version, int bytes) {
        f.start(type, requestId, bytes).status(status);
        f.putLong(24, epoch);
        f.putLong(32, version);
        return f;
    }

    public static void mapState(Frame f, int block, int state) {
        int at = MAP + (block >>> 2);
        int shift = (block & 3) << 1;
        int two = Math.min(state, BlockState.DATA);
        f.putByte(at, f.getByte(at) & ~(3 << shift) | two << shift);
    }

    public static int mapState(Frame f, int block) {
        return f.getByte(MAP + (block >>> 2)) >>> ((block & 3) << 1) & 3;
    }

    public static void generations(Frame f, int generation, int base, int more) {
        f.putInt(40, generation);
        f.putInt(44, base);
        f.putInt(52, more);
    }

    public static void block(Frame f, int n, long version, int crc, int state) {
        int at = BLOCKS + BLOCK * n;
        f.putLong(at, version);
        f.putInt(at + 8, crc);
        f.putInt(at + 12, state);
    }

    public static boolean validReply(Frame f) {
        return switch (f.type()) {
            case MessageType.MAP_REPLY -> f.headBytes() == MAP + MAP_BYTES;
            case MessageType.LEVEL_REPLY -> f.headBytes() == MAP;
            case MessageType.BLOCKS_REPLY ->
                    f.headBytes() >= BLOCKS
                            && (f.getShort(48) == 0 || f.getShort(48) == 1024)
                            && f.headBytes() == BLOCKS + BLOCK * f.getShort(48);
            default -> false;
        };
    }

    public static long replyEpoch(Frame f) {
        return f.getLong(24);
    }

    public static long replyVersion(Frame f) {
        return f.getLong(32);
    }

    public static int replyGeneration(Frame f) {
        return f.getInt(40);
    }

    public static int replyBase(Frame f) {
        return f.getInt(44);
    }

    public static int moreGenerations(Frame f) {
        return f.getInt(52);
    }

    public static int blockCount(Frame f) {
        return f.getShort(48);
    }

    public static long blockVersion(Frame f, int n) {
        return f.getLong(BLOCKS + BLOCK * n);
    }

    public static int blockCrc(Frame f, int n) {
        return f.getInt(BLOCKS + BLOCK * n + 8);
    }

    public static int blockState(Frame f, int n) {
        return f.getInt(BLOCKS + BLOCK * n + 12);
    }
}
