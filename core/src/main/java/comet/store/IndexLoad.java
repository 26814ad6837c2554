package comet.store;

import comet.base.Bytes;
import comet.port.Index;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// What a start takes over from the index, one kind of rows after the other: headers, fences,
/// notes, and which space is in use.
final class IndexLoad {
    /// Told what is wrong, or null.
    interface Done {
        void done(@Nullable String error);
    }

    /// Told the segments that the index knows, with their blocks rounded up to whole pieces.
    interface Known {
        void known(TreeMap<Integer, Integer> segments, @Nullable String error);
    }

    private final DiskParts parts;
    private @Nullable String damage;

    IndexLoad(DiskParts parts) {
        this.parts = parts;
    }

    /// Reads all rows of a kind, or as many as are wanted.
    static void scan(Index index, byte kind, Index.Rows rows, Done done) {
        index.scan(
                IndexRows.firstOf(kind),
                IndexRows.behind(kind),
                rows,
                (_, result) ->
                        done.done(result < 0 ? "cannot read the index: errno " + -result : null),
                0);
    }

    private void scan(byte kind, Index.Rows rows, Done done, Runnable then) {
        scan(
                parts.index,
                kind,
                rows,
                error -> {
                    String told = error == null ? damage : error;
                    if (told != null) {
                        done.done(told);
                    } else {
                        then.run();
                    }
                });
    }

    void segments(Known done) {
        TreeMap<Integer, Integer> known = new TreeMap<>();
        scan(
                parts.index,
                IndexRows.SPACE,
                (key, row) -> {
                    int pieces = Bytes.keyInt(key, 5) + 1;
                    known.merge(Bytes.keyInt(key, 1), pieces * SpaceMap.PIECE_BLOCKS, Math::max);
                    return true;
                },
                error -> done.known(known, error));
    }

    /// Loads everything, once the segments are open.
    void rows(Done done) {
        scan(
                IndexRows.HEADER,
                this::header,
                done,
                () ->
                        scan(
                                IndexRows.FENCE,
                                this::fence,
                                done,
                                () -> scan(IndexRows.NOTE, this::note, done, () -> space(done))));
    }

    private boolean header(byte[] key, byte[] row) {
        Header header = parts.headers.getOrAdd(Bytes.keyLong(key, 1), Bytes.keyInt(key, 9));
        if (!IndexRows.decodeHeader(row, header, parts.headers)) {
            damage = "a chunk header in the index is damaged";
        }
        return damage == null;
    }

    private boolean fence(byte[] key, byte[] row) {
        parts.changes.knowFence(Bytes.keyLong(key, 1), Bytes.getLong(row, 0));
        return true;
    }

    private boolean note(byte[] key, byte[] row) {
        parts.changes.knowNotePiece(IndexRows.noteName(key), row);
        return true;
    }

    private void space(Done done) {
        scan(IndexRows.SPACE, this::piece, done, () -> done.done(null));
    }

    private boolean piece(byte[] key, byte[] row) {
        parts.segments.space().load(Bytes.keyInt(key, 1), Bytes.keyInt(key, 5), row);
        return true;
    }
}
