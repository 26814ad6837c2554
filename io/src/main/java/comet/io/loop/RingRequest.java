package comet.io.loop;

/// One thing to be done by a [Ring]. Reused: belongs to the ring from [Ring#submit] to
/// [#completed], and so does the memory that it names.
public abstract class RingRequest {
    public static final byte FSYNC = 3;
    public static final byte READ = 22;
    public static final byte WRITE = 23;

    /// Of FSYNC, in the field of the flags: data alone, as fdatasync(2).
    public static final int FSYNC_DATASYNC = 1;

    /// What to do, on which file, with how many bytes at which address, at which place of the file
    /// (io_uring_enter(2)).
    private byte operation;

    private int fd;
    private int flags;
    private long address;
    private int length;
    private long position;

    protected final void request(
            byte operation, int fd, int flags, long address, int length, long position) {
        this.operation = operation;
        this.fd = fd;
        this.flags = flags;
        this.address = address;
        this.length = length;
        this.position = position;
    }

    public final byte operation() {
        return operation;
    }

    public final int fd() {
        return fd;
    }

    /// What differs by operation: RWF_… or IORING_FSYNC_….
    public final int flags() {
        return flags;
    }

    public final long address() {
        return address;
    }

    public final int length() {
        return length;
    }

    public final long position() {
        return position;
    }

    /// On the loop: the request has ended.
    ///
    /// @param result what the system call of that name answers, or a negated error number
    protected abstract void completed(int result);
}
