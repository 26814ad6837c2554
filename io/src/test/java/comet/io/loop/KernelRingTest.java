package comet.io.loop;

import static org.assertj.core.api.Assertions.assertThat;

import comet.io.testing.TestLoop;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A kernel that gives a ring and then not what else it takes: files are then for threads.
class KernelRingTest {
    private static final int EMFILE = 24;
    private static final int ENOMEM = 12;

    /// As high as no process gets here.
    private static final int NO_DESCRIPTOR = 1 << 30;

    private TestLoop test;

    @BeforeEach
    void start() {
        Assumptions.assumeTrue(Transport.EPOLL.isAvailable() && Transport.IO_URING.isAvailable());
        test = new TestLoop(Transport.EPOLL);
    }

    @AfterEach
    void stop() {
        if (test != null) {
            test.close();
        }
    }

    @Test
    void no_descriptor_for_its_events() {
        Calls calls = new Calls();
        calls.eventsFail = true;
        assertNoRing(calls);
        assertThat(calls.events).isEqualTo(-EMFILE);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void no_memory_for_one_of_its_mappings(int failing) {
        Calls calls = new Calls();
        calls.failingMap = failing;
        assertNoRing(calls);
        assertThat(calls.closed).contains(calls.events);
        assertThat(calls.mapped).hasSize(failing - 1);
        assertThat(calls.unmapped).isEqualTo(calls.mapped);
    }

    /// The loop cannot wait for what is no descriptor.
    @Test
    void no_place_among_what_the_loop_waits_for() {
        Calls calls = new Calls();
        calls.noDescriptor = true;
        assertNoRing(calls);
        assertThat(calls.mapped).hasSize(2);
        assertThat(calls.unmapped).isEqualTo(calls.mapped);
    }

    @Test
    void a_ring_that_is_whole_opens_and_leaves_nothing() {
        Calls calls = new Calls();
        test.on(() -> {
            KernelRing ring = KernelRing.open(test.loop, calls);
            assertThat(ring).isNotNull();
            ring.close();
        });
        assertThat(calls.closed).containsExactlyInAnyOrder(calls.ring, calls.events);
        assertThat(calls.unmapped).isEqualTo(calls.mapped);
    }

    private void assertNoRing(Calls calls) {
        test.on(() -> assertThat(KernelRing.open(test.loop, calls)).isNull());
        assertThat(calls.ring).isPositive();
        assertThat(calls.closed).contains(calls.ring).doesNotHaveDuplicates();
    }

    /// The kernel's calls, some of which fail.
    private static final class Calls extends Uring {
        private boolean eventsFail;
        private boolean noDescriptor;

        /// Which call of [#map], from 1 on; 0 for none.
        private int failingMap;

        private int ring;
        private int events;
        private int maps;
        private final List<Long> mapped = new ArrayList<>();
        private final List<Long> unmapped = new ArrayList<>();
        private final List<Integer> closed = new ArrayList<>();

        @Override
        int setup(int entries, long parameters) {
            ring = super.setup(entries, parameters);
            return ring;
        }

        @Override
        int eventsOf(int fd) {
            events = eventsFail ? -EMFILE : noDescriptor ? NO_DESCRIPTOR : super.eventsOf(fd);
            return events;
        }

        @Override
        long map(int fd, long bytes, long offset) {
            if (++maps == failingMap) {
                return -ENOMEM;
            }
            long address = super.map(fd, bytes, offset);
            mapped.add(address);
            return address;
        }

        @Override
        void unmap(long address, long bytes) {
            unmapped.add(address);
            super.unmap(address, bytes);
        }

        @Override
        void close(int fd) {
            closed.add(fd);
            super.close(fd);
        }
    }
}
