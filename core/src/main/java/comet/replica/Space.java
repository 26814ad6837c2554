package comet.replica;

import comet.base.Check;
import comet.store.ChunkStore;

/// The space of one disk that is promised to its clients: bounded in sum, and promised only while
/// as much again stays free beside it, because what was sent once must find room again, also after
/// a restart that has forgotten the promise.
final class Space {
    private final ChunkStore store;
    private long promised;

    Space(ChunkStore store) {
        this.store = store;
    }

    boolean grant(long bytes) {
        if (promised + bytes > bound() || free() < bytes || !store.grant(bytes)) {
            return false;
        }
        promised += bytes;
        return true;
    }

    void giveBack(long bytes) {
        Check.that(bytes >= 0 && bytes <= promised, "space given back", bytes, promised);
        promised -= bytes;
        store.giveBack(bytes);
    }

    /// Whether a copy from another replica, which nobody was promised, finds room at once.
    boolean fits(long bytes) {
        if (free() < bytes || !store.grant(bytes)) {
            return false;
        }
        store.giveBack(bytes);
        return true;
    }

    /// Whether the disk itself is short of space, rather than only much promised.
    boolean full() {
        return store.failed() || free() < Limits.CREDIT_WINDOW_MIN;
    }

    long promised() {
        return promised;
    }

    private long bound() {
        return Math.min(Limits.GRANTS_MAX, store.capacityBytes() / 4);
    }

    private long free() {
        return store.capacityBytes() - store.usedBytes() - promised - bound();
    }
}
