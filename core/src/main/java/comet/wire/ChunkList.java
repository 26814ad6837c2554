package comet.wire;

/// Pages of chunks with their versions: LIST (chunks of a volume, after an OPEN) and LIST_PG
/// (chunks of a PG, for recovery).
///
/// LIST, on the WRITE lane behind the OPEN that it belongs to:
///
/// ```
/// 24 u64 openId (request id of the OPEN)   32 u64 -   40 i64 after (chunk index; -1: from the start)
/// ```
///
/// LIST_PG, on the PEER lane:
///
/// ```
/// 24 u32 pg  28 u32 -   32 u64 epoch   40 u64 afterVolume   48 i64 afterChunk (-1)
/// ```
///
/// The replies: status (OK, OLD_EPOCH, NOT_A_REPLICA, FENCED), flag [#MORE], then
///
/// ```
/// 24 u64 epoch (LIST_PG)  32 u32 count  36 u32 -
/// 40 count * { u64 volumeId, u32 chunkIndex, u32 pg, u64 version }   in order of (volume, chunk)
/// ```
public final class ChunkList {
    private ChunkList() {}

    public static final int MORE = 1;

    /// Entries of one page.
    public static final int ENTRIES_MAX = 4096;

    public static final int LIST_HEAD_BYTES = 48;
    public static final int LIST_PG_HEAD_BYTES = 56;

    private static final int ENTRIES = 40;
    private static final int ENTRY = 24;

    public static Frame list(Frame f, long requestId, long openId, long after) {
        f.start(MessageType.LIST, requestId, LIST_HEAD_BYTES);
        f.putLong(24, openId);
        f.putLong(40, after);
        return f;
    }

    public static Frame listPg(
            Frame f, long requestId, int pg, long epoch, long afterVolume, long afterChunk) {
        f.start(MessageType.LIST_PG, requestId, LIST_PG_HEAD_BYTES);
        f.putInt(24, pg);
        f.putLong(32, epoch);
        f.putLong(40, afterVolume);
        f.putLong(48, afterChunk);
        return f;
    }

    public static boolean validList(Frame f) {
        return f.headBytes() == LIST_HEAD_BYTES;
    }

    public static boolean validListPg(Frame f) {
        return f.headBytes() == LIST_PG_HEAD_BYTES;
    }

    public static long openId(Frame f) {
        return f.getLong(24);
    }

    public static long after(Frame f) {
        return f.getLong(40);
    }

    public static int pg(Frame f) {
        return f.getInt(24);
    }

    /// Of a LIST_PG request.
    public static long epoch(Frame f) {
        return f.getLong(32);
    }

    public static long afterVolume(Frame f) {
        return f.getLong(40);
    }

    public static long afterChunk(Frame f) {
        return f.getLong(48);
    }

    /// Starts a reply with room for `count` entries.
    public static Frame startReply(
            Frame f, int type, long requestId, int status, long epoch, int count, boolean more) {
        f.start(type, requestId, ENTRIES + ENTRY * count).status(status).flags(more ? MORE : 0);
        f.putLong(24, epoch);
        f.putInt(32, count);
        return f;
    }

    public static void entry(Frame f, int n, long volumeId, int chunkIndex, int pg, long version) {
        int at = ENTRIES + ENTRY * n;
        f.putLong(at, volumeId);
        f.putInt(at + 8, chunkIndex);
        f.putInt(at + 12, pg);
        f.putLong(at + 16, version);
    }

    public static boolean validReply(Frame f) {
        return f.headBytes() >= ENTRIES
                && count(f) >= 0
                && count(f) <= ENTRIES_MAX
                && f.headBytes() == ENTRIES + ENTRY * count(f);
    }

    public static boolean more(Frame f) {
        return (f.flags() & MORE) != 0;
    }

    public static long replyEpoch(Frame f) {
        return f.getLong(24);
    }

    public static int count(Frame f) {
        return f.getInt(32);
    }

    public static long volumeId(Frame f, int n) {
        return f.getLong(ENTRIES + ENTRY * n);
    }

    public static int chunkIndex(Frame f, int n) {
        return f.getInt(ENTRIES + ENTRY * n + 8);
    }

    public static int pg(Frame f, int n) {
        return f.getInt(ENTRIES + ENTRY * n + 12);
    }

    public static long version(Frame f, int n) {
        return f.getLong(ENTRIES + ENTRY * n + 16);
    }
}
