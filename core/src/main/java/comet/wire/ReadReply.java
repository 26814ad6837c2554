package comet.wire;

import comet.base.Sizes;

/// Answer to a READ: status OK, FENCED, OLD_EPOCH, NOT_A_REPLICA, IO_ERROR.
///
/// ```
/// 24 u64 epoch       32 u64 version (the chunk's)   40 u16 blockCount  42 u16 dataBlocks  44 u32 -
/// 48 u8 state[blockCount] (BlockState), padded to a multiple of 4
///    u32 crc[blockCount]      meaningful for DATA
///    u64 version[blockCount]  only with flag VERSIONS
/// data: the blocks in state DATA, in order, without gaps
/// ```
///
/// Other statuses carry no blocks (blockCount 0).
public final class ReadReply {
    private ReadReply() {}

    private static final int STATES = 48;

    private static int crcs(int blockCount) {
        return STATES + (blockCount + 3 & ~3);
    }

    private static int versions(int blockCount) {
        return crcs(blockCount) + 4 * blockCount;
    }

    public static Frame start(
            Frame f,
            long requestId,
            int status,
            long epoch,
            long version,
            int blockCount,
            boolean withVersions) {
        int bytes = versions(blockCount) + (withVersions ? 8 * blockCount : 0);
        f.start(MessageType.READ_REPLY, requestId, bytes).status(status);
        f.flags(withVersions ? ReadRequest.VERSIONS : 0);
        f.putLong(24, epoch);
        f.putLong(32, version);
        f.putShort(40, blockCount);
        return f;
    }

    public static void block(Frame f, int n, int state, int crc) {
        f.putByte(STATES + n, state);
        f.putInt(crcs(blockCount(f)) + 4 * n, crc);
    }

    public static void blockVersion(Frame f, int n, long version) {
        f.putLong(versions(blockCount(f)) + 8 * n, version);
    }

    /// Set when all blocks are known: how many blocks of data follow.
    public static void dataBlocks(Frame f, int dataBlocks) {
        f.putShort(42, dataBlocks);
    }

    public static boolean valid(Frame f) {
        if (f.headBytes() < STATES) {
            return false;
        }
        int count = blockCount(f);
        boolean withVersions = (f.flags() & ReadRequest.VERSIONS) != 0;
        return count <= Sizes.CHUNK_BLOCKS
                && f.headBytes() == versions(count) + (withVersions ? 8 * count : 0)
                && f.dataBytes() == dataBlocks(f) * Sizes.BLOCK_BYTES;
    }

    public static long epoch(Frame f) {
        return f.getLong(24);
    }

    public static long version(Frame f) {
        return f.getLong(32);
    }

    public static int blockCount(Frame f) {
        return f.getShort(40);
    }

    public static int dataBlocks(Frame f) {
        return f.getShort(42);
    }

    public static int state(Frame f, int n) {
        return f.getByte(STATES + n);
    }

    public static int crc(Frame f, int n) {
        return f.getInt(crcs(blockCount(f)) + 4 * n);
    }

    public static long blockVersion(Frame f, int n) {
        return f.getLong(versions(blockCount(f)) + 8 * n);
    }
}
