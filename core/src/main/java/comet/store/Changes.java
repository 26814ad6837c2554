package comet.store;

import comet.base.Buf;
import comet.base.Check;
import comet.wire.BlockState;
import comet.wire.WriteRequest;
import java.nio.charset.StandardCharsets;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Applies journal records to the state in memory. The same code serves a change when it is made
/// and when it is replayed: what a record does depends on the record alone.
final class Changes {
    /// A volume's newest term.
    private static final class Fence {
        long term;
    }

    private final Headers headers;
    private final Pending pending;
    private final LongTable<Fence> fences = new LongTable<>();
    private final TreeMap<Long, Fence> orderedFences = new TreeMap<>();
    private final TreeMap<String, byte[]> notes = new TreeMap<>();

    /// Pieces of each note in the index.
    private final TreeMap<String, Integer> notePieces = new TreeMap<>();

    Changes(Headers headers, Pending pending) {
        this.headers = headers;
        this.pending = pending;
    }

    /// Applies the record at `at`.
    ///
    /// @param source of the record's data, and `slot` where it begins there: its batch, or the
    ///   large write that is made right now
    /// @param data holds the record's data from `dataOffset` on; only notes look at it
    /// @return the record's length, or -1 where its kind is unknown
    int apply(
            byte[] head,
            int at,
            long sequence,
            Source source,
            int slot,
            @Nullable Buf data,
            int dataOffset) {
        switch (JournalBatch.type(head, at)) {
            case JournalBatch.WRITE -> write(head, at, sequence, source, slot);
            case JournalBatch.LARGE_WRITE -> {
                boolean now = source instanceof LargeWrite;
                Source large = now ? source : LargeWrite.replayed(head, at);
                write(head, at, sequence, large, 0);
            }
            case JournalBatch.COPY_BLOCK -> copyBlock(head, at, sequence, source, slot);
            case JournalBatch.SET_VERSION -> setVersion(head, at, sequence);
            case JournalBatch.DROP_CHUNK -> dropChunk(head, at, sequence);
            case JournalBatch.SET_FENCE ->
                    setFence(JournalBatch.volumeId(head, at), JournalBatch.term(head, at));
            case JournalBatch.PUT_NOTE -> putNote(head, at, data, dataOffset);
            default -> {
                return -1;
            }
        }
        return JournalBatch.recordBytes(head, at);
    }

    /// The chunk that a record is about, made where it does not exist; null where the index knows a
    /// later state of it (in replay).
    private @Nullable Header chunk(byte[] head, int at, long sequence) {
        Header header =
                headers.getOrAdd(
                        JournalBatch.volumeId(head, at), JournalBatch.chunkIndex(head, at));
        if (sequence <= header.rowSequence) {
            return null;
        }
        header.exists = true;
        pending.of(header);
        return header;
    }

    private void write(byte[] head, int at, long sequence, Source source, int slot) {
        Header header = chunk(head, at, sequence);
        if (header == null) {
            return;
        }
        header.version = JournalBatch.version(head, at);
        int generation = openGeneration(header, head, at);
        int op = JournalBatch.op(head, at);
        int first = JournalBatch.firstBlock(head, at);
        int count = JournalBatch.blockCount(head, at);
        Check.that(generation != 0 || count == 0, "blocks without a generation");
        for (int i = 0; i < count; i++) {
            if (op == WriteRequest.OP_DATA) {
                int crc = JournalBatch.crc(head, at, i);
                pending.put(
                        header,
                        generation,
                        first + i,
                        BlockState.DATA,
                        header.version,
                        crc,
                        source,
                        slot + i);
            } else {
                int state = op == WriteRequest.OP_ZERO ? BlockState.ZERO : BlockState.ABSENT;
                pending.put(header, generation, first + i, state, header.version, 0, null, 0);
            }
        }
    }

    private void copyBlock(byte[] head, int at, long sequence, Source source, int slot) {
        Header header = chunk(head, at, sequence);
        if (header == null) {
            return;
        }
        int generation = openGeneration(header, head, at);
        Check.that(generation != 0, "a block without a generation");
        boolean data = JournalBatch.dataBlocks(head, at) > 0;
        pending.put(
                header,
                generation,
                JournalBatch.firstBlock(head, at),
                JournalBatch.op(head, at),
                JournalBatch.version(head, at),
                JournalBatch.crc(head, at, 0),
                data ? source : null,
                data ? slot : 0);
    }

    private int openGeneration(Header header, byte[] head, int at) {
        int generation = JournalBatch.generation(head, at);
        if (generation != 0 && !header.hasGeneration(generation)) {
            header.generations =
                    headers.withGeneration(
                            header.generations, generation, JournalBatch.base(head, at));
        }
        return generation;
    }

    private void setVersion(byte[] head, int at, long sequence) {
        Header header = chunk(head, at, sequence);
        if (header != null) {
            header.version = JournalBatch.version(head, at);
        }
    }

    private void dropChunk(byte[] head, int at, long sequence) {
        Header header =
                headers.get(JournalBatch.volumeId(head, at), JournalBatch.chunkIndex(head, at));
        if (header == null || sequence <= header.rowSequence) {
            return;
        }
        header.exists = false;
        header.version = 0;
        header.generations = Header.NO_GENERATIONS;
        pending.drop(header);
    }

    // Fences.

    private void setFence(long volumeId, long term) {
        if (term > fence(volumeId)) {
            knowFence(volumeId, term);
            pending.fence(volumeId, term);
        }
    }

    /// Of the index, at start.
    void knowFence(long volumeId, long term) {
        Fence fence = fences.get(volumeId);
        if (fence == null) {
            fence = new Fence();
            fences.put(volumeId, fence);
            orderedFences.put(volumeId, fence);
        }
        fence.term = term;
    }

    long fence(long volumeId) {
        Fence fence = fences.get(volumeId);
        return fence == null ? 0 : fence.term;
    }

    void fences(long afterVolume, ChunkStore.FenceVisitor visitor) {
        for (var entry : orderedFences.tailMap(afterVolume, false).entrySet()) {
            if (!visitor.fence(entry.getKey(), entry.getValue().term)) {
                return;
            }
        }
    }

    // Notes.

    private void putNote(byte[] head, int at, @Nullable Buf data, int dataOffset) {
        byte[] value = new byte[JournalBatch.valueBytes(head, at)];
        if (value.length > 0) {
            Check.that(data != null, "a note without its value");
            if (data != null) {
                data.bytes().get(dataOffset, value);
            }
        }
        String name =
                new String(
                        head,
                        at + JournalBatch.NOTE_NAME,
                        JournalBatch.nameBytes(head, at),
                        StandardCharsets.UTF_8);
        notes.put(name, value);
        pending.note(name, value);
    }

    /// Of the index, at start: one more piece of a note.
    void knowNotePiece(String name, byte[] piece) {
        notePieces.merge(name, 1, Integer::sum);
        byte[] before = notes.get(name);
        if (before == null) {
            notes.put(name, piece);
            return;
        }
        byte[] whole = java.util.Arrays.copyOf(before, before.length + piece.length);
        System.arraycopy(piece, 0, whole, before.length, piece.length);
        notes.put(name, whole);
    }

    /// Sets how many pieces the index has from now on.
    ///
    /// @return how many it had
    int notePieces(String name, int pieces) {
        Integer before = notePieces.put(name, pieces);
        return before == null ? 0 : before;
    }

    byte @Nullable [] note(String name) {
        return notes.get(name);
    }
}
