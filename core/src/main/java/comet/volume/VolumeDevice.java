package comet.volume;

import comet.base.Buf;
import comet.base.Sizes;
import comet.port.Errno;

/// A volume for one client of a front end: checks range and rights, once, and makes requests of
/// calls. The size is the one at the time of opening.
final class VolumeDevice implements BlockDevice {
    private final Volume volume;
    private final long sizeBytes;
    private final boolean readOnly;
    private boolean leaving;
    private boolean closed;

    VolumeDevice(Volume volume, boolean readOnly) {
        this.volume = volume;
        this.sizeBytes = volume.info().sizeBytes();
        this.readOnly = readOnly;
        volume.clients().join();
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public boolean readOnly() {
        return readOnly;
    }

    @Override
    public long heldBytesMax() {
        return volume.limit().heldBytesMax();
    }

    @Override
    public void leaving(boolean goodbye) {
        if (!leaving && !closed) {
            leaving = true;
            volume.clients().leaving(goodbye);
        }
    }

    void close() {
        leaving(true);
        if (!closed) {
            closed = true;
            volume.clients().leave();
        }
    }

    @Override
    public void read(long offset, int length, Buf target, int targetOffset, Done done) {
        Request request = request(Request.Kind.READ, offset, length, 0, done);
        request.buffer = target;
        request.bufferOffset = targetOffset;
        submit(request, Errno.EINVAL);
    }

    @Override
    public void write(long offset, int length, Buf source, int sourceOffset, int flags, Done done) {
        Request request = request(Request.Kind.WRITE, offset, length, flags, done);
        request.buffer = source;
        request.bufferOffset = sourceOffset;
        submit(request, Errno.ENOSPC);
    }

    @Override
    public void flush(Done done) {
        submit(request(Request.Kind.FLUSH, 0, 0, 0, done), Errno.EINVAL);
    }

    @Override
    public void trim(long offset, long length, int flags, Done done) {
        submit(request(Request.Kind.TRIM, offset, length, flags, done), Errno.EINVAL);
    }

    @Override
    public void writeZeroes(long offset, long length, int flags, Done done) {
        Request request = request(Request.Kind.ZERO, offset, length, flags, done);
        if ((flags & FAST_ZERO) != 0
                && ((flags & NO_HOLE) != 0 || !holdsWholeBlock(offset, length))) {
            refuse(request, Errno.ENOTSUP);
        } else {
            submit(request, Errno.ENOSPC);
        }
    }

    /// Parts of blocks are read, changed and written: no faster than a write.
    private static boolean holdsWholeBlock(long offset, long length) {
        long first = offset + Sizes.BLOCK_BYTES - 1 & -Sizes.BLOCK_BYTES;
        return length == 0 || first + Sizes.BLOCK_BYTES <= offset + length;
    }

    @Override
    public void status(long offset, long length, Extents extents) {
        submit(request(Request.Kind.STATUS, offset, length, 0, extents), Errno.EINVAL);
    }

    private Request request(Request.Kind kind, long offset, long length, int flags, Done done) {
        Request request = volume.gateway().parts().request();
        request.volume = volume;
        request.kind = kind;
        request.offset = offset;
        request.length = length;
        request.flags = flags;
        request.done = done;
        return request;
    }

    private void submit(Request request, int outOfRange) {
        if (closed) {
            refuse(request, Errno.ESHUTDOWN);
        } else if (request.offset < 0 || request.length < 0) {
            refuse(request, Errno.EINVAL);
        } else if (request.offset > sizeBytes || request.length > sizeBytes - request.offset) {
            refuse(request, outOfRange);
        } else if (readOnly && request.kind.changes() && request.kind != Request.Kind.FLUSH) {
            refuse(request, Errno.EPERM);
        } else if (request.length == 0 && request.kind != Request.Kind.FLUSH) {
            refuse(request, Errno.OK);
        } else if (readOnly && request.kind == Request.Kind.FLUSH) {
            refuse(request, Errno.OK);
        } else {
            volume.submit(request);
        }
    }

    private void refuse(Request request, int errno) {
        request.fail(errno);
        volume.gateway().answer(request);
    }
}
