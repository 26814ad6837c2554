package comet.server.nbd;

/// What the server has done since it started. Written by its loop; a reader on another thread sees
/// a slightly old state.
public final class NbdCounters {
    /// By command, READ to BLOCK_STATUS; unknown commands count last.
    public final long[] requests = new long[9];

    public long connectionsOpen;
    public long connectionsAccepted;

    /// Closed at once because the listener had as many as it may.
    public long connectionsRefused;

    /// Ended by the server because the client broke the protocol or a deadline.
    public long connectionsAborted;

    public long requestsInFlight;
    public long requestsFailed;
    public long readBytes;
    public long writtenBytes;

    void request(int command) {
        requests[command >= 0 && command < 8 ? command : 8]++;
    }
}
