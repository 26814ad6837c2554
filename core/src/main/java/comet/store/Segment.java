package comet.store;

import comet.base.Sizes;
import comet.port.IoDone;
import comet.port.MediaFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// One preallocated file of blocks, and which of them are in use.
final class Segment {
    private static final long[] NONE = {};

    /// From 1; never used again for another file.
    final int number;

    final int blocks;

    /// Null where the file is missing: its blocks are lost, nothing is allocated in it.
    final @Nullable MediaFile file;

    /// The file is shorter than it was: blocks in use lay behind its end, and are lost.
    boolean cut;

    /// A bit per block, set: in use, or freed by a checkpoint that is not durable yet.
    final long[] used;

    /// A bit per block in use that belongs to a large write which the index does not know yet;
    /// empty where there is none.
    private long[] claimed = NONE;

    private int claimedCount;

    int freeBlocks;

    /// Pieces of the bitmap that the next commit writes.
    final boolean[] dirtyPieces;

    // Those who wait for the sync under way, and for the one after it.
    private List<Waiter> syncing = new ArrayList<>();
    private List<Waiter> wanting = new ArrayList<>();

    private record Waiter(IoDone done, long token) {}

    Segment(int number, int blocks, @Nullable MediaFile file) {
        this.number = number;
        this.blocks = blocks;
        this.file = file;
        used = new long[(blocks + 63) / 64];
        dirtyPieces = new boolean[(blocks + SpaceMap.PIECE_BLOCKS - 1) / SpaceMap.PIECE_BLOCKS];
        freeBlocks = file == null ? 0 : blocks;
    }

    long bytes() {
        return (long) blocks << Sizes.BLOCK_SHIFT;
    }

    boolean isUsed(int block) {
        return (used[block >>> 6] >>> block & 1) != 0;
    }

    /// First block from `from` on that is free, or `blocks`.
    int nextFree(int from) {
        if (from >= blocks) {
            return blocks;
        }
        int word = from >>> 6;
        long free = ~used[word] & -1L << from;
        while (free == 0) {
            if (++word == used.length) {
                return blocks;
            }
            free = ~used[word];
        }
        return Math.min(blocks, (word << 6) + Long.numberOfTrailingZeros(free));
    }

    /// First block from `from` on, before `limit`, that is in use, or `limit`.
    int nextUsed(int from, int limit) {
        int word = from >>> 6;
        long inUse = used[word] & -1L << from;
        while (inUse == 0) {
            if (++word << 6 >= limit) {
                return limit;
            }
            inUse = used[word];
        }
        return Math.min(limit, (word << 6) + Long.numberOfTrailingZeros(inUse));
    }

    /// Makes durable what was written before. One sync at a time, which all share who have asked
    /// before it began: the kernel tells of a failed write once for each open file, so of two at
    /// the same time one might end well (fsync(2)).
    void sync(IoDone done, long token) {
        wanting.add(new Waiter(done, token));
        if (syncing.isEmpty()) {
            startSync();
        }
    }

    private void startSync() {
        List<Waiter> next = wanting;
        wanting = syncing;
        syncing = next;
        Objects.requireNonNull(file).sync(this::synced, 0);
    }

    private void synced(long token, int result) {
        if (result < 0) {
            // Nobody may believe what a later one says.
            syncing.addAll(wanting);
            wanting.clear();
        }
        List<Waiter> told = List.copyOf(syncing);
        syncing.clear();
        if (!wanting.isEmpty()) {
            startSync();
        }
        for (Waiter waiter : told) {
            waiter.done.done(waiter.token, result);
        }
    }

    void setUsed(int first, int count) {
        for (int block = first; block < first + count; block++) {
            used[block >>> 6] |= 1L << block;
            dirtyPieces[block / SpaceMap.PIECE_BLOCKS] = true;
        }
        freeBlocks -= count;
    }

    void setClaimed(int first, int count) {
        if (claimed.length == 0) {
            claimed = new long[used.length];
        }
        claimedCount += count;
        for (int block = first; block < first + count; block++) {
            claimed[block >>> 6] |= 1L << block;
        }
    }

    boolean isClaimed(int block) {
        return claimed.length > 0 && (claimed[block >>> 6] >>> block & 1) != 0;
    }

    private void endClaim(int block) {
        if (isClaimed(block)) {
            claimed[block >>> 6] &= ~(1L << block);
            if (--claimedCount == 0) {
                claimed = NONE;
            }
        }
    }

    /// 64 blocks, a bit for each, as the index is to know them.
    long settledWord(int word) {
        return claimed.length == 0 ? used[word] : used[word] & ~claimed[word];
    }

    void settle(int block) {
        endClaim(block);
        dirtyPieces[block / SpaceMap.PIECE_BLOCKS] = true;
    }

    void setFree(int block) {
        used[block >>> 6] &= ~(1L << block);
        endClaim(block);
        if (file != null) {
            freeBlocks++;
        }
    }
}
