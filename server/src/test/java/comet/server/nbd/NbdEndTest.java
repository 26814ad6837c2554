package comet.server.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import comet.port.Errno;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// How sessions end, and what holds them back.
class NbdEndTest {
    private static final int READ = 0;
    private static final int WRITE = 1;
    private static final int DISC = 2;
    private static final int FLUSH = 3;
    private static final int STATUS = 7;
    private static final int MIB = 1 << 20;

    private static final NbdLimits SMALL =
            new NbdLimits(8, 4, 32 * MIB, 48 * MIB, 64 << 10, MIB, MIB, 1_000_000_000, 1000);

    private final MemoryExports exports = new MemoryExports();
    private final MemoryDevice device = exports.add("disk0", 64 * MIB, false);
    private NbdShared shared = Client.shared(exports);
    private Client client = Client.entered(shared, "disk0", true, true);

    private void small() {
        client.die();
        shared = new NbdShared(exports, SMALL);
        client = Client.entered(shared, "disk0", true, true);
    }

    private Client another() {
        return Client.entered(shared, "disk0", true, true);
    }

    private void pump() {
        while (device.pump()) {
            client.pump();
        }
    }

    @AfterEach
    void nothing_is_left() {
        pump();
        client.die();
        pump();
        Client.assertNothingHeld(shared);
        assertThat(exports.open).isZero();
    }

    @Test
    void disc_finishes_what_is_in_flight() {
        device.inOrder = true;
        client.send(
                new Bytes()
                        .request(0, WRITE, 1, 0, 3)
                        .text("abc")
                        .request(0, FLUSH, 2, 0, 0)
                        .request(0, DISC, 3, 0, 0)
                        .request(0, READ, 4, 0, 3));
        assertThat(client.finished).isFalse();
        assertThat(device.leaving).as("nothing more will be asked").isPositive();
        device.pump();
        assertThat(client.finished).isFalse();
        device.pump();
        assertThat(client.finished).isTrue();
        client.expect(new Bytes().simple(0, 1).simple(0, 2));
        client.send(new Bytes().zeroes(100)).expectNothing();
        assertThat(client.notConsumed()).isZero();
        assertThat(device.content(0, 3)).isEqualTo("abc".getBytes());
        assertThat(exports.open).isEqualTo(1);
        client.die();
        assertThat(exports.open).isZero();
    }

    @Test
    void a_client_that_closes_its_side_gets_its_answers() {
        client.send(new Bytes().request(0, FLUSH, 2, 0, 0));
        client.session.inputEnded();
        assertThat(client.finished).isFalse();
        pump();
        assertThat(client.finished).isTrue();
        client.expect(new Bytes().simple(0, 2));
    }

    @Test
    void a_stop_answers_what_was_begun_and_nothing_else() {
        client.send(
                new Bytes().request(0, FLUSH, 1, 0, 0).request(0, WRITE, 2, 0, 10).text("half"));
        client.session.stop();
        assertThat(client.finished).isFalse();
        client.send(new Bytes().text("of it!").request(0, FLUSH, 3, 0, 0));
        pump();
        assertThat(client.finished).isTrue();
        client.expect(new Bytes().simple(0, 1));
        assertThat(device.asked).containsExactly("flush 0 0");
    }

    @Test
    void requests_in_flight_outlive_their_connection() {
        client.send(
                new Bytes()
                        .request(0, READ, 1, 0, 5 * MIB)
                        .request(0, WRITE, 2, 0, 5 * MIB)
                        .zeroes(5 * MIB)
                        .request(0, STATUS, 3, 0, 4096)
                        .request(0, FLUSH, 4, 0, 0)
                        .request(0, WRITE, 5, 4 * MIB - 50, 4 * MIB)
                        .zeroes(MIB));
        assertThat(device.waiting()).isEqualTo(7);
        client.die();
        assertThat(exports.open).isEqualTo(1);
        assertThat(shared.counters.requestsInFlight).isEqualTo(5);
        while (device.waiting() > 1) {
            device.pump();
            assertThat(exports.open).isEqualTo(1);
        }
        device.pump();
        assertThat(exports.open).isZero();
        client.expectNothing();
    }

    @Test
    void replies_that_never_left_are_given_back() {
        client.slow = true;
        client.send(new Bytes().request(0, WRITE, 1, 0, 1).u8(1).request(0, READ, 2, 0, 9 * MIB));
        pump();
        assertThat(client.session.bytesHeld()).isPositive();
        client.die();
        assertThat(client.session.bytesHeld()).isZero();
    }

    @Test
    void a_wrong_magic_number_ends_the_connection() {
        client.send(new Bytes().request(0, FLUSH, 1, 0, 0).u32(0x25609514).zeroes(24));
        assertThat(client.aborted).contains("magic");
        assertThat(client.finished).isFalse();
        client.send(new Bytes().request(0, FLUSH, 1, 0, 0));
        assertThat(device.asked).hasSize(1);
    }

    @Test
    void requests_in_flight_are_bounded() {
        small();
        Bytes requests = new Bytes();
        for (int i = 0; i < 10; i++) {
            requests.request(0, FLUSH, i, 0, 0);
        }
        client.send(requests);
        assertThat(device.waiting()).isEqualTo(4);
        assertThat(client.session.blocked()).isTrue();
        assertThat(client.notConsumed()).isEqualTo(6 * 28);
        device.pump();
        client.pump();
        assertThat(device.waiting()).isEqualTo(4);
        pump();
        assertThat(client.received()).hasSize(160);
        assertThat(client.session.blocked()).isFalse();
    }

    @Test
    void bytes_in_flight_of_a_connection_are_bounded() {
        small();
        client.slow = true;
        device.fill(0, 1, 1);
        client.send(new Bytes().request(4, READ, 1, 0, 20 * MIB).request(4, READ, 2, 0, 20 * MIB));
        pump();
        assertThat(client.session.blocked()).isTrue();
        assertThat(client.session.bytesHeld()).isEqualTo(20 * MIB);
        assertThat(client.received()).hasSize(28 + 20 * MIB);
        // Small things pass no more either: order is kept until there is room again.
        client.deliver();
        pump();
        assertThat(client.received()).hasSize(28 + 20 * MIB);
        client.deliver();
    }

    @Test
    void a_large_write_goes_on_piece_by_piece_within_its_bound() {
        small();
        byte[] data = new byte[30 * MIB];
        client.send(new Bytes().request(0, WRITE, 1, 0, data.length).raw(data));
        client.send(new Bytes().request(0, WRITE, 2, 0, 8 * MIB).zeroes(8 * MIB));
        assertThat(client.session.blocked()).isTrue();
        assertThat(client.session.bytesHeld()).isLessThanOrEqualTo(32 * MIB);
        pump();
        assertThat(client.received()).hasSize(32);
    }

    @Test
    void memory_of_all_connections_is_granted_in_order_and_small_requests_pass() {
        small();
        Client second = another();
        Client third = another();
        client.slow = true;
        device.inOrder = true;
        client.send(new Bytes().request(4, READ, 1, 0, 30 * MIB));
        pump();
        second.send(new Bytes().request(4, READ, 1, 0, 30 * MIB));
        assertThat(second.session.blocked()).isTrue();
        third.send(new Bytes().request(4, READ, 2, 0, 10 * MIB));
        assertThat(third.session.blocked()).isTrue();
        assertThat(device.waiting()).isZero();
        Client fourth = another();
        fourth.send(new Bytes().request(4, READ, 3, 0, 64 << 10));
        assertThat(fourth.session.blocked()).isFalse();
        pump();
        assertThat(fourth.received()).hasSize(28 + (64 << 10));
        client.deliver();
        second.pump();
        third.pump();
        assertThat(device.waiting()).isEqualTo(8 + 3);
        pump();
        assertThat(second.received()).hasSize(28 + 30 * MIB);
        assertThat(third.received()).hasSize(28 + 10 * MIB);
        second.die();
        third.die();
        fourth.die();
    }

    @Test
    void who_dies_while_waiting_lets_the_next_pass() {
        small();
        Client second = another();
        Client third = another();
        client.slow = true;
        client.send(new Bytes().request(4, READ, 1, 0, 30 * MIB));
        pump();
        second.send(new Bytes().request(4, READ, 1, 0, 30 * MIB));
        third.send(new Bytes().request(4, READ, 1, 0, 10 * MIB));
        second.die();
        third.pump();
        assertThat(third.session.blocked()).isFalse();
        pump();
        assertThat(third.received()).hasSize(28 + 10 * MIB);
        third.die();
    }

    @Test
    void a_stalled_client_is_cut_only_while_others_wait_for_its_memory() {
        small();
        client.slow = true;
        client.send(new Bytes().request(4, READ, 1, 0, 30 * MIB));
        pump();
        client.session.tick(5000, 30 * MIB);
        assertThat(client.aborted).isEmpty();
        Client second = another();
        second.send(new Bytes().request(4, READ, 1, 0, 30 * MIB));
        second.session.tick(5000, 0);
        assertThat(second.aborted).isEmpty();
        client.session.tick(5000, 30 * MIB);
        assertThat(client.aborted).isNotEmpty();
        client.die();
        second.pump();
        pump();
        assertThat(second.received()).hasSize(28 + 30 * MIB);
        second.die();
    }

    @Test
    void a_half_sent_write_is_cut_only_while_others_wait_for_its_memory() {
        small();
        client.send(new Bytes().request(0, WRITE, 1, 0, 30 * MIB).zeroes(27 * MIB));
        Client second = another();
        second.send(new Bytes().request(4, READ, 1, 0, 30 * MIB));
        // 24 MiB lie with the device: not the client's fault, but 4 MiB wait for it.
        assertThat(second.session.blocked()).isTrue();
        client.session.tick(5000, 0);
        assertThat(client.aborted).isNotEmpty();
        client.die();
        pump();
        second.pump();
        pump();
        assertThat(second.received()).hasSize(28 + 30 * MIB);
        second.die();
    }

    @Test
    void a_client_that_does_not_take_its_replies_gets_no_more() {
        client.congested = true;
        client.send(new Bytes().request(0, 99, 1, 0, 0)).expectNothing();
        assertThat(client.session.blocked()).isTrue();
        client.congested = false;
        client.resume();
        client.pump();
        client.expect(new Bytes().errorChunk(1, Errno.EINVAL, "unknown command"));
    }

    @Test
    void a_client_that_is_being_disconnected_cannot_stay_for_ever() {
        client.send(new Bytes().request(0, DISC, 1, 0, 0));
        assertThat(client.finished).isTrue();
        client.session.tick(NbdLimits.DEFAULT.stallNs() + 1, 100);
        assertThat(client.aborted).isNotEmpty();
    }

    @Test
    void what_small_requests_really_take_is_counted() {
        Bytes requests = new Bytes();
        for (int i = 0; i < 100; i++) {
            requests.request(4, READ, i, i * 513L, 1);
            requests.request(0, WRITE, i, i * 5000L + 4095, 2).u16(7);
        }
        client.slow = true;
        client.send(requests);
        long taken = shared.readPool.bytesOut() + shared.writePool.bytesOut();
        assertThat(taken).isGreaterThan(200 * 4096);
        assertThat(client.session.bytesHeld()).isGreaterThanOrEqualTo(taken);
        pump();
        assertThat(client.session.bytesHeld()).isGreaterThanOrEqualTo(100 * 4096);
        client.deliver();
        assertThat(client.session.bytesHeld()).isZero();
    }
}
