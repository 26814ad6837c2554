package comet.volume;

import comet.base.Sizes;
import org.jspecify.annotations.Nullable;

/// The newest version of each chunk of one volume, 0 where the chunk does not exist: eight bytes a
/// chunk, in pages that are made when first needed.
final class ChunkTable {
    private static final int PAGE_SHIFT = 10;
    private static final int PAGE = 1 << PAGE_SHIFT;

    private long[] @Nullable [] pages = new long[0][];

    long get(int chunkIndex) {
        int page = chunkIndex >>> PAGE_SHIFT;
        if (page >= pages.length) {
            return 0;
        }
        long[] versions = pages[page];
        return versions == null ? 0 : versions[chunkIndex & PAGE - 1];
    }

    void set(int chunkIndex, long version) {
        int page = chunkIndex >>> PAGE_SHIFT;
        if (page >= pages.length) {
            int most = Sizes.VOLUME_CHUNKS_MAX >>> PAGE_SHIFT;
            pages = java.util.Arrays.copyOf(pages, Math.min(most, Math.max(page + 1, 64)));
        }
        long[] versions = pages[page];
        if (versions == null) {
            versions = new long[PAGE];
            pages[page] = versions;
        }
        versions[chunkIndex & PAGE - 1] = version;
    }

    void clear() {
        pages = new long[0][];
    }
}
