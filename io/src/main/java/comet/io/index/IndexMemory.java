package comet.io.index;

import comet.base.Check;

/// What an index may keep in memory.
///
/// @param blockCacheBytes of table files, their indexes and filters included
/// @param memtableBytes what one memtable takes before it is written by itself; there are two
public record IndexMemory(long blockCacheBytes, long memtableBytes) {
    public static final IndexMemory DEFAULT = new IndexMemory(48L << 20, 16L << 20);

    public IndexMemory {
        Check.that(blockCacheBytes >= 1 << 20, "block cache", blockCacheBytes, 0);
        Check.that(memtableBytes >= 1 << 20, "memtable", memtableBytes, 0);
    }
}
