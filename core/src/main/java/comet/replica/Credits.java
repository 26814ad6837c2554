package comet.replica;

import comet.base.Sizes;
import comet.store.ChunkStore;
import comet.wire.Credit;

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

    /// What `granted` has to reach for the client's next write; of no interest once it has.
    private long needed;

    /// The client has given back what others waited for, and has written nothing since.
    private boolean dormant;

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

    /// Whether the disk had no space for the smallest window, or for the client's next write.
    boolean full() {
        return full;
    }

    /// Granted and not used.
    long unused() {
        return granted - charged;
    }

    /// A write has arrived. Clients write beyond their credit to a RECOVERING replica only.
    ///
    /// @return false where there is no space for what goes beyond the credit: then the write has
    ///   taken nothing of it, and the client's count, which goes on, is followed all the same
    boolean charge(long bytes) {
        long beyond = charged + bytes - granted;
        if (beyond > 0) {
            if (!space.grant(beyond)) {
                granted += bytes;
                charged += bytes;
                return false;
            }
            granted += beyond;
        }
        charged += bytes;
        inHand += bytes;
        dormant = false;
        return true;
    }

    /// The client has given back a part of what it did not use.
    ///
    /// @return false where it never had as much
    boolean returned(long bytes) {
        if (bytes > unused()) {
            return false;
        }
        charged += bytes;
        space.giveBack(bytes);
        dormant |= bytes > 0;
        return true;
    }

    /// What the client's next write needs the grants to reach.
    ///
    /// @return false where no write takes as much
    boolean need(long bytes) {
        needed = bytes;
        dormant &= bytes <= granted;
        return bytes - charged <= Limits.CREDIT_WINDOW_MIN;
    }

    boolean lacks() {
        return needed > granted;
    }

    /// Grants exactly what the client's next write lacks, whatever its window is, or finds that the
    /// disk has no space for it.
    ///
    /// @return false where it has to wait for what others hold or for space that is coming
    boolean serveNeed() {
        long missing = needed - granted;
        if (missing <= 0) {
            return true;
        }
        boolean possible = needed - charged <= space.bound();
        if (possible && space.grant(missing)) {
            granted = needed;
            full = false;
            return true;
        }
        boolean othersHold = space.promised() > unused() + inHand;
        if (possible && (othersHold || !space.denied())) {
            return false;
        }
        needed = 0;
        full = true;
        grantWithoutData();
        return true;
    }

    /// What a client of a full disk can trim with.
    private void grantWithoutData() {
        long missing = Credit.WITHOUT_DATA_BYTES - unused() - inHand;
        if (missing > 0) {
            space.grantWithoutData(missing);
            granted += missing;
        }
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
        if (dormant && space.promised() + window > space.bound() / 2) {
            return false;
        }
        long missing = charged + window - granted;
        boolean fullBefore = full;
        full = window == 0;
        if (missing < window / 2) {
            return full != fullBefore;
        }
        long step = missing;
        while (step > 0 && !space.grant(step)) {
            full = space.denied();
            step = step / 2 & -Sizes.BLOCK_BYTES;
        }
        granted += step;
        full &= window == 0 || unused() < Math.min(Limits.CREDIT_WINDOW_MIN, window / 2);
        if (full) {
            long before = granted;
            grantWithoutData();
            step += granted - before;
        }
        return step > 0 || full != fullBefore;
    }

    void close() {
        closed = true;
        space.giveBack(granted - charged + inHand);
    }

    /// Smaller while the ring is short of room, so that writes slow down gradually.
    private long window() {
        long half = space.bound() / 2 & -Sizes.BLOCK_BYTES;
        long window =
                Math.min(windowMax, Math.max(half, Math.min(space.bound(), Sizes.BLOCK_BYTES)));
        while (window > Limits.CREDIT_WINDOW_MIN && !store.hasRoom(4 * window)) {
            window /= 2;
        }
        return window;
    }
}
