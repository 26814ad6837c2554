package comet.io.testing;

import static org.assertj.core.api.Assertions.assertThat;

import comet.io.loop.EventLoop;
import comet.io.loop.Transport;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/// A loop for a test: keeps what escaped on it, and fails the test's end with it.
public final class TestLoop implements AutoCloseable {
    /// How long anything in a test may take before it counts as never happening.
    public static final long DEADLINE_S = 10;

    public final EventLoop loop;
    private final ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();

    public TestLoop(Transport transport) {
        loop = EventLoop.start("test-loop", transport, failures::add);
    }

    public TestLoop() {
        this(Transport.best());
    }

    public void on(Runnable work) {
        loop.<Boolean>call(() -> {
            work.run();
            return true;
        });
    }

    /// Waits until `fact`, asked on the loop, holds.
    public void until(String what, BooleanSupplier fact) {
        until(what, DEADLINE_S, fact);
    }

    /// As above, for what does a lot.
    public void until(String what, long seconds, BooleanSupplier fact) {
        CountDownLatch holds = new CountDownLatch(1);
        loop.submit(() -> ask(fact, holds));
        try {
            assertThat(holds.await(seconds, TimeUnit.SECONDS)).as(what).isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        assertThat(failures).as(what).isEmpty();
    }

    /// Starts something on the loop and waits until it has been told done.
    public void done(String what, Consumer<Runnable> start) {
        CountDownLatch done = new CountDownLatch(1);
        loop.submit(() -> start.accept(done::countDown));
        try {
            assertThat(done.await(DEADLINE_S, TimeUnit.SECONDS)).as(what).isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    public Throwable takeFailure() {
        Throwable failure = failures.poll();
        assertThat(failure).as("a failure on the loop").isNotNull();
        return failure;
    }

    @Override
    public void close() {
        loop.close();
        assertThat(failures).isEmpty();
    }

    private void ask(BooleanSupplier fact, CountDownLatch holds) {
        if (fact.getAsBoolean() || !failures.isEmpty()) {
            holds.countDown();
        } else {
            loop.schedule(1_000_000, () -> ask(fact, holds));
        }
    }
}
