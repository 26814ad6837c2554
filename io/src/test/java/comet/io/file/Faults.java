package comet.io.file;

import comet.base.Prng;
import comet.io.loop.EventLoop;
import comet.io.loop.Ring;
import comet.io.loop.RingRequest;
import comet.port.Errno;

/// A device and a kernel at their worst, as seeded: system calls that are interrupted, that would
/// have to wait, that move less than asked, and, where that is wanted, that fail. Stands before the
/// real calls of file threads and before a real ring.
final class Faults {
    private final Prng random;
    private int percent;
    private boolean hard;

    Faults(long seed) {
        random = new Prng(seed);
    }

    /// @param percent of all calls that are hit
    /// @param hard whether they may fail
    synchronized void set(int percent, boolean hard) {
        this.percent = percent;
        this.hard = hard;
    }

    /// What becomes of a call for `length` bytes: that many or fewer bytes may move, or a negated
    /// error.
    ///
    /// @param whole parts move in multiples of this
    synchronized int next(int length, int whole, boolean onRing) {
        if (!random.chance(percent, 100)) {
            return length;
        }
        return switch (random.nextInt(hard ? 4 : 3)) {
            case 0 -> -Posix.EINTR;
            case 1 -> onRing ? -Posix.EAGAIN : -Posix.EINTR;
            case 2 -> length <= whole ? length : whole * (1 + random.nextInt(length / whole - 1));
            default -> -Errno.EIO;
        };
    }

    synchronized boolean syncFails() {
        return hard && random.chance(percent, 100);
    }

    /// What a part of a transfer is a multiple of: around the page cache the kernel moves sectors.
    static int whole(int length) {
        return length % 4096 == 0 ? 4096 : 1;
    }

    Posix posix() {
        return new FaultyPosix();
    }

    Ring ring(EventLoop loop, Ring real) {
        return loop.call(() -> new FaultyRing(loop, real));
    }

    private final class FaultyPosix extends Posix {
        @Override
        int pread(int fd, long address, long length, long position) {
            int fate = next((int) length, whole((int) length), false);
            return fate < 0 ? fate : super.pread(fd, address, fate, position);
        }

        @Override
        int pwrite(int fd, long address, long length, long position) {
            int fate = next((int) length, whole((int) length), false);
            return fate < 0 ? fate : super.pwrite(fd, address, fate, position);
        }

        @Override
        int fdatasync(int fd) {
            return syncFails() ? -Errno.EIO : super.fdatasync(fd);
        }
    }

    private final class FaultyRing extends Ring {
        private final Ring real;

        FaultyRing(EventLoop loop, Ring real) {
            super(loop);
            this.real = real;
        }

        @Override
        protected void put(RingRequest request, int slot) {
            boolean sync = request.operation() == RingRequest.FSYNC;
            int length = request.length();
            int fate = sync ? (syncFails() ? -Errno.EIO : 0) : next(length, whole(length), true);
            if (fate < 0) {
                loop().execute(() -> ended(slot, fate));
            } else {
                real.submit(new Part(this, request, slot, fate));
            }
        }

        @Override
        protected void finish() {}

        void partEnded(int slot, int result) {
            ended(slot, result);
        }
    }

    private static final class Part extends RingRequest {
        private final FaultyRing ring;
        private final int slot;

        Part(FaultyRing ring, RingRequest of, int slot, int length) {
            this.ring = ring;
            this.slot = slot;
            request(of.operation(), of.fd(), of.flags(), of.address(), length, of.position());
        }

        @Override
        protected void completed(int result) {
            ring.partEnded(slot, result);
        }
    }
}
