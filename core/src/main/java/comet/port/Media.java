package comet.port;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// The folder of one disk. Names are relative and use `/`. Methods without a callback are for start
/// and stop only, and may block; the others answer on the owner's loop. A journal may lie
/// elsewhere: the implementation knows where the name `journal` leads.
public interface Media {
    /// How a file is reached: through the page cache, or around it (O_DIRECT where the file system
    /// has it).
    enum Access {
        CACHED,
        DIRECT
    }

    /// Told the outcome of an open; exactly one of the two is set.
    interface Opened {
        void opened(@Nullable MediaFile file, int errno);
    }

    /// Opens a file that exists.
    void open(String name, Access access, Opened done);

    /// Makes a file of `bytes` zero bytes whose space is allocated (fallocate), durable in name and
    /// size before the answer. An existing file of that name is an error (EINVAL).
    void create(String name, long bytes, Access access, Opened done);

    /// Deletes a file, durably. Missing is no error.
    void delete(String name, IoDone done, long token);

    /// Names of the files in `folder` ("" for the disk's own), sorted, durable from now on.
    /// Blocking: start only.
    List<String> list(String folder);

    /// A small file's whole content, or null where there is none. Blocking: start only.
    byte @Nullable [] readSmall(String name);

    /// Replaces a small file: written aside, synced, renamed, the folder synced. Blocking: start
    /// and rare events only.
    void writeSmall(String name, byte[] content) throws MediaException;

    /// Bytes that the file system still has for us.
    long freeBytes();

    /// How long the oldest read, write or sync has been under way, 0 where none is; to be asked
    /// several times a second. On the owner's loop.
    default long waitingNs() {
        return 0;
    }

    /// A failure of the folder itself at start or stop, for people.
    final class MediaException extends Exception {
        private static final long serialVersionUID = 1L;

        public MediaException(String message) {
            super(message);
        }
    }
}
