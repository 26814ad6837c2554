package comet.replica;

import comet.store.ChunkStore;
import java.util.TreeMap;

/// Terms that were remembered but may not be durable yet. A newer term counts only once it is
/// durable: a request under it waits until then.
final class FenceBook {
    private final ChunkStore store;
    private final Runnable failed;

    /// Per volume the journal's sequence number of its newest fence, while that is not durable.
    private final TreeMap<Long, Long> unsettled = new TreeMap<>();

    FenceBook(ChunkStore store, Runnable failed) {
        this.store = store;
        this.failed = failed;
    }

    /// Remembers a term where it is newer. Older terms are refused from now on.
    void raise(long volumeId, long term) {
        if (term > store.fence(volumeId)) {
            unsettled.put(volumeId, store.setFence(volumeId, term));
        }
    }

    boolean settled(long volumeId) {
        if (unsettled.isEmpty()) {
            return true;
        }
        long durable = store.durableSequence();
        unsettled.values().removeIf(change -> change <= durable);
        return !unsettled.containsKey(volumeId);
    }

    /// Runs `work` once all terms remembered so far are durable.
    void whenSettled(Runnable work) {
        store.sync(
                store.appliedSequence(),
                (_, result) -> {
                    if (result < 0) {
                        failed.run();
                    } else {
                        work.run();
                    }
                },
                0);
    }
}
