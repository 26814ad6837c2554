package comet.volume;

/// How long one lane of a disk takes to answer, by samples: one request at a time is timed, the
/// next one after its answer. So it costs nothing for the others, and what takes long fills the
/// time.
final class AnswerTimes {
    /// No request has this id, see [DiskLane#register].
    private static final long NONE = -1;

    private long sample = NONE;
    private long sinceNs;
    private double sum;
    private double squares;

    boolean isFree() {
        return sample == NONE;
    }

    void begin(long requestId, long nowNs) {
        sample = requestId;
        sinceNs = nowNs;
    }

    boolean isSample(long requestId) {
        return sample == requestId;
    }

    void end(long nowNs) {
        add(nowNs - sinceNs);
        sample = NONE;
    }

    /// The connection broke: no answer will come.
    void abandon() {
        sample = NONE;
    }

    private void add(long tookNs) {
        sum += tookNs;
        squares += (double) tookNs * tookNs;
    }

    /// What somebody who comes at any time of the past second had to wait for, on average, the
    /// answer that is still owed included; -1 where nothing was asked. So one sync of half a second
    /// counts as that, however many quick writes came before it. Begins anew.
    long takeFeltNs(long nowNs) {
        if (sample != NONE) {
            add(nowNs - sinceNs);
        }
        long felt = sum > 0 ? (long) (squares / sum) : -1;
        sum = 0;
        squares = 0;
        return felt;
    }
}
