package comet.io.loop;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// The kernel's calls for rings (io_uring_setup(2), io_uring_enter(2)), which the C library does
/// not wrap. Every method answers what the call answers, or the negated error number. Belongs to
/// one thread: it keeps the memory in which a call leaves its error.
class Uring {
    /// Numbers of the calls, the same on all processors (asm-generic/unistd.h, syscall_64.tbl).
    private static final long SETUP = 425;

    private static final long ENTER = 426;
    private static final long REGISTER = 427;

    static final int SETUP_CLAMP = 1 << 4;
    static final int SETUP_SUBMIT_ALL = 1 << 7;
    static final int SETUP_SINGLE_ISSUER = 1 << 12;

    /// Work at the end of a request is done when the owner asks for it, not whenever the kernel
    /// finds the owner's thread.
    static final int SETUP_DEFER_TASKRUN = 1 << 13;

    /// The kernel says in the ring's flags that it has such work.
    static final int SETUP_TASKRUN_FLAG = 1 << 9;

    static final int FLAG_TASKRUN = 1 << 2;

    static final int FEATURE_SINGLE_MMAP = 1;

    /// Places of the two mappings in the ring's file (linux/io_uring.h).
    static final long OFFSET_RINGS = 0;

    static final long OFFSET_REQUESTS = 0x10000000L;

    private static final int ENTER_GETEVENTS = 1;
    private static final int REGISTER_EVENTFD = 4;
    private static final int EFD_NONBLOCK_CLOEXEC = 0x80800;

    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED_POPULATE = 0x8001;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

    private static final MethodHandle SYSCALL =
            Libc.variadic("syscall", 1, LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG);
    private static final MethodHandle MMAP =
            Libc.function("mmap", LONG, LONG, LONG, INT, INT, INT, LONG);
    private static final MethodHandle MUNMAP = Libc.function("munmap", INT, LONG, LONG);
    private static final MethodHandle EVENTFD = Libc.function("eventfd", INT, INT, INT);
    private static final MethodHandle CLOSE = Libc.function("close", INT, INT);

    private final MemorySegment state = Libc.state(Arena.ofAuto());

    /// @param parameters address of a `struct io_uring_params`
    /// @return a file descriptor
    int setup(int entries, long parameters) {
        return (int) syscall(SETUP, entries, parameters, 0, 0, 0, 0);
    }

    /// Gives requests to the kernel and has it finish those that are ready to end; waits for none.
    ///
    /// @return how many requests it took
    int enter(int fd, int submit) {
        return (int) syscall(ENTER, fd, submit, 0, ENTER_GETEVENTS, 0, 0);
    }

    /// A new descriptor that counts what the ring ends, and so can be waited for.
    int eventsOf(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            int events = (int) EVENTFD.invokeExact(state, 0, EFD_NONBLOCK_CLOEXEC);
            if (events < 0) {
                return -Libc.errno(state);
            }
            long number = arena.allocateFrom(INT, events).address();
            long answer = syscall(REGISTER, fd, REGISTER_EVENTFD, number, 1, 0, 0);
            if (answer < 0) {
                close(events);
                return (int) answer;
            }
            return events;
        } catch (Throwable t) {
            throw Libc.impossible(t);
        }
    }

    long map(int fd, long bytes, long offset) {
        try {
            long address =
                    (long)
                            MMAP.invokeExact(
                                    state,
                                    0L,
                                    bytes,
                                    PROT_READ_WRITE,
                                    MAP_SHARED_POPULATE,
                                    fd,
                                    offset);
            return address == -1 ? -Libc.errno(state) : address;
        } catch (Throwable t) {
            throw Libc.impossible(t);
        }
    }

    void unmap(long address, long bytes) {
        try {
            int _ = (int) MUNMAP.invokeExact(state, address, bytes);
        } catch (Throwable t) {
            throw Libc.impossible(t);
        }
    }

    void close(int fd) {
        try {
            int _ = (int) CLOSE.invokeExact(state, fd);
        } catch (Throwable t) {
            throw Libc.impossible(t);
        }
    }

    private long syscall(long number, long a, long b, long c, long d, long e, long f) {
        try {
            long answer = (long) SYSCALL.invokeExact(state, number, a, b, c, d, e, f);
            return answer == -1 ? -Libc.errno(state) : answer;
        } catch (Throwable t) {
            throw Libc.impossible(t);
        }
    }
}
