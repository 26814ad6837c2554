package comet.store;

import comet.cluster.PgHash;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// All chunk headers of a disk: by volume and chunk (a table of leaves of 512 chunks, so a look-up
/// is two array reads), and by PG in order of (volume, chunk).
final class Headers {
    private static final int LEAF_SHIFT = 9;
    private static final int LEAF_CHUNKS = 1 << LEAF_SHIFT;

    /// The chunks of one volume.
    private static final class Volume {
        final long volumeId;
        @Nullable Header[] @Nullable [] leaves = new @Nullable Header[4] @Nullable [];

        Volume(long volumeId) {
            this.volumeId = volumeId;
        }
    }

    /// The chunks of one PG, sorted.
    private static final class Group {
        @Nullable Header[] chunks = new @Nullable Header[8];
        int count;
    }

    private final LongTable<Volume> volumes = new LongTable<>();
    private @Nullable Volume last;
    private final @Nullable Group[] groups;

    /// The generations that were met last, so that headers share them.
    private int[] commonGenerations = Header.NO_GENERATIONS;

    private int[] commonRows = Header.NO_GENERATIONS;
    private final byte[] @Nullable [] commonPages = new byte[256] @Nullable [];

    private int count;

    Headers(int pgCount) {
        groups = new @Nullable Group[pgCount];
    }

    int count() {
        return count;
    }

    int pg(long volumeId, int chunkIndex) {
        return PgHash.of(volumeId, chunkIndex, groups.length);
    }

    private @Nullable Volume volume(long volumeId) {
        Volume v = last;
        if (v == null || v.volumeId != volumeId) {
            v = volumes.get(volumeId);
            if (v != null) {
                last = v;
            }
        }
        return v;
    }

    /// The header, also of a chunk that was dropped and still has rows.
    @Nullable Header get(long volumeId, int chunkIndex) {
        Volume v = volume(volumeId);
        int leaf = chunkIndex >>> LEAF_SHIFT;
        if (v == null || leaf >= v.leaves.length) {
            return null;
        }
        @Nullable Header[] chunks = v.leaves[leaf];
        return chunks == null ? null : chunks[chunkIndex & LEAF_CHUNKS - 1];
    }

    Header getOrAdd(long volumeId, int chunkIndex) {
        Header found = get(volumeId, chunkIndex);
        if (found != null) {
            return found;
        }
        Header added = new Header(volumeId, chunkIndex, pg(volumeId, chunkIndex));
        Volume v = volume(volumeId);
        if (v == null) {
            v = new Volume(volumeId);
            volumes.put(volumeId, v);
        }
        int leaf = chunkIndex >>> LEAF_SHIFT;
        if (leaf >= v.leaves.length) {
            v.leaves = Arrays.copyOf(v.leaves, Math.max(leaf + 1, v.leaves.length * 2));
        }
        @Nullable Header[] chunks = v.leaves[leaf];
        if (chunks == null) {
            chunks = new @Nullable Header[LEAF_CHUNKS];
            v.leaves[leaf] = chunks;
        }
        chunks[chunkIndex & LEAF_CHUNKS - 1] = added;
        addToGroup(added);
        count++;
        return added;
    }

    void remove(Header header) {
        Volume v = volume(header.volumeId);
        if (v == null) {
            return;
        }
        @Nullable Header[] chunks = v.leaves[header.chunkIndex >>> LEAF_SHIFT];
        if (chunks != null) {
            chunks[header.chunkIndex & LEAF_CHUNKS - 1] = null;
        }
        Group group = groups[header.pg];
        if (group != null) {
            int at = search(group, header.volumeId, header.chunkIndex);
            System.arraycopy(group.chunks, at + 1, group.chunks, at, group.count - at - 1);
            group.chunks[--group.count] = null;
        }
        count--;
    }

    void ofVolume(long volumeId, int fromChunk, ChunkStore.ChunkVisitor visitor) {
        Volume v = volume(volumeId);
        if (v == null) {
            return;
        }
        for (int leaf = fromChunk >>> LEAF_SHIFT; leaf < v.leaves.length; leaf++) {
            @Nullable Header[] chunks = v.leaves[leaf];
            if (chunks == null) {
                continue;
            }
            int from = leaf == fromChunk >>> LEAF_SHIFT ? fromChunk & LEAF_CHUNKS - 1 : 0;
            for (int i = from; i < LEAF_CHUNKS; i++) {
                Header header = chunks[i];
                if (header != null && header.exists && !visitor.chunk(header)) {
                    return;
                }
            }
        }
    }

    void ofPg(int pg, long afterVolume, long afterChunk, ChunkStore.ChunkVisitor visitor) {
        Group group = groups[pg];
        if (group == null) {
            return;
        }
        for (int i = search(group, afterVolume, afterChunk + 1); i < group.count; i++) {
            Header header = group.chunks[i];
            if (header != null && header.exists && !visitor.chunk(header)) {
                return;
            }
        }
    }

    /// `generations` with one more pair, shared where possible.
    int[] withGeneration(int[] generations, int generation, int base) {
        int[] common = commonGenerations;
        if (generations.length == 0
                && common.length == 2
                && common[0] == generation
                && common[1] == base) {
            return common;
        }
        int at = 0;
        while (at < generations.length
                && Integer.compareUnsigned(generations[at], generation) < 0) {
            at += 2;
        }
        int[] more = new int[generations.length + 2];
        System.arraycopy(generations, 0, more, 0, at);
        more[at] = generation;
        more[at + 1] = base;
        System.arraycopy(generations, at, more, at + 2, generations.length - at);
        return shared(more);
    }

    int[] shared(int[] generations) {
        if (Arrays.equals(generations, commonGenerations)) {
            return commonGenerations;
        }
        commonGenerations = generations;
        return generations;
    }

    /// As [#shared], for the generations that have rows.
    int[] sharedRows(int[] generations) {
        if (Arrays.equals(generations, commonRows)) {
            return commonRows;
        }
        commonRows = generations;
        return generations;
    }

    /// As [#shared], for the pages that have rows.
    byte[] sharedPages(byte[] pages) {
        if (pages.length != 1) {
            return pages;
        }
        int bits = pages[0] & 0xFF;
        byte[] common = commonPages[bits];
        if (common == null) {
            commonPages[bits] = pages;
            return pages;
        }
        return common;
    }

    private void addToGroup(Header header) {
        Group group = groups[header.pg];
        if (group == null) {
            group = new Group();
            groups[header.pg] = group;
        }
        if (group.count == group.chunks.length) {
            group.chunks = Arrays.copyOf(group.chunks, group.count * 2);
        }
        int at = search(group, header.volumeId, header.chunkIndex);
        System.arraycopy(group.chunks, at, group.chunks, at + 1, group.count - at);
        group.chunks[at] = header;
        group.count++;
    }

    /// Place of the first header at or behind (volume, chunk).
    private static int search(Group group, long volumeId, long chunkIndex) {
        int low = 0;
        int high = group.count;
        while (low < high) {
            int middle = low + high >>> 1;
            Header header = group.chunks[middle];
            if (header != null
                    && (header.volumeId < volumeId
                            || (header.volumeId == volumeId && header.chunkIndex < chunkIndex))) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }
}
