package comet.store;

import comet.base.Sizes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;

/// All changes that the journal holds and the index does not, in two layers: the active one takes
/// new changes; the frozen one is what a running checkpoint moves to its place. A look-up asks the
/// active layer first, then the frozen one, then the index.
///
/// Bounds: the ring bounds the number of records, [#BLOCKS_MAX] what they may touch.
final class Pending {
    /// Changed blocks at which a checkpoint starts although the ring has room: their table takes
    /// about 30 bytes each, or up to 250 where every one lies in another page.
    static final int BLOCKS_MAX = 1 << 18;

    private List<ChunkPending> active = new ArrayList<>();
    private List<ChunkPending> frozen = new ArrayList<>();
    private TreeMap<Long, Long> activeFences = new TreeMap<>();
    private TreeMap<Long, Long> frozenFences = new TreeMap<>();
    private TreeMap<String, byte[]> activeNotes = new TreeMap<>();
    private TreeMap<String, byte[]> frozenNotes = new TreeMap<>();

    /// DATA blocks in both layers that have no place yet: each may need one.
    private int unplacedBlocks;

    /// Blocks that may become free with the checkpoint of each layer, an upper bound: what trims,
    /// zeroes, large writes and drops replace.
    private long activeFreeing;

    private long frozenFreeing;

    /// Blocks of any state that were put into the active layer, an upper bound.
    private int activeBlocks;

    /// The chunk's part of the active layer.
    ChunkPending of(Header header) {
        ChunkPending chunk = header.active;
        if (chunk == null) {
            chunk = new ChunkPending(header);
            header.active = chunk;
            active.add(chunk);
        }
        return chunk;
    }

    void put(
            Header header,
            int generation,
            int block,
            int state,
            long version,
            int crc,
            @org.jspecify.annotations.Nullable Source source,
            int slot) {
        ChunkPending chunk = of(header);
        PagePatch patch = chunk.patchFor(generation, block >>> IndexPage.SHIFT);
        int inPage = block & IndexPage.BLOCKS - 1;
        long before = patch.has(inPage) ? patch.claimedPlace(patch.rank(inPage)) : 0;
        if (before != 0) {
            chunk.abandon(before);
        }
        unplacedBlocks += patch.put(inPage, state, version, crc, source, slot);
        activeBlocks++;
        activeFreeing += source instanceof Batch ? 0 : 1;
    }

    void drop(Header header) {
        ChunkPending chunk = of(header);
        unplacedBlocks -= chunk.clear();
        chunk.dropped = true;
        activeFreeing += Sizes.CHUNK_BLOCKS;
    }

    void fence(long volumeId, long term) {
        activeFences.put(volumeId, term);
    }

    void note(String name, byte[] value) {
        activeNotes.put(name, value);
    }

    boolean isEmpty() {
        return active.isEmpty()
                && frozen.isEmpty()
                && activeFences.isEmpty()
                && activeNotes.isEmpty();
    }

    /// Makes the active layer the frozen one; the last frozen one must have been thawed.
    ///
    /// @return the chunks to be moved, in order of (volume, chunk)
    List<ChunkPending> freeze() {
        comet.base.Check.that(frozen.isEmpty(), "frozen twice");
        frozen = active;
        active = new ArrayList<>();
        frozenFences = activeFences;
        activeFences = new TreeMap<>();
        frozenNotes = activeNotes;
        activeNotes = new TreeMap<>();
        activeBlocks = 0;
        frozenFreeing = activeFreeing;
        activeFreeing = 0;
        for (ChunkPending chunk : frozen) {
            chunk.freeze();
            chunk.header.frozen = chunk;
            chunk.header.active = null;
        }
        frozen.sort(
                Comparator.comparingLong((ChunkPending c) -> c.header.volumeId)
                        .thenComparingInt(c -> c.header.chunkIndex));
        return frozen;
    }

    /// A frozen chunk is in the index now.
    void settled(ChunkPending chunk) {
        unplacedBlocks -= chunk.unplacedCount();
        chunk.header.frozen = null;
    }

    /// All that was frozen is in the index.
    void thaw() {
        frozenFreeing = 0;
        frozen = new ArrayList<>();
        frozenFences = new TreeMap<>();
        frozenNotes = new TreeMap<>();
    }

    TreeMap<Long, Long> frozenFences() {
        return frozenFences;
    }

    TreeMap<String, byte[]> frozenNotes() {
        return frozenNotes;
    }

    int unplacedBlocks() {
        return unplacedBlocks;
    }

    /// Blocks that may become free once everything is in its place, an upper bound.
    long freeingBlocks() {
        return activeFreeing + frozenFreeing;
    }

    /// After replay: claims the places of all large writes that still count.
    ///
    /// @return blocks that are lost, because their places are others'
    int claim(Segments segments) {
        int lost = 0;
        for (ChunkPending chunk : active) {
            chunk.forgetAbandoned();
            lost += chunk.checkClaimed(segments::claimFound);
        }
        return lost;
    }

    int activeBlocks() {
        return activeBlocks;
    }
}
