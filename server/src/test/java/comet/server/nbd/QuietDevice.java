package comet.server.nbd;

import comet.base.Buf;
import comet.io.loop.EventLoop;
import comet.volume.BlockDevice;

/// A device that does nothing, allocates nothing and answers everything in the next step of its
/// loop, for measurements of the server alone.
final class QuietDevice implements BlockDevice {
    private final EventLoop loop;
    private final long sizeBytes;
    private final Done[] waiting = new Done[4096];
    private int first;
    private int end;
    private boolean planned;
    private final Runnable answer = this::answer;

    QuietDevice(EventLoop loop, long sizeBytes) {
        this.loop = loop;
        this.sizeBytes = sizeBytes;
    }

    private void later(Done done) {
        waiting[end++ & 4095] = done;
        if (!planned) {
            planned = true;
            loop.execute(answer);
        }
    }

    private void answer() {
        planned = false;
        for (int last = end; first != last; ) {
            waiting[first++ & 4095].done(0);
        }
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public boolean readOnly() {
        return false;
    }

    @Override
    public void read(long offset, int length, Buf target, int targetOffset, Done done) {
        // Not zero, so that it goes out as data.
        target.bytes().putLong(targetOffset, -1);
        later(done);
    }

    @Override
    public void write(long offset, int length, Buf source, int sourceOffset, int flags, Done done) {
        later(done);
    }

    @Override
    public void flush(Done done) {
        later(done);
    }

    @Override
    public void trim(long offset, long length, int flags, Done done) {
        later(done);
    }

    @Override
    public void writeZeroes(long offset, long length, int flags, Done done) {
        later(done);
    }

    @Override
    public void status(long offset, long length, Extents extents) {
        extents.extent(length, true, true);
        later(extents);
    }
}
