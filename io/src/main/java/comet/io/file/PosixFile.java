package comet.io.file;

import comet.base.Buf;
import comet.base.Check;
import comet.io.loop.BufView;
import comet.port.IoDone;
import comet.port.MediaFile;

/// An open file of a disk.
final class PosixFile implements MediaFile {
    /// Reads up to here are tried on the loop; copying more would keep others waiting longer than a
    /// hand-over costs.
    private static final int READ_ON_LOOP_BYTES_MAX = 256 << 10;

    private final FileOps ops;
    private final int fd;
    private final long sizeBytes;
    private final boolean direct;
    private int underWay;
    private boolean closing;

    PosixFile(FileOps ops, int fd, long sizeBytes, boolean direct) {
        this.ops = ops;
        this.fd = fd;
        this.sizeBytes = sizeBytes;
        this.direct = direct;
    }

    int fd() {
        return fd;
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public void read(long position, Buf target, int offset, int length, IoDone done, long token) {
        FileOp op = begin(FileOp.Kind.READ, done, token);
        range(op, position, target, offset, length);
        if (direct || length > READ_ON_LOOP_BYTES_MAX) {
            ops.onRing(op);
        } else {
            ops.readCachedFirst(op);
        }
    }

    @Override
    public void write(long position, Buf source, int offset, int length, IoDone done, long token) {
        FileOp op = begin(FileOp.Kind.WRITE, done, token);
        range(op, position, source, offset, length);
        if (direct) {
            ops.onRing(op);
        } else {
            ops.inGroup(op);
        }
    }

    @Override
    public void writeAndSync(
            long position, Buf source, int offset, int length, IoDone done, long token) {
        FileOp op = begin(FileOp.Kind.WRITE_AND_SYNC, done, token);
        range(op, position, source, offset, length);
        ops.onRing(op);
    }

    @Override
    public void sync(IoDone done, long token) {
        ops.onRing(begin(FileOp.Kind.SYNC, done, token));
    }

    @Override
    public void close() {
        Check.that(!closing, "closed twice");
        closing = true;
        closeWhenIdle();
    }

    void ended() {
        underWay--;
        closeWhenIdle();
    }

    private void closeWhenIdle() {
        if (closing && underWay == 0) {
            ops.onThread(posix -> posix.close(fd));
        }
    }

    private FileOp begin(FileOp.Kind kind, IoDone done, long token) {
        Check.that(!closing, "used after close");
        underWay++;
        FileOp op = ops.take();
        op.start(kind, this, done, token);
        return op;
    }

    private void range(FileOp op, long position, Buf buf, int offset, int length) {
        Check.that(offset >= 0 && length >= 0, "range", offset, length);
        Check.that(offset + length <= buf.capacity(), "range beyond the buffer", offset, length);
        Check.that(position >= 0, "position", position, length);
        Check.that(!direct || aligned(position, offset, length), "unaligned", position, length);
        op.range(buf, BufView.of(buf).address() + offset, length, position);
    }

    private static boolean aligned(long position, int offset, int length) {
        return ((position | offset | length) & 4095) == 0;
    }
}
