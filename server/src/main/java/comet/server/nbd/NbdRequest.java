package comet.server.nbd;

import comet.base.Buf;
import comet.base.BufPool;
import comet.base.Check;
import comet.volume.BlockDevice;
import org.jspecify.annotations.Nullable;

/// A request from the moment when its header was read until it is answered. Pooled.
final class NbdRequest implements BlockDevice.Extents {
    private @Nullable NbdTransmission owner;
    int command;
    int flags;
    long cookie;
    long offset;

    /// Unsigned 32 bits on the wire.
    long length;

    /// The first error that any part of it met; 0 so far.
    int errno;

    /// Why the server itself refused it.
    Nbd.Refusal refusal = Nbd.Refusal.NONE;

    /// Its data stopped arriving: nobody waits for an answer.
    boolean forgotten;

    /// Parts that the device has not answered yet; one more while a write's data is still arriving.
    private int open;

    /// Of a READ: its pieces, in order.
    @Nullable NbdPiece first;

    private @Nullable NbdPiece last;

    /// Of a BLOCK_STATUS: extents as they go to the client, 8 bytes each.
    @Nullable Buf extents;

    int extentCount;
    private long extentBytes;
    private int lastState;

    void start(NbdTransmission owner) {
        this.owner = owner;
        errno = 0;
        open = 0;
        refusal = Nbd.Refusal.NONE;
        forgotten = false;
        extentCount = 0;
        extentBytes = 0;
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /// One part more that must end before the request does.
    void opened() {
        open++;
    }

    void append(NbdPiece piece) {
        if (last == null) {
            first = piece;
        } else {
            last.next = piece;
        }
        last = piece;
    }

    void pieceDone(NbdPiece piece, int errno) {
        if (command == Nbd.CMD_WRITE) {
            owner().dropPiece(piece);
        }
        done(errno);
    }

    /// Takes the first piece out.
    @Nullable NbdPiece takePiece() {
        NbdPiece taken = first;
        if (taken != null) {
            first = taken.next;
            if (first == null) {
                last = null;
            }
        }
        return taken;
    }

    @Override
    public void done(int errno) {
        Check.that(open > 0, "an answer to a request that is not in flight");
        if (this.errno == 0) {
            this.errno = errno;
        }
        if (--open == 0) {
            owner().ended(this);
        }
    }

    void takeExtents(BufPool pool) {
        extents = pool.take(NbdLimits.EXTENTS_MAX * 8);
    }

    /// Neighbours of the same state become one; what lies behind the range is cut off.
    @Override
    public boolean extent(long length, boolean hole, boolean zero) {
        Buf list = extents;
        if (list == null) {
            throw Check.failed("extents of another request");
        }
        long taken = Math.min(length, this.length - extentBytes);
        if (taken <= 0) {
            return extentBytes < this.length;
        }
        int state = (hole ? Nbd.STATE_HOLE : 0) | (zero ? Nbd.STATE_ZERO : 0);
        if (extentCount > 0 && state == lastState) {
            int at = (extentCount - 1) * 8;
            long sum = Integer.toUnsignedLong(Integer.reverseBytes(list.bytes().getInt(at)));
            list.bytes().putInt(at, Integer.reverseBytes((int) (sum + taken)));
        } else if (extentCount > 0 && has(Nbd.FLAG_REQ_ONE)
                || extentCount == NbdLimits.EXTENTS_MAX) {
            return false;
        } else {
            list.bytes().putInt(extentCount * 8, Integer.reverseBytes((int) taken));
            list.bytes().putInt(extentCount * 8 + 4, Integer.reverseBytes(state));
            extentCount++;
            lastState = state;
        }
        extentBytes += taken;
        return extentBytes < this.length;
    }

    void clear() {
        owner = null;
        first = null;
        last = null;
        extents = null;
    }

    private NbdTransmission owner() {
        if (owner == null) {
            throw Check.failed("an answer to a request that has ended");
        }
        return owner;
    }
}
