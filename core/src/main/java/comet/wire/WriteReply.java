package comet.wire;

/// Answer to a WRITE: status OK, NOTED, FENCED, OLD_EPOCH, NOT_A_REPLICA, WRONG_VERSION, NO_SPACE,
/// IO_ERROR.
///
/// ```
/// 24 u64 epoch            the replica's own epoch of the PG
/// 32 u64 version          the chunk's version here, after the write
/// 40 u64 durableSequence  every WRITE of this connection up to this one is durable (or noted)
/// 48 u64 creditBytes      as in CREDIT
/// ```
public final class WriteReply {
    private WriteReply() {}

    public static final int HEAD_BYTES = 56;

    public static Frame encode(
            Frame f,
            long requestId,
            int status,
            long epoch,
            long version,
            long durableSequence,
            long creditBytes) {
        f.start(MessageType.WRITE_REPLY, requestId, HEAD_BYTES).status(status);
        f.putLong(24, epoch);
        f.putLong(32, version);
        f.putLong(40, durableSequence);
        f.putLong(48, creditBytes);
        return f;
    }

    public static boolean valid(Frame f) {
        return f.headBytes() == HEAD_BYTES;
    }

    public static long epoch(Frame f) {
        return f.getLong(24);
    }

    public static long version(Frame f) {
        return f.getLong(32);
    }

    public static long durableSequence(Frame f) {
        return f.getLong(40);
    }

    public static long creditBytes(Frame f) {
        return f.getLong(48);
    }
}
