package comet.volume;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Who is let in when the memory of a gateway is short.
class RoomTest {
    private static final int MIB = 1 << 20;
    private static final long SECOND = GatewayConfig.SECOND_NS;

    private final FakeLoop loop = new FakeLoop();
    private int flushes;
    private final GatewayConfig config =
            new GatewayConfig(4 * MIB, 3 * MIB, 8 * MIB, 16, SECOND, SECOND);
    private final Room room = new Room(config, loop, () -> flushes++);
    private final List<String> begun = new ArrayList<>();

    /// A volume that begins its requests in order, as far as it is let.
    private final class User {
        private final String name;
        private final Room.Account account = room.account(this::pump);
        private final ArrayDeque<Request> queue = new ArrayDeque<>();
        private final ArrayDeque<Request> active = new ArrayDeque<>();

        User(String name) {
            this.name = name;
        }

        User ask(Request.Kind kind, int bytes, int count) {
            for (int n = 0; n < count; n++) {
                Request request = new Request();
                request.kind = kind;
                request.length = bytes;
                queue.add(request);
            }
            pump();
            return this;
        }

        private void pump() {
            while (!queue.isEmpty() && account.admit(queue.getFirst())) {
                active.add(queue.removeFirst());
                begun.add(name);
            }
        }

        void end() {
            account.release(active.removeFirst().admittedBytes);
            pump();
        }
    }

    private final User one = new User("one");
    private final User two = new User("two");
    private final User three = new User("three");

    private static void write(User user, int bytes, int count) {
        user.ask(Request.Kind.WRITE, bytes, count);
    }

    @Test
    void a_volume_has_its_bound_and_all_have_one_together() {
        write(one, MIB, 9);
        assertThat(one.account.inFlightBytes()).isEqualTo(3 * MIB);
        write(two, MIB, 9);
        assertThat(room.inFlightBytes()).isEqualTo(4 * MIB);
        assertThat(two.active).hasSize(1);
    }

    @Test
    void one_request_may_be_larger_than_every_bound() {
        write(one, 9 * MIB, 2);
        assertThat(one.active).hasSize(1);
        one.end();
        assertThat(one.active).hasSize(1);
        assertThat(one.queue).isEmpty();
    }

    @Test
    void those_who_wait_take_turns_of_one_request_each() {
        write(one, MIB, 20);
        write(two, MIB, 20);
        write(three, MIB, 20);
        begun.clear();
        for (int n = 0; n < 12; n++) {
            User oldest = one.active.isEmpty() ? two.active.isEmpty() ? three : two : one;
            oldest.end();
        }
        assertThat(begun).hasSizeGreaterThanOrEqualTo(12);
        for (String name : List.of("one", "two", "three")) {
            assertThat(begun.stream().filter(name::equals).count()).as(name).isBetween(3L, 6L);
        }
    }

    @Test
    void who_comes_later_does_not_pass_those_who_wait() {
        write(one, 2 * MIB, 1);
        write(two, 2 * MIB, 1);
        write(one, MIB, 1);
        write(two, MIB, 1);
        assertThat(begun).containsExactly("one", "two");
        write(three, 4096, 1);
        assertThat(begun).hasSize(2);
        two.end();
        assertThat(begun).containsExactly("one", "two", "one", "two");
        one.end();
        assertThat(begun).endsWith("three");
    }

    /// Nothing under way will end and give turns: who waits is not forgotten.
    @Test
    void a_turn_that_its_owner_did_not_use_is_given_again() {
        write(one, 3 * MIB, 1);
        one.account.keep(8 * MIB);
        write(two, MIB, 1);
        assertThat(two.active).isEmpty();
        two.queue.clear();
        one.end();
        one.account.letGo(8 * MIB);
        write(three, MIB, 1);
        loop.runFor(SECOND);
        assertThat(three.active).hasSize(1);
    }

    @Test
    void where_too_much_is_kept_writes_wait_and_reads_do_not() {
        one.account.keep(5 * MIB);
        assertThat(one.account.isHigh()).isTrue();
        assertThat(two.account.isHigh()).as("more than half of all").isTrue();
        write(one, 4096, 1);
        assertThat(one.active).as("more than its half").isEmpty();
        assertThat(flushes).isPositive();
        one.queue.clear();
        one.ask(Request.Kind.READ, 4096, 1);
        loop.runFor(1);
        assertThat(one.active).hasSize(1);
        one.account.letGo(5 * MIB);
        assertThat(room.unsyncedBytes()).isZero();
        write(two, 4096, 1);
        assertThat(two.active).hasSize(1);
    }

    @Test
    void what_needs_no_memory_never_waits() {
        write(one, 3 * MIB, 2);
        write(two, MIB, 2);
        write(three, MIB, 1);
        three.queue.clear();
        three.ask(Request.Kind.FLUSH, 0, 1);
        assertThat(three.active).hasSize(1);
    }

    @Test
    void small_requests_do_not_keep_a_large_one_out_for_ever() {
        write(two, MIB, 40);
        write(one, 9 * MIB, 1);
        write(three, MIB, 40);
        for (int n = 0; n < 20 && one.active.isEmpty(); n++) {
            User busy = two.active.isEmpty() ? three : two;
            busy.end();
        }
        assertThat(one.active).hasSize(1);
        one.end();
        assertThat(two.active.size() + three.active.size()).isEqualTo(4);
    }
}
