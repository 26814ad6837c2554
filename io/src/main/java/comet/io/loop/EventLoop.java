package comet.io.loop;

import comet.base.BufPool;
import comet.base.Check;
import comet.base.Crc;
import comet.port.Loop;
import comet.wire.FramePool;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SingleThreadIoEventLoop;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.RejectedExecutionHandlers;
import io.netty.util.internal.PlatformDependent;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One thread that owns cores, on an event loop of Netty.
///
/// A turn is: what the kernel has ready is read and handed to the cores; then everything given to
/// [#execute] runs until nothing is left; then everything given to [#atTurnEnd] (connections write
/// what they have, in one system call each). So answers to all requests that came in together leave
/// together.
public final class EventLoop implements Loop, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EventLoop.class);

    /// Bytes of buffers that a process keeps for reuse, as many as the journals of all disks may
    /// take: they come and go by the gigabyte, and a new one is filled with zeros first.
    private static final long KEEP_BYTES_MAX = directBytesMax() / 4;

    /// Pieces of work in one go before the sockets are looked at again, and the time after which
    /// Netty does so by itself.
    private static final int WORK_COUNT_MAX = 4096;

    private static final long TASK_QUANTUM_MS = 2;

    private static final long RING_END_S = 2;

    /// Ends the process: what to do where no smaller owner of a broken state can be stopped.
    /// Without memory not even a line of log may be possible.
    public static final Consumer<Throwable> HALT =
            failure -> {
                try {
                    LOG.error("the process has failed and ends", failure);
                } finally {
                    Runtime.getRuntime().halt(70);
                }
            };

    /// Where the machine gives no memory (outside of the heap, or for a thread) nobody can go on as
    /// if only his own work had failed: the process ends and is started again. The JVM does the
    /// same by itself where its heap is full.
    public static void haltWithoutMemory(Throwable failure) {
        if (failure instanceof OutOfMemoryError) {
            HALT.accept(failure);
        }
    }

    private final Transport transport;
    private final Consumer<Throwable> failed;
    private final MultiThreadIoEventLoopGroup group;
    private final IoEventLoop netty;
    private final BufPool bufs;
    private final FramePool frames = new FramePool();
    private final Crc crc = new Crc();
    private final ArrayDeque<Runnable> later = new ArrayDeque<>();
    private final ArrayDeque<Runnable> turnEnd = new ArrayDeque<>();
    private final Runnable turn = this::turn;
    private boolean turnPlanned;
    private @Nullable Ring ring;
    private boolean ringTried;

    private EventLoop(
            String name, Transport transport, Consumer<Throwable> failed, long keepBytesMax) {
        this.transport = transport;
        this.failed = failed;
        bufs = new BufPool(keepBytesMax);
        group = new Group(new DefaultThreadFactory(name, true), transport.handlers());
        netty = group.next();
    }

    /// What the process may take outside of the heap, in bytes (`-XX:MaxDirectMemorySize`).
    public static long directBytesMax() {
        return PlatformDependent.maxDirectMemory();
    }

    /// Starts a loop. Exceptions that escape from work on it go to `failed`.
    public static EventLoop start(String name, Transport transport, Consumer<Throwable> failed) {
        return new EventLoop(name, transport, failed, KEEP_BYTES_MAX);
    }

    /// Starts the loops of one process, which share what is kept for reuse: all the same, until
    /// [#keep] says otherwise.
    public static List<EventLoop> start(
            int count, String name, Transport transport, Consumer<Throwable> failed) {
        List<EventLoop> loops = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String own = i == 0 ? name : name + "-loop" + (i + 1);
            loops.add(new EventLoop(own, transport, failed, KEEP_BYTES_MAX / count));
        }
        return List.copyOf(loops);
    }

    /// Starts a loop on the best transport whose failure ends the process.
    public static EventLoop start(String name) {
        return start(name, Transport.best(), HALT);
    }

    public Transport transport() {
        return transport;
    }

    /// The loop beneath, for front ends that bring their own channels. Work that reaches cores from
    /// there runs on the right thread; let it escape no exception (see [#guarded]).
    public IoEventLoop netty() {
        return netty;
    }

    /// On the loop: it may keep that part of what the process keeps of buffers.
    public void keep(long part, long parts) {
        bufs.keepAtMost(KEEP_BYTES_MAX / parts * part);
    }

    /// Buffers, frames and the checksum of this loop; owner thread only.
    public BufPool bufs() {
        return bufs;
    }

    public FramePool frames() {
        return frames;
    }

    public Crc crc() {
        return crc;
    }

    /// The ring on which files complete, or null where there is none; owner thread only.
    public @Nullable Ring ring() {
        if (!ringTried) {
            ringTried = true;
            ring = Ring.open(this);
        }
        return ring;
    }

    public boolean inLoop() {
        return netty.inEventLoop();
    }

    @Override
    public long nowNs() {
        return System.nanoTime();
    }

    @Override
    public void execute(Runnable work) {
        assert inLoop() : "execute is for the loop's own thread; others use submit";
        later.addLast(work);
        planTurn();
    }

    /// Runs `work` once at the end of this turn, when nothing else is left to do in it.
    public void atTurnEnd(Runnable work) {
        assert inLoop() : "atTurnEnd is for the loop's own thread";
        turnEnd.addLast(work);
        planTurn();
    }

    @Override
    public Timer schedule(long delayNs, Runnable work) {
        assert inLoop() : "schedule is for the loop's own thread";
        Future<?> future = netty.schedule(() -> guarded(work), delayNs, TimeUnit.NANOSECONDS);
        return () -> future.cancel(false);
    }

    /// From any thread: runs `work` on the loop, soon, and wakes it if it sleeps. After the loop's
    /// end it does nothing: who is told is gone, too.
    public void submit(Runnable work) {
        wake(() -> guarded(work));
    }

    /// As [#submit], for work that lets nothing escape and is kept by the caller.
    public void wake(Runnable work) {
        try {
            netty.execute(work);
        } catch (RejectedExecutionException e) {
            LOG.debug("work for a loop that has ended", e);
        }
    }

    /// From any other thread: runs `work` on the loop and waits for what it returns.
    public <T> T call(Supplier<T> work) {
        Check.that(!inLoop(), "call would wait for itself");
        CompletableFuture<T> result = new CompletableFuture<>();
        netty.execute(() -> {
            try {
                result.complete(work.get());
            } catch (Throwable failure) {
                result.completeExceptionally(failure);
            }
        });
        return result.join();
    }

    /// Runs `work` here and now; what escapes from it goes to the loop's failure handler.
    public void guarded(Runnable work) {
        try {
            work.run();
        } catch (Throwable failure) {
            failed.accept(failure);
        }
    }

    public void fail(Throwable failure) {
        failed.accept(failure);
    }

    /// Ends the loop and closes what is left of its channels. Not from the loop itself.
    @Override
    public void close() {
        Check.that(!inLoop(), "a loop cannot wait for its own end");
        if (!netty.isShuttingDown()) {
            closeRing();
        }
        group.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    /// What the kernel still works on keeps its memory: it ends before the loop does, unless a
    /// device hangs.
    private void closeRing() {
        long endNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(RING_END_S);
        while (call(() -> ring != null && ring.underWay() > 0) && System.nanoTime() < endNs) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
        call(() -> {
            ringTried = true;
            if (ring != null) {
                ring.close();
            }
            return true;
        });
    }

    private void planTurn() {
        if (!turnPlanned) {
            turnPlanned = true;
            netty.execute(turn);
        }
    }

    private void turn() {
        int budget = WORK_COUNT_MAX;
        while (budget > 0) {
            Runnable work = later.pollFirst();
            if (work == null) {
                work = turnEnd.pollFirst();
            }
            if (work == null) {
                turnPlanned = false;
                return;
            }
            budget--;
            guarded(work);
        }
        netty.execute(turn);
    }

    /// A group of one loop that looks at its sockets again at least every few milliseconds.
    private static final class Group extends MultiThreadIoEventLoopGroup {
        Group(DefaultThreadFactory threads, IoHandlerFactory handlers) {
            super(1, threads, handlers);
        }

        @Override
        protected IoEventLoop newChild(
                Executor executor, IoHandlerFactory handlers, Object... args) {
            return new SingleThreadIoEventLoop(
                    this,
                    executor,
                    handlers,
                    Integer.MAX_VALUE,
                    RejectedExecutionHandlers.reject(),
                    TASK_QUANTUM_MS);
        }
    }
}
