package comet.port;

import comet.base.Buf;

/// One open file of a disk's folder. Operations may be many at once and end in any order; a write
/// is durable only when a sync that was started after the write ended has ended well. Owner thread:
/// the disk's loop.
public interface MediaFile {
    long sizeBytes();

    /// Reads `length` bytes at `position` into `target` from `offset`; a short read only at the end
    /// of the file. The caller keeps `target` until the end of the operation.
    void read(long position, Buf target, int offset, int length, IoDone done, long token);

    /// Writes all of `length` bytes. For a file opened as direct, position, offset and length are
    /// multiples of 4 KiB.
    void write(long position, Buf source, int offset, int length, IoDone done, long token);

    /// Makes everything durable that was written by operations that had ended (fdatasync). After an
    /// error nothing is known about any write since the last good sync: the disk is to be retired,
    /// a second try proves nothing.
    void sync(IoDone done, long token);

    /// A write and, when it has ended well, a sync: what one would do by the two calls, but an
    /// implementation that hands work to another thread hands it over once. Answers the bytes
    /// written, when they and all earlier ended writes are durable.
    default void writeAndSync(
            long position, Buf source, int offset, int length, IoDone done, long token) {
        write(
                position,
                source,
                offset,
                length,
                (writeToken, written) -> {
                    if (written < 0) {
                        done.done(writeToken, written);
                    } else {
                        sync(
                                (syncToken, synced) ->
                                        done.done(syncToken, synced < 0 ? synced : written),
                                writeToken);
                    }
                },
                token);
    }

    /// Closes the file; operations under way end first. Never reports.
    void close();
}
