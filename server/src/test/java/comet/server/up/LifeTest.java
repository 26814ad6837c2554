package comet.server.up;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LifeTest {
    private static final long DEADLINE_S = 30;

    private final LinkedBlockingQueue<Integer> halts = new LinkedBlockingQueue<>();
    private final Life life = new Life(halts::add);

    /// As with Ctrl-C while the process starts: the start fails for what is stopped beneath it.
    @Test
    void a_start_that_a_signal_cut_off_ends_when_the_stop_has_and_with_its_status()
            throws Exception {
        CountDownLatch stopping = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        life.onStop(() -> {
            stopping.countDown();
            await(goOn);
        });
        assertThat(life.stopping()).isFalse();
        life.signal();
        await(stopping);
        assertThat(life.stopping()).isTrue();
        FutureTask<Void> exit = new FutureTask<>(() -> life.exit(1), null);
        Thread main = Thread.ofPlatform().daemon().start(exit);
        while (main.getState() != Thread.State.WAITING && !exit.isDone()) {
            Thread.onSpinWait();
        }
        assertThat(halts).isEmpty();
        goOn.countDown();
        exit.get(DEADLINE_S, TimeUnit.SECONDS);
        assertThat(halts).containsExactly(0);
    }

    @Test
    void a_stop_that_fails_says_so_by_the_status() throws Exception {
        life.onStop(() -> {
            throw new AssertionError("broken");
        });
        life.signal();
        assertThat(halts.poll(DEADLINE_S, TimeUnit.SECONDS)).isEqualTo(Life.INTERNAL);
    }

    @Test
    void a_process_that_ends_by_itself_stops_what_runs_first() {
        life.onStop(() -> assertThat(halts).isEmpty());
        life.exit(1);
        life.signal();
        assertThat(halts).containsExactly(1);
        life.signal();
        assertThat(halts).containsExactly(1, 1);
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(DEADLINE_S, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
