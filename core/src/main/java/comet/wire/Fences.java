package comet.wire;

/// FENCES, on the PEER lane: the newest term that the source has seen of each volume. A recovering
/// replica takes them over, durably, before anything else. All volumes of the disk, paged.
///
/// ```
/// 24 u32 pg  28 u32 -  32 u64 epoch  40 u64 afterVolume
/// ```
///
/// The reply: status, flag MORE, `24 u64 epoch, 32 u32 count, 36 u32 -`, then `40 count * { u64
/// volumeId, u64 term }`.
public final class Fences {
    private Fences() {}

    public static final int MORE = 1;
    public static final int ENTRIES_MAX = 4096;
    public static final int HEAD_BYTES = 48;
    private static final int ENTRIES = 40;
    private static final int ENTRY = 16;

    public static Frame request(Frame f, long requestId, int pg, long epoch, long afterVolume) {
        f.start(MessageType.FENCES, requestId, HEAD_BYTES);
        f.putInt(24, pg);
        f.putLong(32, epoch);
        f.putLong(40, afterVolume);
        return f;
    }

    public static boolean valid(Frame f) {
        return f.headBytes() == HEAD_BYTES;
    }

    public static int pg(Frame f) {
        return f.getInt(24);
    }

    public static long epoch(Frame f) {
        return f.getLong(32);
    }

    public static long afterVolume(Frame f) {
        return f.getLong(40);
    }

    public static Frame startReply(
            Frame f, long requestId, int status, long epoch, int count, boolean more) {
        f.start(MessageType.FENCES_REPLY, requestId, ENTRIES + ENTRY * count);
        f.status(status).flags(more ? MORE : 0);
        f.putLong(24, epoch);
        f.putInt(32, count);
        return f;
    }

    public static void entry(Frame f, int n, long volumeId, long term) {
        f.putLong(ENTRIES + ENTRY * n, volumeId);
        f.putLong(ENTRIES + ENTRY * n + 8, term);
    }

    public static boolean validReply(Frame f) {
        return f.headBytes() >= ENTRIES
                && count(f) >= 0
                && count(f) <= ENTRIES_MAX
                && f.headBytes() == ENTRIES + ENTRY * count(f);
    }

    public static long replyEpoch(Frame f) {
        return f.getLong(24);
    }

    public static boolean more(Frame f) {
        return (f.flags() & MORE) != 0;
    }

    public static int count(Frame f) {
        return f.getInt(32);
    }

    public static long volumeId(Frame f, int n) {
        return f.getLong(ENTRIES + ENTRY * n);
    }

    public static long term(Frame f, int n) {
        return f.getLong(ENTRIES + ENTRY * n + 8);
    }
}
