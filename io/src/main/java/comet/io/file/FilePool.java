package comet.io.file;

import comet.io.loop.EventLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The threads on which calls that may wait for a device run: platform threads, since file calls
/// hold their carrier. Shared by the disks of a process. What waits here is bounded by what its
/// callers may have in flight.
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

    private final LinkedBlockingQueue<Work> queue = new LinkedBlockingQueue<>();
    private final List<Thread> threads = new ArrayList<>();
    private final Supplier<Posix> calls;

    public FilePool(String name, int threadCount) {
        this(name, threadCount, Posix::new);
    }

    /// @param calls what each thread makes its calls with
    FilePool(String name, int threadCount, Supplier<Posix> calls) {
        this.calls = calls;
        for (int i = 0; i < threadCount; i++) {
            threads.add(
                    Thread.ofPlatform()
                            .daemon()
                            .name(name + "-" + i)
                            .start(this::workUntilStopped));
        }
    }

    /// Runs `work` on one of the threads; for work that needs no [Posix].
    public void execute(Runnable work) {
        queue.add(_ -> work.run());
    }

    void run(Work work) {
        queue.add(work);
    }

    /// Ends the threads when everything queued before is done, and waits for that.
    @Override
    public void close() {
        for (int i = 0; i < threads.size(); i++) {
            queue.add(new Stop());
        }
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private void workUntilStopped() {
        Posix posix = calls.get();
        while (true) {
            Work work;
            try {
                work = queue.take();
            } catch (InterruptedException e) {
                return;
            }
            if (work instanceof Stop) {
                return;
            }
            try {
                work.run(posix);
            } catch (Throwable failure) {
                EventLoop.haltWithoutMemory(failure);
                LOG.error("work on a file thread failed", failure);
            }
        }
    }
}
