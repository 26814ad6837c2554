package comet.wire;

import comet.base.Sizes;

/// Unasked, node to gateway on the WRITE lane: the client may have sent `creditBytes` bytes of data
/// (4,096 per block of DATA; ZERO and TRIM count as one block) on this connection in sum, resends
/// not counted. Only grows. Granted only while as much space stays free on the disk, so what was
/// granted always finds room.
///
/// ```
/// 24 u64 creditBytes   32 u64 durableSequence (as in WRITE_REPLY)
/// ```
///
/// Flags: [#FULL], the disk has no space beyond what is granted: writes that wait for credit are to
/// fail with ENOSPC rather than wait, and the last [#WITHOUT_DATA_BYTES] of the credit are for
/// requests without data alone: they free space, and must not need any. [#RECALL], others wait for
/// credit: the client gives back what it does not need now, see [CreditNeed].
public final class Credit {
    private Credit() {}

    public static final int FULL = 1;
    public static final int RECALL = 2;
    public static final int HEAD_BYTES = 40;

    /// Of the credit of a full disk, for requests without data.
    public static final int WITHOUT_DATA_BYTES = 16 * Sizes.BLOCK_BYTES;

    public static Frame encode(Frame f, long creditBytes, long durableSequence, int flags) {
        f.start(MessageType.CREDIT, 0, HEAD_BYTES).flags(flags);
        f.putLong(24, creditBytes);
        f.putLong(32, durableSequence);
        return f;
    }

    public static boolean valid(Frame f) {
        return f.headBytes() == HEAD_BYTES;
    }

    public static long creditBytes(Frame f) {
        return f.getLong(24);
    }

    public static long durableSequence(Frame f) {
        return f.getLong(32);
    }

    public static boolean full(Frame f) {
        return (f.flags() & FULL) != 0;
    }

    public static boolean recall(Frame f) {
        return (f.flags() & RECALL) != 0;
    }
}
