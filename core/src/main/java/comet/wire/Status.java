package comet.wire;

/// Outcomes that a peer acts on; the status field of replies.
public final class Status {
    private Status() {}

    /// Done: applied, opened, read, synced.
    public static final int OK = 0;

    /// A RECOVERING replica lacks earlier versions; it has made a note to compare the chunk. Counts
    /// as an answer, not as a copy.
    public static final int NOTED = 1;

    /// A newer attachment has opened the volume here.
    public static final int FENCED = 2;

    /// The replica knows a newer epoch of the PG: fetch it.
    public static final int OLD_EPOCH = 3;

    /// The disk is not a member of the PG, or not in this boot.
    public static final int NOT_A_REPLICA = 4;

    /// The chunk has another version than the request's previous one; the reply carries it.
    public static final int WRONG_VERSION = 5;

    public static final int NO_SPACE = 6;

    /// The disk failed; it will not serve again in this life.
    public static final int IO_ERROR = 7;

    /// The request breaks the protocol; the connection ends behind it.
    public static final int INVALID = 8;

    /// Not now (starting, or a limit reached); ask again later.
    public static final int BUSY = 9;

    /// Another cluster, another disk, a version or feature that is not spoken here.
    public static final int REFUSED = 10;

    public static String text(int status) {
        return switch (status) {
            case OK -> "ok";
            case NOTED -> "noted";
            case FENCED -> "fenced";
            case OLD_EPOCH -> "old-epoch";
            case NOT_A_REPLICA -> "not-a-replica";
            case WRONG_VERSION -> "wrong-version";
            case NO_SPACE -> "no-space";
            case IO_ERROR -> "io-error";
            case INVALID -> "invalid";
            case BUSY -> "busy";
            case REFUSED -> "refused";
            default -> "status-" + status;
        };
    }
}
