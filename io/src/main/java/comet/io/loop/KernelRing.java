package comet.io.loop;

import comet.base.Check;
import comet.port.Errno;
import io.netty.channel.IoEvent;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A ring beside a loop that waits for its sockets by epoll: what the ring ends is counted by one
/// more descriptor that the loop waits for. The requests of a turn cost one system call, and so
/// does what has ended when the loop wakes.
@SuppressWarnings("restricted") // maps the kernel's memory
final class KernelRing extends Ring implements EpollIoHandle {
    private static final Logger LOG = LoggerFactory.getLogger(KernelRing.class);

    private static final int EINTR = 4;
    private static final int EAGAIN = 11;
    private static final int EBUSY = 16;

    /// Bytes of the kernel's structures and places in them (linux/io_uring.h).
    private static final int PARAMETERS_BYTES = 120;

    private static final int REQUEST_BYTES = 64;
    private static final int COMPLETION_BYTES = 16;

    /// No address is as high as the numbers of errors are (linux/err.h).
    private static final long ERRNO_MAX = 4095;

    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();

    private final Uring calls;
    private final int fd;
    private final FileDescriptor events;
    private final MemorySegment rings;
    private final MemorySegment requests;
    private final long submitTail;
    private final int submitMask;
    private final long submitFlags;
    private final long completionHead;
    private final long completionTail;
    private final int completionMask;
    private final long completions;
    private final Runnable submitAll = this::submitAll;

    /// Requests that were put and not yet given to the kernel.
    private int unsubmitted;

    private int tail;
    private boolean submitPlanned;
    private @Nullable IoRegistration registration;

    private KernelRing(
            EventLoop loop,
            Uring calls,
            int fd,
            int events,
            MemorySegment parameters,
            MemorySegment rings,
            MemorySegment requests) {
        super(loop);
        this.calls = calls;
        this.fd = fd;
        this.events = new FileDescriptor(events);
        this.rings = rings;
        this.requests = requests;
        int submitEntries = parameters.get(ValueLayout.JAVA_INT, 0);
        long indexes = parameters.get(ValueLayout.JAVA_INT, 64);
        completions = parameters.get(ValueLayout.JAVA_INT, 100);
        submitTail = parameters.get(ValueLayout.JAVA_INT, 44);
        submitMask = rings.get(ValueLayout.JAVA_INT, parameters.get(ValueLayout.JAVA_INT, 48));
        submitFlags = parameters.get(ValueLayout.JAVA_INT, 56);
        completionHead = parameters.get(ValueLayout.JAVA_INT, 80);
        completionTail = parameters.get(ValueLayout.JAVA_INT, 84);
        completionMask = rings.get(ValueLayout.JAVA_INT, parameters.get(ValueLayout.JAVA_INT, 88));
        // The kernel reads requests through a table of indexes: ours is the identity.
        for (int i = 0; i < submitEntries; i++) {
            rings.set(ValueLayout.JAVA_INT, indexes + 4L * i, i);
        }
        tail = rings.get(ValueLayout.JAVA_INT, submitTail);
    }

    /// On the loop's thread, which alone may use the ring. Null where the kernel gives none.
    static @Nullable KernelRing open(EventLoop loop) {
        return open(loop, new Uring());
    }

    static @Nullable KernelRing open(EventLoop loop, Uring calls) {
        try (Arena arena = Arena.ofConfined()) {
            int newest =
                    Uring.SETUP_CLAMP
                            | Uring.SETUP_SUBMIT_ALL
                            | Uring.SETUP_SINGLE_ISSUER
                            | Uring.SETUP_DEFER_TASKRUN
                            | Uring.SETUP_TASKRUN_FLAG;
            MemorySegment parameters = arena.allocate(PARAMETERS_BYTES, 8);
            int fd = setup(calls, parameters, newest);
            if (fd == -Errno.EINVAL) {
                // An older kernel.
                fd = setup(calls, parameters, Uring.SETUP_CLAMP);
            }
            if (fd < 0) {
                LOG.info("the kernel gives no ring (error {}), files use threads", -fd);
                return null;
            }
            int features = parameters.get(ValueLayout.JAVA_INT, 20);
            if ((features & Uring.FEATURE_SINGLE_MMAP) == 0
                    || parameters.get(ValueLayout.JAVA_INT, 0) < IN_FLIGHT_MAX) {
                calls.close(fd);
                LOG.info("the kernel's rings are too old or too small, files use threads");
                return null;
            }
            KernelRing ring = of(loop, calls, fd, parameters);
            if (ring == null || !ring.register()) {
                return null;
            }
            return ring;
        }
    }

    /// The ring whose descriptor this is; null where the process has no room for its descriptors or
    /// its memory. Then nothing is left of it.
    private static @Nullable KernelRing of(
            EventLoop loop, Uring calls, int fd, MemorySegment parameters) {
        int events = calls.eventsOf(fd);
        if (events < 0) {
            calls.close(fd);
            LOG.warn("a ring without events (error {}), files use threads", -events);
            return null;
        }
        int submitEntries = parameters.get(ValueLayout.JAVA_INT, 0);
        int completionEntries = parameters.get(ValueLayout.JAVA_INT, 4);
        // struct io_sqring_offsets is at 40, struct io_cqring_offsets at 80.
        long indexes = parameters.get(ValueLayout.JAVA_INT, 64);
        long completions = parameters.get(ValueLayout.JAVA_INT, 100);
        long ringsBytes =
                Math.max(
                        indexes + 4L * submitEntries,
                        completions + (long) COMPLETION_BYTES * completionEntries);
        long requestsBytes = (long) REQUEST_BYTES * submitEntries;
        long rings = calls.map(fd, ringsBytes, Uring.OFFSET_RINGS);
        long requests =
                isError(rings) ? rings : calls.map(fd, requestsBytes, Uring.OFFSET_REQUESTS);
        if (isError(requests)) {
            if (!isError(rings)) {
                calls.unmap(rings, ringsBytes);
            }
            calls.close(fd);
            calls.close(events);
            LOG.warn("a ring that cannot be mapped (error {}), files use threads", -requests);
            return null;
        }
        return new KernelRing(
                loop,
                calls,
                fd,
                events,
                parameters,
                MemorySegment.ofAddress(rings).reinterpret(ringsBytes),
                MemorySegment.ofAddress(requests).reinterpret(requestsBytes));
    }

    /// Whether this is no address but a negated error number.
    private static boolean isError(long address) {
        return address < 0 && address >= -ERRNO_MAX;
    }

    /// Has the loop wait for it.
    ///
    /// @return whether it does; else nothing is left of the ring
    private boolean register() {
        IoRegistration with = loop().netty().register(this).getNow();
        try {
            if (with != null) {
                // Every event wakes anew, so that nobody has to read the counter.
                with.submit(EpollIoOps.EPOLLIN.with(EpollIoOps.EPOLLET));
                registration = with;
                return true;
            }
        } catch (UncheckedIOException e) {
            LOG.debug("the loop cannot wait for a ring", e);
            with.cancel();
        }
        LOG.warn("the loop cannot wait for a ring, files use threads");
        release();
        return false;
    }

    private static int setup(Uring calls, MemorySegment parameters, int flags) {
        parameters.fill((byte) 0);
        parameters.set(ValueLayout.JAVA_INT, 8, flags);
        return calls.setup(IN_FLIGHT_MAX, parameters.address());
    }

    @Override
    public FileDescriptor fd() {
        return events;
    }

    @Override
    protected void put(RingRequest request, int slot) {
        // There is room: as many requests fit as may be under way.
        long at = (long) (tail & submitMask) * REQUEST_BYTES;
        requests.set(ValueLayout.JAVA_INT, at, request.operation() & 0xFF);
        requests.set(ValueLayout.JAVA_INT, at + 4, request.fd());
        requests.set(ValueLayout.JAVA_LONG, at + 8, request.position());
        requests.set(ValueLayout.JAVA_LONG, at + 16, request.address());
        requests.set(ValueLayout.JAVA_INT, at + 24, request.length());
        requests.set(ValueLayout.JAVA_INT, at + 28, request.flags());
        requests.set(ValueLayout.JAVA_LONG, at + 32, slot);
        requests.set(ValueLayout.JAVA_LONG, at + 40, 0);
        requests.set(ValueLayout.JAVA_LONG, at + 48, 0);
        requests.set(ValueLayout.JAVA_LONG, at + 56, 0);
        tail++;
        unsubmitted++;
        if (!submitPlanned) {
            submitPlanned = true;
            loop().atTurnEnd(submitAll);
        }
    }

    private void submitAll() {
        submitPlanned = false;
        if (registration == null) {
            return; // closed meanwhile
        }
        enter();
        takeEnded();
    }

    /// The ring has counted something: work of the kernel that is to be asked for, or what came of
    /// it, which may have been taken already.
    @Override
    public void handle(IoRegistration of, IoEvent event) {
        if (registration != null) {
            if (((int) INT.getAcquire(rings, submitFlags) & Uring.FLAG_TASKRUN) != 0) {
                enter();
            }
            takeEnded();
        }
    }

    /// Gives the kernel what was put, and lets it finish what is ready.
    private void enter() {
        INT.setRelease(rings, submitTail, tail);
        while (true) {
            int taken = calls.enter(fd, unsubmitted);
            if (taken >= 0) {
                unsubmitted -= taken;
                if (unsubmitted == 0) {
                    return;
                }
            } else if (taken == -EAGAIN || taken == -EBUSY) {
                // The kernel is short of memory, or wants its completions taken first.
                if (takeEnded() == 0) {
                    submitAgainSoon();
                    return;
                }
            } else if (taken != -EINTR) {
                throw Check.failed("io_uring_enter answered " + taken);
            }
        }
    }

    private void submitAgainSoon() {
        if (!submitPlanned) {
            submitPlanned = true;
            loop().schedule(1_000_000, submitAll);
        }
    }

    private int takeEnded() {
        int head = (int) INT.get(rings, completionHead);
        int count = 0;
        while (head != (int) INT.getAcquire(rings, completionTail)) {
            long at = completions + (long) (head & completionMask) * COMPLETION_BYTES;
            int slot = (int) rings.get(ValueLayout.JAVA_LONG, at);
            int result = rings.get(ValueLayout.JAVA_INT, at + 8);
            head++;
            INT.setRelease(rings, completionHead, head);
            count++;
            ended(slot, result);
        }
        return count;
    }

    @Override
    protected void finish() {
        IoRegistration with = registration;
        if (with == null) {
            return;
        }
        registration = null;
        if (underWay() > 0) {
            // A device hangs: the memory that it may still write to stays, and so does the ring.
            LOG.error("event=ring-left operations={}", underWay());
            return;
        }
        with.cancel();
        release();
    }

    private void release() {
        calls.unmap(rings.address(), rings.byteSize());
        calls.unmap(requests.address(), requests.byteSize());
        calls.close(fd);
        calls.close(events.intValue());
    }
}
