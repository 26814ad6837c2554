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

    /// The first chunk from `fromChunk` on that exists, or -1.
    int next(int fromChunk) {
        int chunk = fromChunk;
        while (chunk >>> PAGE_SHIFT < pages.length) {
            long[] versions = pages[chunk >>> PAGE_SHIFT];
            if (versions == null) {
                chunk = (chunk | PAGE - 1) + 1;
            } else if (versions[chunk & PAGE - 1] != 0) {
                return chunk;
            } else {
                chunk++;
            }
        }
        return -1;
    }

    void clear() {
        pages = new long[0][];
    }
}
