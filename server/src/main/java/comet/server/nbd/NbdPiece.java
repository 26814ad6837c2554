package comet.server.nbd;

import comet.base.Buf;
import comet.base.Check;
import comet.volume.BlockDevice;
import org.jspecify.annotations.Nullable;

/// The part of a request's data that lies in one chunk; most requests have one. Pooled.
final class NbdPiece implements BlockDevice.Done {
    @Nullable NbdRequest request;
    @Nullable NbdPiece next;
    private @Nullable Buf buf;

    /// Where the data begins in the buffer: as far behind a block's start as it is on the device,
    /// so that whole blocks lie on whole blocks.
    int bufOffset;

    int length;

    /// What the session has reserved for it: the whole buffer.
    int reserved;

    /// Of a write: how much has arrived.
    int filled;

    /// Of a read: it goes out as a hole.
    boolean zero;

    void start(NbdRequest request, Buf buf, int bufOffset, int length) {
        this.request = request;
        this.buf = buf;
        this.bufOffset = bufOffset;
        this.length = length;
        reserved = buf.capacity();
        filled = 0;
        next = null;
    }

    int missing() {
        return length - filled;
    }

    Buf buf() {
        if (buf == null) {
            throw Check.failed("piece without a buffer");
        }
        return buf;
    }

    /// Takes the buffer, with its reference, out of the piece.
    Buf takeBuf() {
        Buf taken = buf();
        buf = null;
        return taken;
    }

    void clear() {
        if (buf != null) {
            buf.release();
            buf = null;
        }
        request = null;
        next = null;
    }

    @Override
    public void done(int errno) {
        NbdRequest mine = request;
        if (mine == null) {
            throw Check.failed("an answer to a piece that is not in flight");
        }
        mine.pieceDone(this, errno);
    }
}
