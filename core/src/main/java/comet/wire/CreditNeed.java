package comet.wire;

/// Unasked, gateway to node on the WRITE lane, where both sides have [Hello#CREDIT_NEEDS]: what the
/// client lacks of credit, and what it does not need of it. Taken in order with the WRITEs around
/// it.
///
/// ```
/// 24 u64 neededBytes     what `creditBytes` has to reach for the write that waits longest; 0: none
/// 32 u64 returnedBytes   of the credit not used so far, given back: counts as if it were sent
/// ```
public final class CreditNeed {
    private CreditNeed() {}

    public static final int HEAD_BYTES = 40;

    public static Frame encode(Frame f, long neededBytes, long returnedBytes) {
        f.start(MessageType.CREDIT_NEED, 0, HEAD_BYTES);
        f.putLong(24, neededBytes);
        f.putLong(32, returnedBytes);
        return f;
    }

    public static boolean valid(Frame f) {
        return f.headBytes() == HEAD_BYTES
                && !f.hasData()
                && neededBytes(f) >= 0
                && returnedBytes(f) >= 0;
    }

    public static long neededBytes(Frame f) {
        return f.getLong(24);
    }

    public static long returnedBytes(Frame f) {
        return f.getLong(32);
    }
}
