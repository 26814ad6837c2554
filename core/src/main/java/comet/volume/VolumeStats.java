package comet.volume;

import comet.base.LatencyHistogram;

/// Counters of one volume since the gateway started. Written by the gateway's loop; a reader on
/// another thread sees a slightly old state.
public final class VolumeStats {
    /// From the call to the answer, by verb; `changes` are writes, zeroes and trims.
    public final LatencyHistogram reads = new LatencyHistogram();

    public final LatencyHistogram changes = new LatencyHistogram();
    public final LatencyHistogram flushes = new LatencyHistogram();

    private long readBytes;
    private long writtenBytes;
    private long errors;

    /// Bytes that guests have read.
    public long readBytes() {
        return readBytes;
    }

    /// Bytes that guests have written; zeroes and trims count as nothing.
    public long writtenBytes() {
        return writtenBytes;
    }

    /// Requests that were answered with an error.
    public long errors() {
        return errors;
    }

    void count(Request request, long nowNs) {
        long took = nowNs - request.startNs;
        if (request.errno != 0) {
            errors++;
        }
        switch (request.kind) {
            case READ -> {
                reads.record(took);
                readBytes += request.length;
            }
            case WRITE -> {
                changes.record(took);
                writtenBytes += request.length;
            }
            case ZERO, TRIM -> changes.record(took);
            case FLUSH -> flushes.record(took);
            case STATUS -> {}
        }
    }
}
