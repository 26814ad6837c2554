package comet.store;

import comet.base.Sizes;
import comet.wire.BlockState;
import org.jspecify.annotations.Nullable;

/// Finds out where a block is now: in the newest changes, in those that a checkpoint moves, or in
/// the index; and if the generation says nothing about it, in the one that it was opened from. One
/// object per user; its fields hold the last answer.
final class Lookup {
    private final PageCache cache;

    int state;
    long version;
    int crc;

    /// For DATA that is in memory or in the ring, with [#slot]; else null.
    @Nullable Source source;

    int slot;

    /// For DATA in its place, with [#offset]: the segment's number.
    int segment;

    int offset;

    /// Where [#find] answered false: the page that has to be loaded first.
    int missingGeneration;

    int missingPage;

    Lookup(PageCache cache) {
        this.cache = cache;
    }

    /// Looks a block up in `generation` of a chunk, 0: the chunk has none.
    ///
    /// @return false where an index page is needed that is not in memory
    boolean find(Header header, int generation, int block) {
        int page = block >>> IndexPage.SHIFT;
        int inPage = block & IndexPage.BLOCKS - 1;
        ChunkPending active = header.active;
        ChunkPending frozen = active != null && active.dropped ? null : header.frozen;
        boolean rows =
                header.hasRow()
                        && (active == null || !active.dropped)
                        && (frozen == null || !frozen.dropped);
        for (int g = generation; g != 0; g = header.base(g)) {
            if ((active != null && in(active.patch(g, page), inPage))
                    || (frozen != null && in(frozen.patch(g, page), inPage))) {
                return true;
            }
            if (rows && header.hasRowPage(g, page)) {
                byte[] row = cache.peek(header, g, page);
                if (row == null) {
                    missingGeneration = g;
                    missingPage = page;
                    return false;
                }
                in(row, inPage);
                return true;
            }
        }
        state = BlockState.ABSENT;
        version = 0;
        crc = 0;
        source = null;
        return true;
    }

    private boolean in(@Nullable PagePatch patch, int block) {
        if (patch == null || !patch.has(block)) {
            return false;
        }
        int at = patch.rank(block);
        state = patch.state(at);
        version = patch.version(at);
        crc = patch.crc(at);
        source = patch.source(at);
        slot = patch.slot(at);
        segment = 0;
        if (source instanceof LargeWrite large && large.data(slot) == null) {
            source = null;
            segment = SpaceMap.segmentOf(large.place(slot));
            offset = SpaceMap.blockOf(large.place(slot)) << Sizes.BLOCK_SHIFT;
        }
        return true;
    }

    private void in(byte[] row, int block) {
        state = IndexPage.state(row, block);
        version = IndexPage.version(row, block);
        crc = IndexPage.crc(row, block);
        source = null;
        segment = IndexPage.segment(row, block);
        offset = IndexPage.offset(row, block);
    }
}
