package comet.wire;

/// Makes every WRITE sent before it on this connection durable, and names the PGs that the asker
/// wants an answer for. Also the end of a levelling. At most [#PGS_MAX] PGs.
///
/// ```
/// 24 u64 volumeId   32 u32 count   36 u32 -   then count * { u32 pg, u32 -, u64 epoch }
/// ```
///
/// The reply: status OK or IO_ERROR, and per PG its own status (OK, OLD_EPOCH, NOT_A_REPLICA):
///
/// ```
/// 24 u64 durableSequence  32 u32 count  36 u32 -  then count * { u32 pg, u32 status, u64 epoch }
/// ```
///
/// OPEN has the same form with `term` in place of the pad at 36 (OPEN) and the same reply.
public final class SyncRequest {
    private SyncRequest() {}

    public static final int PGS_MAX = 8192;
    private static final int LIST = 40;
    private static final int ENTRY = 16;

    public static Frame start(Frame f, int type, long requestId, long volumeId, int count) {
        f.start(type, requestId, LIST + ENTRY * count);
        f.putLong(24, volumeId);
        f.putInt(32, count);
        return f;
    }

    public static Frame startReply(Frame f, int type, long requestId, long durableSeq, int count) {
        return start(f, type, requestId, durableSeq, count);
    }

    /// Fills entry `n`; `status` is 0 in a request.
    public static void entry(Frame f, int n, int pg, int status, long epoch) {
        int at = LIST + ENTRY * n;
        f.putInt(at, pg);
        f.putInt(at + 4, status);
        f.putLong(at + 8, epoch);
    }

    /// OPEN only: the attachment's term.
    public static void term(Frame f, long term) {
        f.putInt(36, (int) term);
    }

    public static boolean valid(Frame f) {
        return f.headBytes() >= LIST
                && count(f) >= 0
                && count(f) <= PGS_MAX
                && f.headBytes() == LIST + ENTRY * count(f);
    }

    public static long volumeId(Frame f) {
        return f.getLong(24);
    }

    /// Replies only.
    public static long durableSequence(Frame f) {
        return f.getLong(24);
    }

    public static int count(Frame f) {
        return f.getInt(32);
    }

    public static long term(Frame f) {
        return f.getInt(36) & 0xFFFFFFFFL;
    }

    public static int pg(Frame f, int n) {
        return f.getInt(LIST + ENTRY * n);
    }

    public static int entryStatus(Frame f, int n) {
        return f.getInt(LIST + ENTRY * n + 4);
    }

    public static long epoch(Frame f, int n) {
        return f.getLong(LIST + ENTRY * n + 8);
    }
}
