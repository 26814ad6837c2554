package comet.replica;

import comet.base.Check;
import comet.store.ChunkStore;

/// The space of one disk that is promised to its clients: bounded in sum, and promised only while
/// as much as the bound stays free beside it, because what was sent once must find room again, also
/// after a restart that has forgotten the promise.
final class Space {
    private final ChunkStore store;
    private long promised;
    private boolean denied;

    Space(ChunkStore store) {
        this.store = store;
    }

    boolean grant(long bytes) {
        denied = false;
        if (promised + bytes > bound()) {
            return false;
        }
        boolean full = free() < bytes;
        if (full) {
            store.reclaim();
        }
        if (full || !store.grant(bytes)) {
            denied = store.failed() || !store.spaceIsComing();
            return false;
        }
        promised += bytes;
        return true;
    }

    /// For requests without data, which the store never refuses: out of what is kept free.
    void grantWithoutData(long bytes) {
        promised += bytes;
    }

    /// Whether the last [#grant] failed because the disk is short of space, not just because much
    /// is promised or more is being made.
    boolean denied() {
        return denied;
    }

    /// A write has taken what it was promised; the store has seen to its own account.
    void used(long bytes) {
        Check.that(bytes >= 0 && bytes <= promised, "space used", bytes, promised);
        promised -= bytes;
    }

    void giveBack(long bytes) {
        Check.that(bytes >= 0 && bytes <= promised, "space given back", bytes, promised);
        promised -= bytes;
        store.giveBack(bytes);
    }

    /// Whether a copy from another replica, which nobody was promised, finds room at once.
    boolean fits(long bytes) {
        if (!store.grant(bytes)) {
            return false;
        }
        store.giveBack(bytes);
        return true;
    }

    /// Whether there is space for those who write here.
    boolean roomForWriters() {
        return free() >= 0 && fits(Math.min(Limits.CREDIT_WINDOW_MIN, bound() / 2));
    }

    long promised() {
        return promised;
    }

    long bound() {
        return Math.min(Limits.GRANTS_MAX, store.capacityBytes() / 16 & -4096);
    }

    private long free() {
        return store.capacityBytes() - store.usedBytes() - promised - bound();
    }
}
