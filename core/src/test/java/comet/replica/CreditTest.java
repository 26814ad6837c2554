package comet.replica;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Sizes;
import comet.base.Versions;
import comet.wire.Credit;
import comet.wire.Hello;
import comet.wire.Lane;
import comet.wire.Status;
import org.junit.jupiter.api.Test;

/// Credit where there is little: nobody waits for ever for what others hold, or for space that does
/// not come.
class CreditTest {
    private static final long MIB = 1 << 20;
    private final Harness harness = Harness.healthy(1);

    private TestClient client(long gatewayId) {
        return new TestClient(harness, 1, Lane.WRITE, gatewayId, Hello.CREDIT_NEEDS);
    }

    @Test
    void a_full_disk_says_so_to_who_connects() {
        harness.store(1).capacityBytes = 0;
        TestClient writer = client(9);
        harness.loop.advanceMs(300);
        assertThat(writer.credit).as("for trims alone").isEqualTo(Credit.WITHOUT_DATA_BYTES);
        assertThat(writer.full).isTrue();
        harness.store(1).capacityBytes = 64L << 30;
        harness.loop.advanceMs(300);
        assertThat(writer.full).isFalse();
        assertThat(writer.credit).isEqualTo(Limits.CREDIT_WINDOW_MAX);
    }

    @Test
    void a_disk_too_small_for_any_grant_says_that_it_is_full() {
        harness.store(1).capacityBytes = 60_000;
        TestClient writer = client(9);
        harness.loop.advanceMs(300);
        assertThat(writer.full).isTrue();
        // The smallest bound lets one block pass at a time.
        harness.store(1).capacityBytes = 70_000;
        harness.loop.advanceMs(300);
        assertThat(writer.full).isFalse();
    }

    @Test
    void what_the_window_does_not_give_is_granted_to_a_write_that_waits_for_it() {
        harness.store(1).capacityBytes = 100 * MIB;
        TestClient writer = client(9);
        assertThat(writer.features).isEqualTo(Hello.CREDIT_NEEDS);
        assertThat(writer.credit).isLessThan(4 * MIB);
        writer.need(4 * MIB, 0);
        harness.loop.advanceMs(1);
        assertThat(writer.credit).isEqualTo(4 * MIB);
        writer.open(5);
        writer.sendWrite(0, 0, 1024, 0, Versions.of(5, 1), 3);
        harness.loop.run();
        assertThat(writer.written().status()).isEqualTo(Status.OK);
    }

    @Test
    void a_write_that_no_grant_allows_is_refused_for_want_of_space() {
        harness.store(1).capacityBytes = 32 * MIB;
        TestClient writer = client(9);
        writer.need(4 * MIB, 0);
        harness.loop.advanceMs(1);
        assertThat(writer.full).isTrue();
        // Smaller ones go on.
        harness.loop.advanceMs(300);
        assertThat(writer.full).isFalse();
        assertThat(writer.credit).isEqualTo(MIB);
    }

    @Test
    void idle_clients_give_back_what_another_one_waits_for() {
        harness.store(1).capacityBytes = 64 * MIB;
        TestClient idle = client(9);
        assertThat(idle.credit).isEqualTo(2 * MIB);
        TestClient writer = client(10);
        assertThat(writer.credit).isEqualTo(2 * MIB);
        writer.need(4 * MIB, 0);
        harness.loop.advanceMs(1);
        assertThat(writer.credit).isEqualTo(2 * MIB);
        assertThat(idle.recalls).isEqualTo(1);
        idle.need(0, 2 * MIB);
        harness.loop.advanceMs(1);
        assertThat(writer.credit).isEqualTo(4 * MIB);
        // It gets nothing again before it says that it wants something.
        harness.loop.advanceMs(1000);
        assertThat(idle.credit).isEqualTo(2 * MIB);
        assertThat(idle.recalls).isEqualTo(1);
        writer.need(0, 4 * MIB);
        idle.need(3 * MIB, 0);
        harness.loop.advanceMs(1);
        assertThat(idle.credit).isEqualTo(3 * MIB);
        writer.connection.close();
        idle.connection.close();
        harness.loop.run();
        assertThat(harness.store(1).promised()).isZero();
        assertThat(idle.closed && writer.closed).isTrue();
    }

    @Test
    void who_waits_first_is_served_first_and_nobody_else_meanwhile() {
        harness.store(1).capacityBytes = 64 * MIB;
        TestClient idle = client(9);
        TestClient first = client(10);
        TestClient second = client(11);
        assertThat(second.credit).isZero();
        first.need(4 * MIB, 0);
        harness.loop.advanceMs(1);
        second.need(MIB, 0);
        harness.loop.advanceMs(200);
        assertThat(second.credit).isZero();
        idle.need(0, 2 * MIB);
        harness.loop.advanceMs(1);
        assertThat(first.credit).isEqualTo(4 * MIB);
        assertThat(second.credit).isZero();
        harness.loop.advanceMs(200);
        assertThat(first.recalls).isPositive();
        first.need(0, 3 * MIB);
        harness.loop.advanceMs(1);
        assertThat(second.credit).isEqualTo(MIB);
    }

    @Test
    void a_client_that_keeps_what_others_wait_for_and_does_not_answer_is_cut_off() {
        harness.store(1).capacityBytes = 64 * MIB;
        TestClient idle = client(9);
        TestClient writer = client(10);
        writer.need(4 * MIB, 0);
        harness.loop.advanceMs(2500);
        assertThat(idle.closed).isFalse();
        harness.loop.advanceMs(1000);
        assertThat(idle.closed).isTrue();
        assertThat(writer.credit).isEqualTo(4 * MIB);
    }

    @Test
    void a_client_cannot_give_back_what_it_does_not_have_or_want_more_than_a_chunk() {
        TestClient writer = client(9);
        writer.need(0, writer.credit + 1);
        harness.loop.advanceMs(200);
        assertThat(writer.closed).isTrue();
        writer = client(10);
        writer.need(Sizes.CHUNK_BYTES + 4096L, 0);
        harness.loop.advanceMs(200);
        assertThat(writer.closed).isTrue();
        TestClient older = new TestClient(harness, 1, Lane.WRITE, 11);
        older.need(0, 0);
        harness.loop.advanceMs(200);
        assertThat(older.closed).isTrue();
    }

    /// It says nothing of itself for a moment; guests must not be told ENOSPC meanwhile.
    @Test
    void a_disk_that_has_failed_is_not_full() {
        FakeStore store = harness.store(1);
        Credits credits = new Credits(new Space(store), store, Limits.CREDIT_WINDOW_MAX);
        store.failed = true;
        assertThat(credits.refill()).isFalse();
        assertThat(credits.full()).isFalse();
        assertThat(credits.need(MIB)).isTrue();
        assertThat(credits.serveNeed()).as("waits").isFalse();
        assertThat(credits.full()).isFalse();
    }

    /// A RECOVERING replica notes what it has no space for; the client has counted it as sent.
    @Test
    void both_sides_count_alike_what_found_no_space() {
        FakeStore store = harness.store(1);
        store.capacityBytes = 16 * MIB;
        Space space = new Space(store);
        Credits credits = new Credits(space, store, Limits.CREDIT_WINDOW_MAX);
        credits.refill();
        assertThat(credits.granted()).isEqualTo(MIB / 2);
        long sent = 0;
        for (int n = 0; n < 5; n++) {
            sent += 2 * MIB;
            assertThat(credits.charge(2 * MIB)).isFalse();
        }
        assertThat(credits.granted() - sent).isEqualTo(credits.unused()).isEqualTo(MIB / 2);
        credits.close();
        assertThat(space.promised()).isZero();
    }
}
