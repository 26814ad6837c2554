package comet.store;

import comet.base.Sizes;
import comet.wire.BlockState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The new index pages of one frozen chunk: the old pages with the changes laid over them. Decides
/// for each block of data whether it goes over its old place (if that belongs to this generation
/// alone) or to a new one, and which old places become free.
final class ChunkRows {
    /// A page that changes; without `row` it is removed.
    static final class Page {
        final int generation;
        final int number;
        byte @Nullable [] row;

        Page(int generation, int number) {
            this.generation = generation;
            this.number = number;
        }
    }

    private final DiskParts parts;
    private final SliceMoves moves;
    final ChunkPending chunk;
    final Header header;
    final List<Page> pages = new ArrayList<>();
    int[] rowGenerations;
    byte[] rowPages;

    /// Pages that were copied from new ones of an older generation, before those had their places.
    private final List<byte[][]> copies = new ArrayList<>(0);

    ChunkRows(DiskParts parts, SliceMoves moves, ChunkPending chunk) {
        this.parts = parts;
        this.moves = moves;
        this.chunk = chunk;
        header = chunk.header;
        rowGenerations = chunk.dropped ? Header.NO_GENERATIONS : header.rowGenerations;
        rowPages = chunk.dropped ? Header.NO_PAGES : header.rowPages;
    }

    /// Asks for all old pages that [#make] looks at.
    void want(PageWait wait) {
        if (chunk.dropped) {
            for (int i = 0; i < header.rowGenerations.length; i++) {
                for (int page = 0; page < IndexPage.PAGES; page++) {
                    if ((header.rowPages[i] >>> page & 1) != 0) {
                        wait.want(header, header.rowGenerations[i], page);
                    }
                }
            }
            return;
        }
        for (int n = 0; n < chunk.generationCount(); n++) {
            int generation = chunk.generationAt(n);
            for (int page = 0; page < IndexPage.PAGES; page++) {
                if (chunk.patch(generation, page) == null) {
                    continue;
                }
                int owner = ownerOf(generation, page);
                if (owner != 0) {
                    wait.want(header, owner, page);
                }
            }
        }
    }

    /// The generation whose page in the index holds for `generation`: its own or an older one's.
    private int ownerOf(int generation, int page) {
        int g = generation;
        while (g != 0 && !header.hasRowPage(g, page)) {
            g = baseOf(g);
        }
        return g;
    }

    private int baseOf(int generation) {
        int[] pairs = chunk.frozenGenerations;
        for (int i = 0; i < pairs.length; i += 2) {
            if (pairs[i] == generation) {
                return pairs[i + 1];
            }
        }
        return 0;
    }

    /// Makes the new pages. All wanted pages are in memory; as many blocks are free as the chunk
    /// has blocks of data.
    void make(long through) {
        if (chunk.dropped) {
            freeOldPages();
        }
        for (int n = 0; n < chunk.abandonedCount(); n++) {
            long place = chunk.abandoned(n);
            parts.segments.space().freeLater(SpaceMap.segmentOf(place), SpaceMap.blockOf(place));
        }
        for (int n = 0; n < chunk.generationCount(); n++) {
            for (int page = 0; page < IndexPage.PAGES; page++) {
                PagePatch patch = chunk.patch(chunk.generationAt(n), page);
                if (patch != null) {
                    makePage(chunk.generationAt(n), page, patch, through);
                }
            }
        }
    }

    private void freeOldPages() {
        for (int i = 0; i < header.rowGenerations.length; i++) {
            int generation = header.rowGenerations[i];
            for (int page = 0; page < IndexPage.PAGES; page++) {
                if ((header.rowPages[i] >>> page & 1) == 0) {
                    continue;
                }
                byte[] row = old(generation, page);
                for (int block = 0; block < IndexPage.BLOCKS; block++) {
                    if (ownsPlace(row, block)) {
                        free(row, block);
                    }
                }
                pages.add(new Page(generation, page));
            }
        }
    }

    private void makePage(int generation, int number, PagePatch patch, long through) {
        byte[] row = startingPoint(generation, number);
        boolean exclusive = !isInherited(generation, number);
        int at = 0;
        for (int block = 0; block < IndexPage.BLOCKS; block++) {
            if (!patch.has(block)) {
                continue;
            }
            boolean owned = exclusive && ownsPlace(row, block);
            int segment = IndexPage.segment(row, block);
            int offset = IndexPage.offset(row, block);
            boolean data = patch.state(at) == BlockState.DATA;
            boolean there =
                    owned && parts.segments.space().isThere(segment, offset >>> Sizes.BLOCK_SHIFT);
            long claimed = patch.claimedPlace(at);
            if (owned && !(data && claimed == 0 && there)) {
                free(row, block);
            }
            IndexPage.set(row, block, patch.state(at), patch.version(at), patch.crc(at));
            if (claimed != 0) {
                IndexPage.place(
                        row,
                        block,
                        SpaceMap.segmentOf(claimed),
                        SpaceMap.blockOf(claimed) << Sizes.BLOCK_SHIFT);
                parts.segments.space().settle(claimed);
            } else if (data && patch.source(at) instanceof Batch batch) {
                if (there) {
                    IndexPage.place(row, block, segment, offset);
                    moves.add(segment, offset >>> Sizes.BLOCK_SHIFT, batch, patch.slot(at));
                    parts.counters.blocksInPlace++;
                } else {
                    moves.addNew(row, block, batch, patch.slot(at));
                    parts.counters.blocksMoved++;
                }
            }
            at++;
        }
        IndexPage.sequence(row, through);
        store(generation, number, row);
    }

    /// Whether a newer generation may have taken over places from this page. Then what recovery
    /// writes here goes to new places, and the old ones stay in use, although nobody may read them.
    private boolean isInherited(int generation, int number) {
        if (chunk.dropped) {
            return false;
        }
        for (int i = 0; i < header.rowGenerations.length; i++) {
            if (Integer.compareUnsigned(header.rowGenerations[i], generation) > 0
                    && (header.rowPages[i] >>> number & 1) != 0) {
                return true;
            }
        }
        return false;
    }

    /// A copy of what held for the page so far. Places that come from an older generation are
    /// marked as not belonging to this one.
    private byte[] startingPoint(int generation, int number) {
        for (int g = generation; g != 0; g = baseOf(g)) {
            byte[] row = null;
            Page made = made(g, number);
            if (made != null) {
                row = made.row;
            } else if (!chunk.dropped && header.hasRowPage(g, number)) {
                row = old(g, number);
            }
            if (row != null) {
                byte[] copy = row.clone();
                if (g != generation) {
                    inherit(copy);
                    if (made != null) {
                        copies.add(new byte[][] {row, copy});
                    }
                }
                return copy;
            }
        }
        return new byte[IndexPage.BYTES];
    }

    /// All blocks have their places: completes what was copied before they had.
    void placed() {
        for (byte[][] copy : copies) {
            for (int block = 0; block < IndexPage.BLOCKS; block++) {
                if (!ownsPlace(copy[1], block)
                        && IndexPage.state(copy[1], block) == BlockState.DATA) {
                    IndexPage.copyPlace(copy[0], copy[1], block);
                }
            }
        }
    }

    private static void inherit(byte[] row) {
        for (int block = 0; block < IndexPage.BLOCKS; block++) {
            if (IndexPage.state(row, block) == BlockState.DATA) {
                IndexPage.flags(row, block, IndexPage.INHERITED);
            }
        }
    }

    private byte[] old(int generation, int number) {
        byte[] row = parts.pages.peek(header, generation, number);
        if (row == null) {
            throw comet.base.Check.failed("index page is not in memory");
        }
        return row;
    }

    private @Nullable Page made(int generation, int number) {
        for (Page page : pages) {
            if (page.generation == generation && page.number == number) {
                return page;
            }
        }
        return null;
    }

    private static boolean ownsPlace(byte[] row, int block) {
        return IndexPage.state(row, block) == BlockState.DATA
                && (IndexPage.flags(row, block) & IndexPage.INHERITED) == 0;
    }

    private void free(byte[] row, int block) {
        parts.segments
                .space()
                .freeLater(
                        IndexPage.segment(row, block),
                        IndexPage.offset(row, block) >>> Sizes.BLOCK_SHIFT);
    }

    private void store(int generation, int number, byte[] row) {
        Page page = made(generation, number);
        if (page == null) {
            page = new Page(generation, number);
            pages.add(page);
        }
        // A page of an older generation shows through where this one has none: only a chunk's
        // oldest generation can do without an empty page.
        boolean needed = baseOf(generation) != 0 || !IndexPage.isEmpty(row);
        page.row = needed ? row : null;
        setRowPage(generation, number, needed);
    }

    private void setRowPage(int generation, int number, boolean present) {
        int at = 0;
        while (at < rowGenerations.length
                && Integer.compareUnsigned(rowGenerations[at], generation) < 0) {
            at++;
        }
        if (at == rowGenerations.length || rowGenerations[at] != generation) {
            int[] more = new int[rowGenerations.length + 1];
            byte[] morePages = new byte[more.length];
            System.arraycopy(rowGenerations, 0, more, 0, at);
            System.arraycopy(rowGenerations, at, more, at + 1, rowGenerations.length - at);
            System.arraycopy(rowPages, 0, morePages, 0, at);
            System.arraycopy(rowPages, at, morePages, at + 1, rowPages.length - at);
            more[at] = generation;
            rowGenerations = more;
            rowPages = morePages;
        } else {
            rowPages = Arrays.copyOf(rowPages, rowPages.length);
        }
        int bit = 1 << number;
        rowPages[at] = (byte) (present ? rowPages[at] | bit : rowPages[at] & ~bit);
    }
}
