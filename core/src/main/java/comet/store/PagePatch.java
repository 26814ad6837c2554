package comet.store;

import comet.wire.BlockState;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Changed blocks of one index page that are not in the index yet, sorted by block: what the page
/// says about them no longer counts. Grows from one block to all 128.
final class PagePatch {
    static final int PAGE_BLOCKS = IndexPage.BLOCKS;
    private static final int SLOT_BITS = 24;

    // A bit per block of the page that is here.
    private long present0;
    private long present1;
    private int count;

    private long[] versions = new long[1];
    private int[] crcs = new int[1];

    /// State in the top byte, slot in [Source] below.
    private int[] places = new int[1];

    private @Nullable Source[] sources = new @Nullable Source[1];

    /// Sets one block.
    ///
    /// @param source where the data lies, for state DATA
    /// @return by how much the number of DATA blocks without a place has grown: -1, 0 or 1
    int put(int block, int state, long version, int crc, @Nullable Source source, int slot) {
        int at = rank(block);
        int growth = state == BlockState.DATA && source instanceof Batch ? 1 : 0;
        if (has(block)) {
            growth -= isUnplaced(at) ? 1 : 0;
        } else {
            insert(at, block);
        }
        versions[at] = version;
        crcs[at] = crc;
        places[at] = state << SLOT_BITS | slot;
        sources[at] = source;
        return growth;
    }

    private void insert(int at, int block) {
        if (count == versions.length) {
            int length = Math.min(PAGE_BLOCKS, count * 4);
            versions = Arrays.copyOf(versions, length);
            crcs = Arrays.copyOf(crcs, length);
            places = Arrays.copyOf(places, length);
            sources = Arrays.copyOf(sources, length);
        }
        System.arraycopy(versions, at, versions, at + 1, count - at);
        System.arraycopy(crcs, at, crcs, at + 1, count - at);
        System.arraycopy(places, at, places, at + 1, count - at);
        System.arraycopy(sources, at, sources, at + 1, count - at);
        count++;
        if (block < 64) {
            present0 |= 1L << block;
        } else {
            present1 |= 1L << block - 64;
        }
    }

    boolean has(int block) {
        return ((block < 64 ? present0 >>> block : present1 >>> block - 64) & 1) != 0;
    }

    /// Place in the arrays of `block`, or where it would be.
    int rank(int block) {
        return block < 64
                ? Long.bitCount(present0 & (1L << block) - 1)
                : Long.bitCount(present0) + Long.bitCount(present1 & (1L << block - 64) - 1);
    }

    int count() {
        return count;
    }

    /// DATA blocks that a checkpoint has to bring to a place.
    int unplacedCount() {
        int unplaced = 0;
        for (int i = 0; i < count; i++) {
            unplaced += isUnplaced(i) ? 1 : 0;
        }
        return unplaced;
    }

    private boolean isUnplaced(int at) {
        return state(at) == BlockState.DATA && sources[at] instanceof Batch;
    }

    /// The place that a large write gave to this entry, 0: none.
    long claimedPlace(int at) {
        return sources[at] instanceof LargeWrite large ? large.place(slot(at)) : 0;
    }

    /// The place that a large write gave to this entry turns out to be somebody else's.
    void lose(int at) {
        places[at] = BlockState.LOST << SLOT_BITS;
        sources[at] = null;
    }

    // By place in the arrays.

    int state(int at) {
        return places[at] >>> SLOT_BITS;
    }

    long version(int at) {
        return versions[at];
    }

    int crc(int at) {
        return crcs[at];
    }

    int slot(int at) {
        return places[at] & (1 << SLOT_BITS) - 1;
    }

    @Nullable Source source(int at) {
        return sources[at];
    }
}
