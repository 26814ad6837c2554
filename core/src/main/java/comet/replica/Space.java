package comet.replica;

import comet.base.Check;
import comet.base.Sizes;
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
        if (full || !store.grant(bytes, bound())) {
            // One that has failed is not full: its clients are about to hear that, and to go on
            // without it.
            denied = !store.failed() && !store.spaceIsComing();
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

    /// Whether blocks from another replica find room, which nobody was promised here: such as every
    /// member in sync must have.
    boolean fits(long bytes) {
        return bytes == 0 || store.fits(bytes, 0);
    }

    /// The same for a copy that makes this replica a member in sync: what the others' writers have
    /// under way must find room beside it.
    boolean fitsCopy(long bytes) {
        return bytes == 0 || store.fits(bytes, bound());
    }

    /// Whether what writers have under way, who were promised space elsewhere, finds room here. For
    /// what they write then they are promised space here, or told that there is none.
    boolean roomForWriters() {
        return store.fits(0, Math.max(bound(), Sizes.BLOCK_BYTES));
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
