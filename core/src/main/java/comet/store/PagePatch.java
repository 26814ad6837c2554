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

    /// State in the top byte, slot in [Batch] below.
    private int[] places = new int[1];

    private @Nullable Batch[] batches = new @Nullable Batch[1];

    /// Sets one block.
    ///
    /// @param batch where the data lies, for state DATA
    /// @return by how much the number of DATA blocks here has grown: -1, 0 or 1
    int put(int block, int state, long version, int crc, @Nullable Batch batch, int slot) {
        int at = rank(block);
        int growth = state == BlockState.DATA ? 1 : 0;
        if (has(block)) {
            growth -= state(at) == BlockState.DATA ? 1 : 0;
        } else {
            insert(at, block);
        }
        versions[at] = version;
        crcs[at] = crc;
        places[at] = state << SLOT_BITS | slot;
        batches[at] = batch;
        return growth;
    }

    private void insert(int at, int block) {
        if (count == versions.length) {
            int length = Math.min(PAGE_BLOCKS, count * 4);
            versions = Arrays.copyOf(versions, length);
            crcs = Arrays.copyOf(crcs, length);
            places = Arrays.copyOf(places, length);
            batches = Arrays.copyOf(batches, length);
        }
        System.arraycopy(versions, at, versions, at + 1, count - at);
        System.arraycopy(crcs, at, crcs, at + 1, count - at);
        System.arraycopy(places, at, places, at + 1, count - at);
        System.arraycopy(batches, at, batches, at + 1, count - at);
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

    int dataCount() {
        int data = 0;
        for (int i = 0; i < count; i++) {
            data += state(i) == BlockState.DATA ? 1 : 0;
        }
        return data;
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

    @Nullable Batch batch(int at) {
        return batches[at];
    }
}
