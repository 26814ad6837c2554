package comet.volume;

import comet.base.Buf;
import org.jspecify.annotations.Nullable;

/// One request of a front end, from the call to the answer. Pooled by the gateway.
@SuppressWarnings("NullAway.Init")
final class Request {
    enum Kind {
        READ,
        WRITE,
        ZERO,
        TRIM,
        FLUSH,
        STATUS;

        boolean changes() {
            return this == WRITE || this == ZERO || this == TRIM || this == FLUSH;
        }
    }

    Volume volume;
    Kind kind;
    long offset;
    long length;
    @Nullable Buf buffer;
    int bufferOffset;
    int flags;
    BlockDevice.Done done;
    long startNs;

    /// The next byte of the volume for which a part is to be made.
    long cursor;

    int partsOpen;
    int errno;
    boolean splitting;

    /// Counted in the bounds of bytes in flight.
    long admittedBytes;

    /// Served without an attachment, see "Attaching" in the design.
    boolean loose;

    // All requests of the volume that were begun and not answered.
    @Nullable Request activePrevious;
    @Nullable Request activeNext;

    long end() {
        return offset + length;
    }

    void fail(int errno) {
        if (this.errno == 0) {
            this.errno = errno;
        }
    }

    void clear() {
        buffer = null;
        errno = 0;
        partsOpen = 0;
        splitting = false;
        admittedBytes = 0;
        loose = false;
    }
}
