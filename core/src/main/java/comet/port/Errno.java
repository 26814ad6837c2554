package comet.port;

/// The kernel's error numbers that Comet passes on (Linux, asm-generic/errno-base.h, errno.h).
/// Operations answer them negated; guests see them positive.
public final class Errno {
    private Errno() {}

    public static final int OK = 0;
    public static final int EPERM = 1;
    public static final int ENOENT = 2;
    public static final int EIO = 5;
    public static final int ENOMEM = 12;
    public static final int EINVAL = 22;
    public static final int ENOSPC = 28;
    public static final int EROFS = 30;
    public static final int EOVERFLOW = 75;
    public static final int ENOTSUP = 95;
    public static final int ESHUTDOWN = 108;
    public static final int ETIMEDOUT = 110;
}
