package comet.store;

import comet.base.Check;
import comet.base.Sizes;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// The blocks of a slice that are to be written to segments: from where in the journal to which
/// place, in order of place once [#sort] was called.
final class SliceMoves {
    private static final int NUMBER_BITS = 20;

    private final SpaceMap space;

    /// [SpaceMap#place] and, below it, the number of the move in the order of adding.
    private long[] keys = new long[256];

    private @Nullable Batch[] batches = new @Nullable Batch[256];
    private int[] slots = new int[256];
    private int count;

    // Blocks that wait for a new place.
    private byte[] @Nullable [] newRows = new byte[64] @Nullable [];
    private int[] newBlocks = new int[64];
    private int[] newMoves = new int[64];
    private int newCount;
    private int placedCount;

    SliceMoves(SpaceMap space) {
        this.space = space;
    }

    int count() {
        return count;
    }

    /// Blocks that wait for a new place.
    int newCount() {
        return newCount;
    }

    /// Blocks that got a new place so far.
    int placedCount() {
        return placedCount;
    }

    private int add(Batch batch, int slot) {
        Check.that(count < 1 << NUMBER_BITS, "too many blocks in a slice");
        if (count == keys.length) {
            keys = Arrays.copyOf(keys, 2 * count);
            batches = Arrays.copyOf(batches, 2 * count);
            slots = Arrays.copyOf(slots, 2 * count);
        }
        batches[count] = batch;
        slots[count] = slot;
        return count++;
    }

    /// A block that goes over its old place.
    void add(int segment, int block, Batch batch, int slot) {
        int move = add(batch, slot);
        keys[move] = SpaceMap.place(segment, block) << NUMBER_BITS | move;
    }

    /// A block that [#allocate] gives a place and writes it into its entry of `row`.
    void addNew(byte[] row, int block, Batch batch, int slot) {
        int move = add(batch, slot);
        if (newCount == newBlocks.length) {
            newRows = Arrays.copyOf(newRows, 2 * newCount);
            newBlocks = Arrays.copyOf(newBlocks, 2 * newCount);
            newMoves = Arrays.copyOf(newMoves, 2 * newCount);
        }
        newRows[newCount] = row;
        newBlocks[newCount] = block;
        newMoves[newCount++] = move;
    }

    /// Gives all blocks that wait for one a place, side by side where possible.
    void allocate() {
        int[] next = new int[1];
        space.allocate(
                newCount,
                (segment, firstBlock, length) -> {
                    for (int i = 0; i < length; i++) {
                        place(next[0]++, segment.number, firstBlock + i);
                    }
                });
        placedCount += newCount;
        Arrays.fill(newRows, 0, newCount, null);
        newCount = 0;
    }

    private void place(int n, int segment, int block) {
        byte[] row = newRows[n];
        if (row == null) {
            throw Check.failed("no row");
        }
        IndexPage.place(row, newBlocks[n], segment, block << Sizes.BLOCK_SHIFT);
        int move = newMoves[n];
        keys[move] = SpaceMap.place(segment, block) << NUMBER_BITS | move;
    }

    void sort() {
        Arrays.sort(keys, 0, count);
    }

    // In order of place.

    long place(int n) {
        return keys[n] >>> NUMBER_BITS;
    }

    Batch batch(int n) {
        Batch batch = batches[(int) keys[n] & (1 << NUMBER_BITS) - 1];
        if (batch == null) {
            throw Check.failed("no batch");
        }
        return batch;
    }

    int slot(int n) {
        return slots[(int) keys[n] & (1 << NUMBER_BITS) - 1];
    }
}
