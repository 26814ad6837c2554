package comet.server.nbd;

import java.util.List;

/// What the server has done on one loop since it started. Written by that loop; a reader on another
/// thread sees a slightly old state.
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

    static NbdCounters sum(List<NbdCounters> all) {
        NbdCounters sum = new NbdCounters();
        for (NbdCounters one : all) {
            for (int command = 0; command < one.requests.length; command++) {
                sum.requests[command] += one.requests[command];
            }
            sum.connectionsOpen += one.connectionsOpen;
            sum.connectionsAccepted += one.connectionsAccepted;
            sum.connectionsRefused += one.connectionsRefused;
            sum.connectionsAborted += one.connectionsAborted;
            sum.requestsInFlight += one.requestsInFlight;
            sum.requestsFailed += one.requestsFailed;
            sum.readBytes += one.readBytes;
            sum.writtenBytes += one.writtenBytes;
        }
        return sum;
    }

    void request(int command) {
        requests[command >= 0 && command < 8 ? command : 8]++;
    }
}
