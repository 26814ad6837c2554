package comet.io.net;

/// Bounds of the transport.
final class Limits {
    private Limits() {}

    /// What one read from a socket takes at most where it does not go into block data: a read of
    /// depth 16 of 4 KiB answers in one system call.
    static final int RECEIVE_BYTES = 128 << 10;

    /// The buffer in which heads and small data are put together for one write.
    static final int SEND_BYTES = 64 << 10;

    /// Data from here on is written from where it lies; below, a copy is cheaper than an entry of
    /// its own in the gathering write.
    static final int REFERENCE_BYTES_MIN = 16 << 10;

    /// Data of which at least this much is still missing is received where it is to lie.
    static final int DIRECT_READ_BYTES_MIN = 8 << 10;

    /// Reads from one socket before the others get their turn.
    static final int READS_PER_TURN_MAX = 16;

    /// A peer that lets this much pile up does not read any more: the connection ends. Above what
    /// credits and requests in flight allow, so only a broken peer gets there.
    static final long QUEUED_BYTES_MAX = 512L << 20;

    /// Connections that one listener has at the same time.
    static final int CONNECTIONS_MAX = 4096;

    /// Where connections are spread over loops: how long one may take to say where it belongs, and
    /// how many may be about to at the same time; beyond that the oldest is closed. A peer says it
    /// within a round trip, so a few hundred are many.
    static final long FIRST_FRAME_NS = 5_000_000_000L;

    static final int UNDECIDED_MAX = 256;

    /// Waiting for one address to answer a call.
    static final int CONNECT_MS = 3000;

    /// How long what was sent before a close may take to leave.
    static final long LINGER_NS = 1_000_000_000L;
}
