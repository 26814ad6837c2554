package comet.store;

import java.util.Arrays;
import java.util.function.LongConsumer;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/// Changes of one chunk that are not in the index yet, in one of the two layers of [Pending]. Once
/// frozen it also says what the chunk was at that moment, so that the index never learns of a
/// version whose records may not be durable.
final class ChunkPending {
    static final int PAGES = IndexPage.PAGES;
    private static final long[] NONE = {};

    final Header header;

    /// The chunk was dropped within this layer: nothing below counts any more.
    boolean dropped;

    // Patches by generation (ascending) and page.
    private int[] generations = Header.NO_GENERATIONS;
    private @Nullable PagePatch[][] patches = new @Nullable PagePatch[0][];

    /// Places of large writes that were overwritten within this layer, see [SpaceMap#place].
    private long[] abandoned = NONE;

    private int abandonedCount;

    // The chunk when this layer was frozen.
    boolean frozenExists;
    long frozenVersion;
    int[] frozenGenerations = Header.NO_GENERATIONS;

    ChunkPending(Header header) {
        this.header = header;
    }

    void freeze() {
        frozenExists = header.exists;
        frozenVersion = header.version;
        frozenGenerations = header.generations;
    }

    /// The patch of a page, or null.
    @Nullable PagePatch patch(int generation, int page) {
        for (int i = 0; i < generations.length; i++) {
            if (generations[i] == generation) {
                return patches[i][page];
            }
        }
        return null;
    }

    PagePatch patchFor(int generation, int page) {
        int at = 0;
        while (at < generations.length
                && Integer.compareUnsigned(generations[at], generation) < 0) {
            at++;
        }
        if (at == generations.length || generations[at] != generation) {
            int[] more = new int[generations.length + 1];
            @Nullable PagePatch[][] morePatches = new @Nullable PagePatch[patches.length + 1][];
            System.arraycopy(generations, 0, more, 0, at);
            System.arraycopy(generations, at, more, at + 1, generations.length - at);
            System.arraycopy(patches, 0, morePatches, 0, at);
            System.arraycopy(patches, at, morePatches, at + 1, patches.length - at);
            more[at] = generation;
            morePatches[at] = new @Nullable PagePatch[PAGES];
            generations = more;
            patches = morePatches;
        }
        PagePatch patch = patches[at][page];
        if (patch == null) {
            patch = new PagePatch();
            patches[at][page] = patch;
        }
        return patch;
    }

    /// What lies at the place of a large write counts no more.
    void abandon(long place) {
        if (abandonedCount == abandoned.length) {
            abandoned = Arrays.copyOf(abandoned, Math.max(16, 2 * abandonedCount));
        }
        abandoned[abandonedCount++] = place;
    }

    int abandonedCount() {
        return abandonedCount;
    }

    long abandoned(int n) {
        return abandoned[n];
    }

    /// After replay: what was overwritten is overwritten durably, and nobody has claimed its place.
    void forgetAbandoned() {
        abandoned = NONE;
        abandonedCount = 0;
    }

    /// Visits the places that large writes have claimed.
    void claimed(LongConsumer visitor) {
        for (@Nullable PagePatch[] pages : patches) {
            for (PagePatch patch : pages) {
                for (int at = 0; patch != null && at < patch.count(); at++) {
                    long place = patch.claimedPlace(at);
                    if (place != 0) {
                        visitor.accept(place);
                    }
                }
            }
        }
    }

    /// After replay: asks for all places that large writes have claimed whether they may be, and
    /// loses the blocks of those that may not.
    ///
    /// @return blocks lost
    int checkClaimed(LongPredicate claim) {
        int lost = 0;
        for (@Nullable PagePatch[] pages : patches) {
            for (PagePatch patch : pages) {
                for (int at = 0; patch != null && at < patch.count(); at++) {
                    long place = patch.claimedPlace(at);
                    if (place != 0 && !claim.test(place)) {
                        patch.lose(at);
                        lost++;
                    }
                }
            }
        }
        return lost;
    }

    /// Forgets everything that was changed.
    ///
    /// @return DATA blocks without a place that were here
    int clear() {
        int data = unplacedCount();
        claimed(this::abandon);
        generations = Header.NO_GENERATIONS;
        patches = new @Nullable PagePatch[0][];
        return data;
    }

    /// DATA blocks that a checkpoint has to bring to a place.
    int unplacedCount() {
        int data = 0;
        for (@Nullable PagePatch[] pages : patches) {
            for (PagePatch patch : pages) {
                data += patch == null ? 0 : patch.unplacedCount();
            }
        }
        return data;
    }

    int pageCount() {
        int pages = 0;
        for (@Nullable PagePatch[] generation : patches) {
            for (PagePatch patch : generation) {
                pages += patch == null ? 0 : 1;
            }
        }
        return pages;
    }

    int generationCount() {
        return generations.length;
    }

    int generationAt(int n) {
        return generations[n];
    }

    static boolean same(int[] a, int[] b) {
        return Arrays.equals(a, b);
    }
}
