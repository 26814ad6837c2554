package comet.store;

import org.jspecify.annotations.Nullable;

/// What is known of one chunk, always in memory. Two states side by side: the newest one, made by
/// the journal's records (`version`, generations), and what the index holds (the `row…` fields),
/// which the checkpoint brings up to date.
///
/// A chunk that was dropped keeps its header, hidden (`exists` is false), until the checkpoint has
/// removed its rows.
final class Header implements ChunkStore.Chunk {
    static final int[] NO_GENERATIONS = {};
    static final byte[] NO_PAGES = {};

    final long volumeId;
    final int chunkIndex;
    final int pg;
    boolean exists;
    long version;

    /// Pairs of (generation, the one it was opened from or 0), ascending. Never changed in place:
    /// headers share it.
    int[] generations = NO_GENERATIONS;

    /// The journal's sequence that the index's row of this chunk reflects, and with it all of its
    /// pages; 0 where there is no row.
    long rowSequence;

    /// Generations with pages in the index, ascending, and for each a bit per page that it has of
    /// its own. Never changed in place.
    int[] rowGenerations = NO_GENERATIONS;

    byte[] rowPages = NO_PAGES;

    /// Changes that are not in the index: the newest, and those that a running checkpoint moves.
    @Nullable ChunkPending active;

    @Nullable ChunkPending frozen;

    Header(long volumeId, int chunkIndex, int pg) {
        this.volumeId = volumeId;
        this.chunkIndex = chunkIndex;
        this.pg = pg;
    }

    @Override
    public long volumeId() {
        return volumeId;
    }

    @Override
    public int chunkIndex() {
        return chunkIndex;
    }

    @Override
    public int pg() {
        return pg;
    }

    @Override
    public long version() {
        return version;
    }

    @Override
    public int generation() {
        return generations.length == 0 ? 0 : generations[generations.length - 2];
    }

    @Override
    public int base(int generation) {
        for (int i = 0; i < generations.length; i += 2) {
            if (generations[i] == generation) {
                return generations[i + 1];
            }
        }
        return 0;
    }

    boolean hasGeneration(int generation) {
        for (int i = 0; i < generations.length; i += 2) {
            if (generations[i] == generation) {
                return true;
            }
        }
        return false;
    }

    /// The generation that a read of `snapshot` sees: the newest that is not newer, on the way down
    /// from the newest of all; 0 where there is none.
    int generationFor(int snapshot) {
        int generation = generation();
        while (snapshot != 0 && Integer.compareUnsigned(generation, snapshot) > 0) {
            generation = base(generation);
        }
        return generation;
    }

    /// Whether the index has a page of its own for this generation.
    boolean hasRowPage(int generation, int page) {
        for (int i = 0; i < rowGenerations.length; i++) {
            if (rowGenerations[i] == generation) {
                return (rowPages[i] >>> page & 1) != 0;
            }
        }
        return false;
    }

    boolean hasRow() {
        return rowSequence != 0;
    }
}
