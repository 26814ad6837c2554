package comet.io.file;

import comet.io.loop.Libc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// The kernel's calls for files, which the JDK does not offer or offers without error numbers.
/// Every method answers what the call answers, or the negated error number. One per thread: it
/// keeps the memory in which a call leaves its error. Addresses are plain numbers, so that nothing
/// is allocated per call.
class Posix {
    static final int O_RDONLY = 0;
    static final int O_RDWR = 2;
    static final int O_CREAT = 0x40;
    static final int O_EXCL = 0x80;
    static final int O_CLOEXEC = 0x80000;

    /// Not the same number everywhere (asm/fcntl.h of x86 and of arm64).
    static final int O_DIRECT =
            System.getProperty("os.arch", "").equals("aarch64") ? 0x10000 : 0x4000;

    static final int O_DIRECTORY =
            System.getProperty("os.arch", "").equals("aarch64") ? 0x4000 : 0x10000;

    /// A file without a name (open(2)).
    static final int O_TMPFILE = 0x400000 | O_DIRECTORY;

    static final int EINTR = 4;
    static final int EAGAIN = 11;
    static final int EEXIST = 17;
    static final int EISDIR = 21;
    static final int EOPNOTSUPP = 95;

    private static final int AT_FDCWD = -100;
    private static final int AT_SYMLINK_FOLLOW = 0x400;

    /// Do not wait: answer EAGAIN where data is not in the page cache (preadv2(2)).
    static final int RWF_NOWAIT = 8;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

    private static final MethodHandle OPEN = Libc.variadic("open", 2, INT, LONG, INT, INT);
    private static final MethodHandle CLOSE = Libc.function("close", INT, INT);
    private static final MethodHandle PREAD = Libc.function("pread", LONG, INT, LONG, LONG, LONG);
    private static final MethodHandle PWRITE = Libc.function("pwrite", LONG, INT, LONG, LONG, LONG);
    private static final MethodHandle PREADV2 =
            Libc.function("preadv2", LONG, INT, LONG, INT, LONG, INT);
    private static final MethodHandle FDATASYNC = Libc.function("fdatasync", INT, INT);
    private static final MethodHandle FSYNC = Libc.function("fsync", INT, INT);
    private static final MethodHandle FALLOCATE =
            Libc.function("fallocate", INT, INT, INT, LONG, LONG);
    private static final MethodHandle LINKAT =
            Libc.function("linkat", INT, INT, LONG, INT, LONG, INT);
    private static final MethodHandle STATFS = Libc.function("statfs", INT, LONG, LONG);

    private final MemorySegment state;
    private final MemorySegment iovec;
    private final long iovecAddress;

    Posix() {
        Arena arena = Arena.global(); // a few bytes per thread, for its life
        state = Libc.state(arena);
        iovec = arena.allocate(16, 8);
        iovecAddress = iovec.address();
    }

    int open(String path, int flags, int mode) {
        try (Arena arena = Arena.ofConfined()) {
            long name = arena.allocateFrom(path).address();
            return result((int) OPEN.invokeExact(state, name, flags, mode));
        } catch (Throwable t) {
            throw Libc.impossible(t);
        }
    }

    int close(int fd) {
        try {
            return result((int) CLOSE.invokeExact(state, fd));
        } catch (Throwable t) {
            throw Libc.impossible(t);
        }
    }

    int pread(int fd, long address, long length, long position) {
        try {
            return result((int) (long) PREAD.invokeExact(state, fd, address, length, position));
        } catch (Throwable t) {
            throw Libc.impossible(t);
        }
    }

    int pwrite(int fd, long address, long length, long position) {
        try {
            return result((int) (long) PWRITE.invokeExact(state, fd, address, length, position));
        } catch (Throwable t) {
            throw Libc.impossible(t);
        }
    }

    /// Reads what the page cache holds, without waiting for a device.
    int preadCached(int fd, long address, long length, long position) {
        iovec.set(ValueLayout.JAVA_LONG, 0, address);
        iovec.set(ValueLayout.JAVA_LONG, 8, length);
        try {
            return result(
                    (int)
                            (long)
                                    PREADV2.invokeExact(
                                            state, fd, iovecAddress, 1, position, RWF_NOWAIT));
        } catch (Throwable t) {
            throw Libc.impossible(t);
        }
    }

    int fdatasync(int fd) {
        try {
            return result((int) FDATASYNC.invokeExact(state, fd));
        } catch (Throwable t) {
            throw Libc.impossible(t);
        }
    }

    int fsync(int fd) {
        try {
            return result((int) FSYNC.invokeExact(state, fd));
        } catch (Throwable t) {
            throw Libc.impossible(t);
        }
    }

    int fallocate(int fd, long bytes) {
        try {
            return result((int) FALLOCATE.invokeExact(state, fd, 0, 0L, bytes));
        } catch (Throwable t) {
            throw Libc.impossible(t);
        }
    }

    /// Gives a name to a file that was opened without one (linkat(2)).
    int name(int fd, String path) {
        try (Arena arena = Arena.ofConfined()) {
            long from = arena.allocateFrom("/proc/self/fd/" + fd).address();
            long to = arena.allocateFrom(path).address();
            return result(
                    (int)
                            LINKAT.invokeExact(
                                    state, AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW));
        } catch (Throwable t) {
            throw Libc.impossible(t);
        }
    }

    /// The number of the file system's type (statfs(2), first field), or a negated error number.
    long fileSystemType(String path) {
        try (Arena arena = Arena.ofConfined()) {
            // struct statfs has 120 bytes on 64-bit Linux; room to spare.
            MemorySegment buffer = arena.allocate(256, 8);
            long name = arena.allocateFrom(path).address();
            int answer = result((int) STATFS.invokeExact(state, name, buffer.address()));
            return answer < 0 ? answer : buffer.get(ValueLayout.JAVA_LONG, 0) & 0xFFFF_FFFFL;
        } catch (Throwable t) {
            throw Libc.impossible(t);
        }
    }

    /// Syncs a folder, which makes names in it durable.
    int syncFolder(String path) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
        if (fd < 0) {
            return fd;
        }
        int answer = fsync(fd);
        close(fd);
        return answer;
    }

    private int result(int answer) {
        return answer >= 0 ? answer : -Libc.errno(state);
    }
}
