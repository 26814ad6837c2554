package comet.io.file;

import static java.util.Objects.requireNonNull;

import comet.base.Buf;
import comet.io.loop.Ring;
import comet.io.loop.RingRequest;
import comet.port.Errno;
import comet.port.IoDone;
import org.jspecify.annotations.Nullable;

/// One operation on a file, from the call to its answer. Reused: belongs to the loop; while it is
/// under way to the kernel's ring, or to one file thread that hands it back through [FileOps].
final class FileOp extends RingRequest implements FilePool.Work, Runnable {
    enum Kind {
        READ,
        WRITE,
        WRITE_AND_SYNC,
        SYNC
    }

    private final FileOps ops;
    private Kind kind = Kind.SYNC;
    private @Nullable PosixFile file;

    /// Only kept: its memory must not be collected while a thread or the kernel works on it.
    @SuppressWarnings("UnusedVariable")
    private @Nullable Buf buf;

    private long position;
    private long address;
    private int length;
    private int moved;

    /// In a ring: what is under way is a sync, and not a read or a write.
    private boolean syncing;

    /// Of [UnderWay].
    int slot;

    private @Nullable IoDone done;
    private long token;
    private int result;

    /// The next one of those that are handed to a file thread together, or that ended together.
    @Nullable FileOp next;

    FileOp(FileOps ops) {
        this.ops = ops;
    }

    void start(Kind kind, PosixFile file, IoDone done, long token) {
        this.kind = kind;
        this.file = file;
        this.done = done;
        this.token = token;
        length = 0;
        moved = 0;
        syncing = kind == Kind.SYNC;
    }

    void range(Buf buf, long address, int length, long position) {
        this.buf = buf;
        this.address = address;
        this.length = length;
        this.position = position;
    }

    /// On the loop: reads what is in the page cache.
    ///
    /// @return whether that was all; else the rest is for the ring or a file thread
    boolean readCached(Posix posix) {
        int count = posix.preadCached(fileNumber(), address, length, position);
        if (count == length || count == 0) {
            result = count;
            return true;
        }
        moved = Math.max(count, 0);
        return false;
    }

    /// On the loop: has the ring do what is left of it.
    void onRing(Ring ring) {
        if (syncing) {
            request(FSYNC, fileNumber(), FSYNC_DATASYNC, 0, 0, 0);
        } else {
            request(
                    kind == Kind.READ ? READ : WRITE,
                    fileNumber(),
                    0,
                    address + moved,
                    length - moved,
                    position + moved);
        }
        ring.submit(this);
    }

    /// On the loop: a step of it has ended in the ring.
    @Override
    protected void completed(int answer) {
        if (syncing) {
            end(
                    answer == -Posix.EINTR
                            ? -Errno.EIO
                            : answer < 0 || kind == Kind.SYNC ? answer : length);
        } else if (answer > 0) {
            moved += answer;
            if (moved < length) {
                ops.onRing(this);
            } else if (kind == Kind.WRITE_AND_SYNC) {
                syncing = true;
                ops.onRing(this);
            } else {
                end(length);
            }
        } else if (answer == 0) {
            end(kind == Kind.READ ? moved : -Errno.EIO);
        } else if (answer == -Posix.EINTR) {
            ops.onRing(this);
        } else if (answer == -Posix.EAGAIN) {
            // The kernel would have to wait and does not want to: a thread can.
            ops.onThread(this);
        } else {
            end(answer);
        }
    }

    private void end(int answer) {
        result = answer;
        run();
    }

    /// On a file thread: this one, and those that were handed over with it.
    @Override
    public void run(Posix posix) {
        FileOp last = this;
        for (FileOp op = this; op != null; op = op.next) {
            op.execute(posix);
            last = op;
        }
        ops.ended(this, last);
    }

    private void execute(Posix posix) {
        result =
                switch (kind) {
                    case READ -> read(posix);
                    case WRITE -> write(posix);
                    case SYNC -> sync(posix);
                    case WRITE_AND_SYNC -> {
                        int written = write(posix);
                        int synced = written < 0 ? written : sync(posix);
                        yield synced < 0 ? synced : written;
                    }
                };
    }

    /// On the loop: answers.
    @Override
    public void run() {
        PosixFile ofFile = requireNonNull(file);
        IoDone told = requireNonNull(done);
        long toldToken = token;
        int toldResult = result;
        file = null;
        done = null;
        buf = null;
        ops.giveBack(this);
        ofFile.ended();
        told.done(toldToken, toldResult);
    }

    private int read(Posix posix) {
        while (moved < length) {
            int count =
                    posix.pread(fileNumber(), address + moved, length - moved, position + moved);
            if (count == 0) {
                break;
            }
            if (count > 0) {
                moved += count;
            } else if (count != -Posix.EINTR) {
                return count;
            }
        }
        return moved;
    }

    private int write(Posix posix) {
        while (moved < length) {
            int count =
                    posix.pwrite(fileNumber(), address + moved, length - moved, position + moved);
            if (count == 0) {
                return -Errno.EIO;
            }
            if (count > 0) {
                moved += count;
            } else if (count != -Posix.EINTR) {
                return count;
            }
        }
        return length;
    }

    private int sync(Posix posix) {
        int answer = posix.fdatasync(fileNumber());
        return answer == -Posix.EINTR ? -Errno.EIO : answer;
    }

    private int fileNumber() {
        return requireNonNull(file).fd();
    }
}
