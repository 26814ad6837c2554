package comet.volume;

import comet.base.Buf;

/// A volume (or a snapshot, or a fault or throttle laid over one) as a front end sees it: the
/// narrow waist between protocols and replication. Owner thread: the gateway's loop.
///
/// Offsets and lengths are in bytes, of any alignment, inside the size; the implementation checks
/// range and rights once, here. Requests may be many at once and end in any order; a request that
/// overlaps one in flight waits for it. A caller keeps its buffer until the answer. The device may
/// hold references to what it writes (see [Buf]) beyond the answer: those bytes must not change
/// before the last reference is given back, so a source comes from a pool and is not used again by
/// hand.
public interface BlockDevice {
    /// Answer before the data is durable everywhere (0), or only after (FUA).
    int FUA = 1;

    /// WRITE_ZEROES only: allocate, do not make holes.
    int NO_HOLE = 2;

    /// WRITE_ZEROES only: ENOTSUP, without touching anything, where it is not faster than writing.
    int FAST_ZERO = 4;

    long sizeBytes();

    boolean readOnly();

    /// Data of requests that a front end may hold for it before it takes no more from its client:
    /// less where the device is slower than its clients for long.
    default long heldBytesMax() {
        return Long.MAX_VALUE;
    }

    /// The client asks for nothing more: what is under way need not be slowed down any longer.
    ///
    /// @param goodbye it has said so itself; else its connection broke, and it may come again
    default void leaving(boolean goodbye) {}

    /// Told the outcome of a request, always later, never inside the call.
    interface Done {
        /// @param errno 0, or a positive Errno
        void done(int errno);
    }

    /// Told the extents of a status request, from its start on, in order and without gaps, then the
    /// outcome.
    interface Extents extends Done {
        /// @param hole no space is allocated for it here or in a parent
        /// @param zero reads as zeros
        /// @return false to end early
        boolean extent(long length, boolean hole, boolean zero);
    }

    void read(long offset, int length, Buf target, int targetOffset, Done done);

    void write(long offset, int length, Buf source, int sourceOffset, int flags, Done done);

    /// Everything written and answered before the call survives a power failure of everything after
    /// the answer.
    void flush(Done done);

    void trim(long offset, long length, int flags, Done done);

    void writeZeroes(long offset, long length, int flags, Done done);

    void status(long offset, long length, Extents extents);
}
