package comet.replica;

import comet.store.ChunkStore;

/// What one client may send on one connection: bytes in flight and space on the disk, in one number
/// that only grows. Each byte of it is promised space until its write is in the store, which then
/// accounts for it.
final class Credits {
    private final Space space;
    private final ChunkStore store;
    private final long windowMax;
    private long granted;
    private long charged;

    /// Charged, but not in the store yet (a write that waits).
    private long inHand;

    private boolean full;
    private boolean closed;

    Credits(Space space, ChunkStore store, long windowMax) {
        this.space = space;
        this.store = store;
        this.windowMax = windowMax;
    }

    /// All the bytes that the client may send on this connection, from its start.
    long granted() {
        return granted;
    }

    /// Whether the disk had no space for the smallest window.
    boolean full() {
        return full;
    }

    /// Granted and not used.
    long unused() {
        return granted - charged;
    }

    /// A write has arrived. Clients write beyond their credit to a RECOVERING replica only.
    ///
    /// @return false where there is no space for what goes beyond the credit
    boolean charge(long bytes) {
        long beyond = charged + bytes - granted;
        if (beyond > 0) {
            if (!space.grant(beyond)) {
                return false;
            }
            granted += beyond;
        }
        charged += bytes;
        inHand += bytes;
        return true;
    }

    /// The write is in the store, which has taken its space from what was promised.
    void used(long bytes) {
        inHand -= bytes;
        if (!closed) {
            space.used(bytes);
        }
    }

    /// The write has changed nothing.
    void unused(long bytes) {
        inHand -= bytes;
        if (!closed) {
            space.giveBack(bytes);
        }
    }

    /// Grants what the window allows, in steps of at least half of it.
    ///
    /// @return whether anything changed that the client should hear of
    boolean refill() {
        long window = window();
        long missing = charged + window - granted;
        if (missing < window / 2) {
            return false;
        }
        boolean fullBefore = full;
        full = false;
        long step = missing;
        while (step > 0 && !space.grant(step)) {
            full = space.denied();
            step = step / 2 & -4096;
        }
        granted += step;
        full &= unused() < Math.min(Limits.CREDIT_WINDOW_MIN, window / 2);
        return step > 0 || full != fullBefore;
    }

    void close() {
        closed = true;
        space.giveBack(granted - charged + inHand);
    }

    /// Smaller while the ring is short of room, so that writes slow down gradually.
    private long window() {
        long window = Math.min(windowMax, space.bound() / 2);
        while (window > Limits.CREDIT_WINDOW_MIN && !store.hasRoom(4 * window)) {
            window /= 2;
        }
        return window;
    }
}
