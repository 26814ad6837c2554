package comet.server.up;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// From start to end of a process. SIGTERM and SIGINT run what was given to [#onStop], which drains
/// and leaves everything clean, and end it with status 0; a second one ends it at once, with status
/// 1, as does [#fail].
///
/// A signal may come while the process starts. What is stopped beneath the start then makes it
/// fail: that is no failure, and the process ends when the stop has, with the stop's status.
final class Life {
    private static final Logger LOG = LoggerFactory.getLogger(Life.class);

    /// Status where the program itself is at fault.
    static final int INTERNAL = 70;

    private final CountDownLatch ended = new CountDownLatch(1);
    private final AtomicInteger status = new AtomicInteger();
    private final CountDownLatch halted = new CountDownLatch(1);
    private final IntConsumer halt;
    private @Nullable Runnable stop;
    private @Nullable Runnable hurry;
    private boolean signalled;
    private boolean exiting;
    private boolean stopped;

    /// A signal's stop has begun, which ends the process.
    private boolean stopping;

    Life() {
        this(Runtime.getRuntime()::halt);
    }

    /// @param halt ends the process with a status
    Life(IntConsumer halt) {
        this.halt = halt;
    }

    /// Signals are this life's from now on.
    void handleSignals() {
        if (!Signals.handle(this::signal)) {
            Runtime.getRuntime().addShutdownHook(new Thread(this::stopAndHalt, "stop"));
        }
    }

    /// What a signal is to run; called once, on a thread of its own.
    synchronized void onStop(Runnable work) {
        stop = work;
    }

    /// What else is to be done where a second signal says that there is no time; must not wait.
    synchronized void onHurry(Runnable work) {
        hurry = work;
    }

    /// Waits until somebody ends the process.
    int await() {
        try {
            if (!left()) {
                ended.await();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return status.get();
    }

    /// The process cannot go on.
    void fail(String why) {
        System.err.println("comet: " + why);
        status.set(1);
        ended.countDown();
    }

    /// Ends the process from within: stops what runs, if anything does.
    void exit(int exitStatus) {
        boolean signal;
        synchronized (this) {
            signal = stopping;
            exiting |= !signal;
        }
        if (signal) {
            awaitHalt();
            return;
        }
        boolean clean = stopOnce();
        System.out.flush();
        halt.accept(clean || exitStatus != 0 ? exitStatus : INTERNAL);
    }

    /// Whether a signal is ending the process.
    synchronized boolean stopping() {
        return stopping;
    }

    private void awaitHalt() {
        while (true) {
            try {
                halted.await();
                return;
            } catch (InterruptedException e) {
                LOG.debug("event=interrupted", e);
            }
        }
    }

    void signal() {
        Runnable now;
        synchronized (this) {
            if (!signalled) {
                signalled = true;
                stopping = !exiting;
                new Thread(this::stopAndHalt, "stop").start();
                return;
            }
            now = hurry;
        }
        // Not by the logger: whoever stops the process may hold it.
        System.err.println("comet: a second signal: stopping at once, nothing more is flushed");
        if (now != null) {
            now.run();
        }
        halt.accept(1);
    }

    private void stopAndHalt() {
        synchronized (this) {
            if (exiting) {
                return;
            }
            stopping = true;
        }
        LOG.info("event=stopping hint=\"a second signal ends it at once\"");
        int exitStatus = INTERNAL;
        try {
            boolean clean = stopOnce();
            LOG.info("event=stopped clean={}", clean);
            exitStatus = clean ? 0 : INTERNAL;
        } finally {
            // A hook that returns leaves the signal's number as the status.
            halt.accept(exitStatus);
            halted.countDown();
        }
    }

    /// From now on the end of the JVM is left to the caller, and what was stopped may be started
    /// anew.
    synchronized void leave() {
        exiting = true;
        stopped = false;
        stop = null;
    }

    private synchronized boolean left() {
        return exiting;
    }

    boolean stopOnce() {
        Runnable work;
        synchronized (this) {
            if (stopped) {
                return true;
            }
            stopped = true;
            work = stop;
        }
        if (work == null) {
            return true;
        }
        try {
            work.run();
            return true;
        } catch (RuntimeException e) {
            LOG.error("event=stop-failed", e);
            return false;
        }
    }
}
