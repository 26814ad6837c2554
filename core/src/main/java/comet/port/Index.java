package comet.port;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// An ordered table of small rows (keys and values up to 64 KiB) on a disk: block-index pages,
/// chunk headers, allocation maps, fences, the copy of the map. Keys compare as unsigned bytes.
/// Owner thread: the disk's loop; one commit at a time.
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

    /// Rows cannot be read at the start. The message is for people.
    final class Unreadable extends RuntimeException {
        private static final long serialVersionUID = 1L;

        public Unreadable(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }

    /// All rows from `from` (inclusive) to `to` (exclusive), a consistent view. Blocking: start
    /// only.
    ///
    /// @throws Unreadable where one of them cannot be read
    void scan(byte[] from, byte[] to, Rows rows);

    /// Makes all changes, whole and durable, or none. While it runs a `get` may see either state. A
    /// crash before the answer may leave it done. The implementation may make earlier parts visible
    /// after a crash without later ones only in the order of the list.
    void commit(List<Change> changes, IoDone done, long token);

    void close();
}
