package comet.store;

import comet.base.Bytes;
import comet.base.Check;
import comet.port.Index;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Which blocks of which segments are in use: our own allocator. Allocation goes round all segments
/// from where it stopped last, and first takes runs of some length, so that what is written
/// together lies together.
///
/// Allocating and freeing both belong to the commit under way: [#addChanges] gives its rows,
/// [#committed] makes the freed blocks allocatable. A crash before the commit leaves all as it was.
final class SpaceMap {
    /// Segment sizes are multiples of this.
    static final int SEGMENT_UNIT_BYTES = 64 << 10;

    static final int BLOCK_BITS = 18;

    /// Blocks whose bits are stored in one row.
    static final int PIECE_BLOCKS = 32768;

    private static final int PIECE_BYTES = PIECE_BLOCKS / 8;

    /// The first round takes no shorter runs, unless less is wanted.
    private static final int RUN_BLOCKS = 16;

    /// Told what was allocated.
    interface Allocated {
        void run(Segment segment, int firstBlock, int count);
    }

    private @Nullable Segment[] byNumber = new @Nullable Segment[8];
    private final List<Segment> segments = new ArrayList<>();
    private int cursorSegment;
    private int cursorBlock;
    private long freeBlocks;
    private long totalBlocks;
    private long lostBlocks;

    /// Places freed since the last commit.
    private long[] freeing = new long[256];

    private int freeingCount;

    void add(Segment segment) {
        if (segment.number >= byNumber.length) {
            byNumber = Arrays.copyOf(byNumber, Math.max(segment.number + 1, 2 * byNumber.length));
        }
        Check.that(byNumber[segment.number] == null, "segment twice", segment.number, 0);
        byNumber[segment.number] = segment;
        segments.add(segment);
        if (segment.file == null) {
            lostBlocks += segment.blocks;
        } else {
            totalBlocks += segment.blocks;
            freeBlocks += segment.freeBlocks;
        }
    }

    @Nullable Segment segment(int number) {
        return number > 0 && number < byNumber.length ? byNumber[number] : null;
    }

    List<Segment> segments() {
        return segments;
    }

    long freeBlocks() {
        return freeBlocks;
    }

    long usedBlocks() {
        return totalBlocks - freeBlocks;
    }

    long totalBlocks() {
        return totalBlocks;
    }

    long lostBlocks() {
        return lostBlocks;
    }

    static long place(int segment, int block) {
        return (long) segment << BLOCK_BITS | block;
    }

    static int segmentOf(long place) {
        return (int) (place >>> BLOCK_BITS);
    }

    static int blockOf(long place) {
        return (int) place & (1 << BLOCK_BITS) - 1;
    }

    // At start.

    /// Takes over a stored piece; false where it is none. A segment that has no such blocks any
    /// more is marked as cut.
    boolean load(int number, int piece, byte[] row) {
        Segment segment = segment(number);
        if (segment == null || row.length != PIECE_BYTES) {
            return false;
        }
        int first = piece * PIECE_BLOCKS;
        for (int i = 0; i < PIECE_BLOCKS; i++) {
            if ((row[i >>> 3] >>> (i & 7) & 1) != 0) {
                if (first + i < segment.blocks) {
                    markUsed(segment, first + i);
                } else {
                    segment.cut = true;
                }
            }
        }
        return true;
    }

    /// Whether the block lies in a file that is there, before its end.
    boolean isThere(int number, int block) {
        Segment segment = segment(number);
        return segment != null && segment.file != null && block < segment.blocks;
    }

    /// One block is known to be in use, perhaps not for the first time.
    void markUsed(int number, int block) {
        Segment segment = segment(number);
        if (segment == null) {
            return;
        }
        if (block >= segment.blocks) {
            segment.cut = true;
        } else if (!segment.isUsed(block)) {
            markUsed(segment, block);
        }
    }

    private void markUsed(Segment segment, int block) {
        segment.used[block >>> 6] |= 1L << block;
        if (segment.file != null) {
            segment.freeBlocks--;
            freeBlocks--;
        }
    }

    // Allocation.

    /// Allocates `count` blocks, in as few runs as is cheap to find. As many must be free.
    void allocate(int count, Allocated told) {
        Check.that(count <= freeBlocks, "allocated more than is free", count, freeBlocks);
        int left = round(count, RUN_BLOCKS, told);
        if (left > 0) {
            left = round(left, 1, told);
        }
        Check.that(left == 0, "free blocks not found", left, freeBlocks);
    }

    private int round(int count, int runMin, Allocated told) {
        int left = count;
        // One more turn than there are segments: the first one may be begun in its middle.
        for (int turn = 0; turn <= segments.size() && left > 0; turn++) {
            Segment segment = segments.get(cursorSegment);
            left = allocateIn(segment, left, runMin, told);
            if (left > 0) {
                cursorSegment = (cursorSegment + 1) % segments.size();
                cursorBlock = 0;
            }
        }
        return left;
    }

    private int allocateIn(Segment segment, int count, int runMin, Allocated told) {
        int left = count;
        int at = cursorBlock;
        while (left > 0 && segment.freeBlocks >= Math.min(runMin, left)) {
            int first = segment.nextFree(at);
            if (first >= segment.blocks) {
                break;
            }
            int end = segment.nextUsed(first, Math.min(segment.blocks, first + left));
            int length = end - first;
            if (length >= Math.min(runMin, left)) {
                segment.setUsed(first, length);
                freeBlocks -= length;
                left -= length;
                told.run(segment, first, length);
            }
            at = end;
        }
        cursorBlock = at;
        return left;
    }

    // Large writes: places that the index does not know yet.

    /// Allocates blocks for a large write. A commit does not tell of them before [#settle]: after a
    /// crash they are in use only where a record of the journal says so.
    void claim(int count, Allocated told) {
        allocate(
                count,
                (segment, first, length) -> {
                    segment.setClaimed(first, length);
                    told.run(segment, first, length);
                });
    }

    /// After replay: a record that counts says that a large write lies here.
    ///
    /// @return whether nobody else owns the place. Where somebody does, a part of the ring is
    ///   missing
    boolean claimFound(long place) {
        Segment segment = segment(segmentOf(place));
        int block = blockOf(place);
        if (segment == null || segment.file == null) {
            return true; // lost, and nobody will ever own it
        }
        if (block >= segment.blocks) {
            segment.cut = true;
            return true;
        }
        if (segment.isUsed(block)) {
            return false;
        }
        markUsed(segment, block);
        segment.setClaimed(block, 1);
        return true;
    }

    /// The index knows the place of a large write from the commit under way on.
    void settle(long place) {
        if (isThere(segmentOf(place), blockOf(place))) {
            Objects.requireNonNull(segment(segmentOf(place))).settle(blockOf(place));
        }
    }

    /// The block becomes free with the next commit.
    void freeLater(int number, int block) {
        Segment segment = segment(number);
        if (segment == null || !isThere(number, block)) {
            return;
        }
        Check.that(segment.isUsed(block), "freed twice", number, block);
        if (freeingCount == freeing.length) {
            freeing = Arrays.copyOf(freeing, 2 * freeingCount);
        }
        freeing[freeingCount++] = place(number, block);
        segment.dirtyPieces[block / PIECE_BLOCKS] = true;
    }

    // The commit.

    /// Adds the rows that have changed to a commit.
    void addChanges(List<Index.Change> changes) {
        Arrays.sort(freeing, 0, freeingCount);
        int next = 0;
        for (Segment segment : segments) {
            for (int piece = 0; piece < segment.dirtyPieces.length; piece++) {
                if (!segment.dirtyPieces[piece]) {
                    continue;
                }
                segment.dirtyPieces[piece] = false;
                byte[] row = row(segment, piece);
                int first = piece * PIECE_BLOCKS;
                long end = place(segment.number, first) + PIECE_BLOCKS;
                while (next < freeingCount && freeing[next] < end) {
                    int bit = blockOf(freeing[next++]) - first;
                    row[bit >>> 3] &= (byte) ~(1 << (bit & 7));
                }
                changes.add(new Index.Change(IndexRows.spaceKey(segment.number, piece), row));
            }
        }
        Check.that(next == freeingCount, "freed blocks without a row", next, freeingCount);
    }

    private static byte[] row(Segment segment, int piece) {
        byte[] row = new byte[PIECE_BYTES];
        int firstWord = piece * (PIECE_BLOCKS / 64);
        int words = Math.min(PIECE_BLOCKS / 64, segment.used.length - firstWord);
        for (int i = 0; i < words; i++) {
            int word = firstWord + i;
            Bytes.putLong(row, 8 * i, segment.settledWord(word));
        }
        return row;
    }

    /// The commit is durable: what it freed may be allocated.
    void committed() {
        for (int i = 0; i < freeingCount; i++) {
            Segment segment = segment(segmentOf(freeing[i]));
            if (segment != null) {
                segment.setFree(blockOf(freeing[i]));
                if (segment.file != null) {
                    freeBlocks++;
                }
            }
        }
        freeingCount = 0;
    }
}
