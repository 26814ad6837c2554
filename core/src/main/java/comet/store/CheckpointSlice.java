package comet.store;

import comet.port.Errno;
import comet.port.Index;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// One part of a checkpoint, chunks that go to their place together: loads their old index pages in
/// groups, makes the new ones, has the blocks written and synced, commits, and only then forgets
/// the changes in memory.
final class CheckpointSlice {
    /// Pages that are loaded and worked on in one turn of the loop.
    private static final int GROUP_PAGES = 64;

    private static final long STALLED_RETRY_NS = 1_000_000_000L;

    private final DiskParts parts;
    private final Checkpoint checkpoint;
    private final List<ChunkPending> chunks;
    private final long through;
    private final boolean last;
    private final RingPlace tail;
    private final SliceMoves moves;
    private final List<ChunkRows> rows = new ArrayList<>();
    private int next;

    /// @param tail of the ring once this slice is committed
    CheckpointSlice(
            DiskParts parts,
            Checkpoint checkpoint,
            List<ChunkPending> chunks,
            long through,
            boolean last,
            RingPlace tail) {
        this.parts = parts;
        this.checkpoint = checkpoint;
        this.chunks = chunks;
        this.through = through;
        this.last = last;
        this.tail = tail;
        moves = new SliceMoves(parts.segments.space());
    }

    void start() {
        nextGroup();
    }

    private void nextGroup() {
        if (parts.hasFailed()) {
            return;
        }
        if (next == chunks.size()) {
            new SliceWriter(parts, checkpoint, moves, this::commit).start();
            return;
        }
        List<ChunkRows> group = new ArrayList<>();
        int pages = 0;
        while (next < chunks.size() && pages < GROUP_PAGES) {
            ChunkPending chunk = chunks.get(next++);
            pages += chunk.pageCount() + 1;
            group.add(new ChunkRows(parts, moves, chunk));
        }
        new Group(group).load();
    }

    /// Gives the group's blocks their places, once as many are free.
    private void place(List<ChunkRows> group, boolean cannotGrow) {
        if (parts.hasFailed()) {
            return;
        }
        if (parts.segments.space().freeBlocks() >= moves.newCount()) {
            moves.allocate();
            group.forEach(ChunkRows::placed);
            parts.segments.placed(moves.placedCount());
            nextGroup();
        } else if (!cannotGrow) {
            long before = parts.segments.space().totalBlocks();
            parts.segments.growThen(
                    () -> place(group, parts.segments.space().totalBlocks() == before));
        } else {
            checkpoint.sliceStalled();
            parts.loop.schedule(STALLED_RETRY_NS, () -> place(group, false));
        }
    }

    /// Chunks whose pages are worked on together.
    private final class Group extends PageWait {
        private final List<ChunkRows> group;

        Group(List<ChunkRows> group) {
            super(parts.pages);
            this.group = group;
        }

        void load() {
            for (ChunkRows chunk : group) {
                chunk.want(this);
            }
            if (!isWaiting()) {
                parts.loop.execute(() -> pagesLoaded(0));
            }
        }

        @Override
        void pagesLoaded(int errno) {
            if (errno != 0 || parts.hasFailed()) {
                releasePages();
                if (!parts.hasFailed()) {
                    parts.fail("read of the index", errno);
                }
                return;
            }
            for (ChunkRows chunk : group) {
                chunk.make(through);
                rows.add(chunk);
            }
            releasePages();
            place(group, false);
        }
    }

    private void commit() {
        List<Index.Change> changes = new ArrayList<>();
        parts.segments.space().addChanges(changes);
        for (ChunkRows chunk : rows) {
            addChunk(chunk, changes);
        }
        if (last) {
            addFencesAndNotes(changes);
        }
        changes.add(new Index.Change(IndexRows.TAIL, IndexRows.tail(tail, through)));
        for (Index.Change change : changes) {
            byte[] value = change.value();
            parts.counters.indexBytesWritten +=
                    change.key().length + (value == null ? 0 : value.length);
        }
        commit(changes);
    }

    /// Where the index finds no room the same commit is tried again until it does: the ring still
    /// holds everything.
    private void commit(List<Index.Change> changes) {
        if (parts.hasFailed()) {
            return;
        }
        parts.index.commit(
                changes,
                (token, result) -> {
                    if (result == -Errno.ENOSPC && !parts.hasFailed()) {
                        checkpoint.sliceStalled();
                        parts.loop.schedule(STALLED_RETRY_NS, () -> commit(changes));
                    } else {
                        committed(result);
                    }
                },
                0);
    }

    private void addChunk(ChunkRows chunk, List<Index.Change> changes) {
        Header header = chunk.header;
        for (ChunkRows.Page page : chunk.pages) {
            byte[] key =
                    IndexRows.pageKey(
                            header.volumeId, header.chunkIndex, page.generation, page.number);
            byte[] row = page.row;
            changes.add(new Index.Change(key, row == null ? null : IndexPage.compact(row)));
        }
        byte[] key = IndexRows.headerKey(header.volumeId, header.chunkIndex);
        byte @Nullable [] row = null;
        if (chunk.chunk.frozenExists) {
            row =
                    IndexRows.encodeHeader(
                            through,
                            chunk.chunk.frozenVersion,
                            header.pg,
                            chunk.chunk.frozenGenerations,
                            chunk.rowGenerations,
                            chunk.rowPages);
        }
        changes.add(new Index.Change(key, row));
    }

    private void addFencesAndNotes(List<Index.Change> changes) {
        parts.pending
                .frozenFences()
                .forEach((volumeId, term) ->
                        changes.add(
                                new Index.Change(
                                        IndexRows.fenceKey(volumeId), IndexRows.number(term))));
        parts.pending.frozenNotes().forEach((name, value) -> addNote(name, value, changes));
    }

    private void addNote(String name, byte[] value, List<Index.Change> changes) {
        int piece = IndexRows.NOTE_PIECE_BYTES;
        int pieces = Math.max(1, (value.length + piece - 1) / piece);
        int before = parts.changes.notePieces(name, pieces);
        for (int i = 0; i < pieces; i++) {
            int end = Math.min(value.length, (i + 1) * piece);
            byte[] part = java.util.Arrays.copyOfRange(value, i * piece, end);
            changes.add(new Index.Change(IndexRows.noteKey(name, i), part));
        }
        for (int i = pieces; i < before; i++) {
            changes.add(new Index.Change(IndexRows.noteKey(name, i), null));
        }
    }

    private void committed(int result) {
        if (parts.hasFailed()) {
            return;
        }
        if (result < 0) {
            parts.fail("commit of the index", -result);
            return;
        }
        parts.segments.space().committed();
        parts.segments.placed(0);
        for (ChunkRows chunk : rows) {
            settle(chunk);
        }
        parts.tail = tail;
        checkpoint.sliceEnded(moves.count(), last);
    }

    private void settle(ChunkRows chunk) {
        Header header = chunk.header;
        for (ChunkRows.Page page : chunk.pages) {
            byte[] row = page.row;
            parts.pages.replace(
                    header, page.generation, page.number, row == null ? IndexPage.EMPTY : row);
        }
        boolean row = chunk.chunk.frozenExists;
        header.rowSequence = row ? through : 0;
        header.rowGenerations = parts.headers.sharedRows(chunk.rowGenerations);
        header.rowPages = parts.headers.sharedPages(chunk.rowPages);
        parts.pending.settled(chunk.chunk);
        if (!header.exists && header.active == null && !row) {
            parts.headers.remove(header);
        }
    }
}
