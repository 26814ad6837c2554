package comet.replica;

/// One placement group in which this disk is RECOVERING, in one epoch.
final class Recovery {
    boolean holdsBack() {
        return false;
    }

    boolean asked() {
        return false;
    }

    void holdBack(ChunkKey key) {}

    void answered(ChunkKey key, long version, WriteLane lane, boolean noted) {}

    void opened(long volumeId, long term, WriteLane lane) {}

    void afterOutcome(Runnable work) {}
}
