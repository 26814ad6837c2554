package comet.port;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// An ordered table of small rows (keys up to 255 bytes, values up to 64 KiB) on a disk:
/// block-index pages, chunk headers, allocation maps, fences, the copy of the map. Keys compare as
/// unsigned bytes. Owner thread: the disk's loop; one commit at a time.
public interface Index {
    /// Told the row that was asked for; null where there is none. `errno` is 0 or positive.
    interface Row {
        void row(byte @Nullable [] value, int errno);
    }

    /// Told rows in key order. Returning false ends the scan.
    interface Rows {
        boolean row(byte[] key, byte[] value);
    }

    /// A change of one row; a null value deletes it.
    record Change(byte[] key, byte @Nullable [] value) {}

    void get(byte[] key, Row done);

    /// Tells all rows from `from` (inclusive) to `to` (exclusive), a consistent view, in this and
    /// later turns; then `done`, with 0 or a negated error where one of them cannot be read. Meant
    /// for the start: a commit may wait for its end.
    void scan(byte[] from, byte[] to, Rows rows, IoDone done, long token);

    /// Makes all changes, whole and durable, or none. While it runs a `get` may see either state. A
    /// crash before the answer may leave it done.
    void commit(List<Change> changes, IoDone done, long token);

    void close();
}
