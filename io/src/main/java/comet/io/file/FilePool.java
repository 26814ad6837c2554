package comet.io.file;

import static java.util.Objects.requireNonNull;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The threads on which calls that may wait for a device run: platform threads, since file calls
/// hold their carrier. Shared by the disks of a process. What waits here is bounded by what its
/// callers may have in flight.
///
/// Work goes to the thread that fell asleep last: one thread, its processor still warm, does
/// everything where one is enough.
public final class FilePool implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FilePool.class);

    /// A piece of work that may block. Exceptions are bugs: they are logged and end the process's
    /// trust in the caller, so work catches what it expects.
    interface Work {
        void run(Posix posix);
    }

    /// Ends the thread that takes it.
    private static final class Stop implements Work {
        @Override
        public void run(Posix posix) {}
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final ArrayDeque<Work> queue = new ArrayDeque<>();

    /// The one that fell asleep last is the first.
    private final ArrayDeque<Worker> asleep = new ArrayDeque<>();

    private final List<Worker> workers = new ArrayList<>();
    private final Supplier<Posix> calls;
    private boolean closed;

    public FilePool(String name, int threadCount) {
        this(name, threadCount, Posix::new);
    }

    /// @param calls what each thread makes its calls with
    FilePool(String name, int threadCount, Supplier<Posix> calls) {
        this.calls = calls;
        for (int i = 0; i < threadCount; i++) {
            workers.add(new Worker(name + "-" + i));
        }
        workers.forEach(worker -> worker.thread.start());
    }

    /// Runs `work` on one of the threads; for work that needs no [Posix].
    public void execute(Runnable work) {
        run(_ -> work.run());
    }

    void run(Work work) {
        Worker woken;
        lock.lock();
        try {
            if (closed) {
                LOG.debug("work for file threads that have ended");
                return;
            }
            woken = asleep.pollFirst();
            if (woken == null) {
                queue.addLast(work);
                return;
            }
        } finally {
            lock.unlock();
        }
        woken.given = work;
        LockSupport.unpark(woken.thread);
    }

    /// Ends the threads when everything queued before is done, and waits for that.
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            for (Worker worker : asleep) {
                worker.given = new Stop();
                LockSupport.unpark(worker.thread);
            }
            asleep.clear();
        } finally {
            lock.unlock();
        }
        for (Worker worker : workers) {
            try {
                worker.thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private final class Worker {
        final Thread thread;

        /// Set by whoever took this worker from those that sleep.
        volatile @Nullable Work given;

        Worker(String name) {
            thread = Thread.ofPlatform().daemon().name(name).unstarted(this::workUntilStopped);
        }

        private void workUntilStopped() {
            Posix posix = calls.get();
            for (Work work = next(); !(work instanceof Stop); work = next()) {
                try {
                    work.run(posix);
                } catch (Throwable failure) {
                    LOG.error("work on a file thread failed", failure);
                }
            }
        }

        private Work next() {
            lock.lock();
            try {
                Work waiting = queue.pollFirst();
                if (waiting != null) {
                    return waiting;
                }
                if (closed) {
                    return new Stop();
                }
                asleep.addFirst(this);
            } finally {
                lock.unlock();
            }
            while (given == null) {
                LockSupport.park(this);
            }
            Work work = requireNonNull(given);
            given = null;
            return work;
        }
    }
}
