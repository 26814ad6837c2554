package comet.replica;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Prng;
import comet.base.Versions;
import comet.port.Connection;
import comet.wire.Frame;
import comet.wire.Lane;
import comet.wire.MessageType;
import comet.wire.Status;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Whatever arrives on a connection, it ends that one and nothing else.
class HostileTest {
    private final Harness harness = Harness.healthy(2);
    private final TestClient good = harness.connect(1, Lane.WRITE);

    private static final class Silent implements Connection.Handler {
        boolean closed;
        final List<Integer> statuses = new ArrayList<>();

        @Override
        public void onFrame(Frame frame) {
            statuses.add(frame.status());
            frame.release();
        }

        @Override
        public void onClosed(String why) {
            closed = true;
        }
    }

    private Silent dialed = new Silent();

    private Connection dial() {
        dialed = new Silent();
        return harness.net.dial("1", dialed);
    }

    private void assertAlive() {
        long version = harness.disk(1).version(1, 0);
        long next = Versions.next(version, 5);
        assertThat(good.write(0, 0, version, next, 1).status()).isEqualTo(Status.OK);
    }

    @Test
    void a_connection_that_says_nothing_is_closed() {
        dial();
        harness.loop.advanceMs(4000);
        assertThat(dialed.closed).isFalse();
        harness.loop.advanceMs(1500);
        assertThat(dialed.closed).isTrue();
        assertThat(harness.server(1).halfOpenCount()).isZero();
    }

    @Test
    void half_open_connections_are_bounded() {
        List<Silent> all = new ArrayList<>();
        for (int n = 0; n < Limits.HALF_OPEN_MAX + 10; n++) {
            dial();
            all.add(dialed);
        }
        harness.loop.run();
        // The oldest had their time: who comes now and has something to say is heard.
        assertThat(all.subList(0, 10)).allMatch(s -> s.closed);
        assertThat(all.subList(10, all.size())).noneMatch(s -> s.closed);
        assertThat(harness.connect(1, Lane.READ).helloStatus).isEqualTo(Status.OK);
        good.open(5);
        assertAlive();
    }

    @Test
    void strangers_are_refused() {
        TestClient client = harness.connect(1, Lane.WRITE);
        assertThat(client.helloStatus).isEqualTo(Status.OK);
        for (int n = 0; n < 4; n++) {
            Connection to = dial();
            Frame f = hello(n == 0 ? 78 : 77, n == 1 ? 7 : 1, n == 2 ? 9 : 1);
            if (n == 3) {
                f.putShort(28, 7);
                f.putShort(30, 9);
            }
            to.send(f);
            harness.loop.advanceMs(300);
            assertThat(dialed.statuses).containsExactly(Status.REFUSED);
            assertThat(dialed.closed).isTrue();
        }
        Connection to = dial();
        Frame wrong = hello(77, 1, 1);
        wrong.putInt(24, 0x12345678);
        to.send(wrong);
        harness.loop.advanceMs(300);
        assertThat(dialed.closed).isTrue();
    }

    private Frame hello(long cluster, int diskId, long uuid) {
        var hello = new comet.wire.Hello(1, 1, 0, cluster, 88, Lane.WRITE, diskId, uuid, ~1L, 9);
        return hello.encode(harness.frames.take(), 1);
    }

    @Test
    void a_gap_in_the_sequence_of_writes_ends_the_connection() {
        good.open(5);
        TestClient bad = harness.connect(1, Lane.WRITE);
        Frame f = comet.wire.WriteRequest.start(bad.frame(), 1, 2, 1);
        comet.wire.WriteRequest.target(f, 1, 0, bad.pg(0), harness.epoch(bad.pg(0)));
        comet.wire.WriteRequest.versions(f, 0, Versions.of(5, 1), 1, 0);
        comet.wire.WriteRequest.sequence(f, 2);
        bad.connection.send(f);
        harness.loop.advanceMs(300);
        assertThat(bad.closed).isTrue();
        assertThat(bad.inbox.remove().status()).isEqualTo(Status.INVALID);
        assertAlive();
    }

    @Test
    void an_epoch_that_nobody_has_decided_ends_the_connection() {
        good.open(5);
        TestClient bad = harness.connect(1, Lane.WRITE);
        bad.sendWrite(0, 0, 1, 0, Versions.of(5, 1), 3, 1L << 60);
        harness.loop.advanceMs(300);
        assertThat(bad.closed).isTrue();
        assertAlive();
    }

    @Test
    void random_frames() {
        good.open(5);
        for (int seed = 0; seed < 600; seed++) {
            Prng prng = new Prng(seed);
            Lane lane = List.of(Lane.WRITE, Lane.READ, Lane.PEER).get(prng.nextInt(3));
            TestClient bad = harness.connect(1, lane);
            for (int n = 0; n < 20 && !bad.closed; n++) {
                bad.connection.send(random(prng));
                harness.loop.advance(100_000);
            }
            harness.loop.advanceMs(5);
            bad.inbox.forEach(Frame::release);
            bad.inbox.clear();
            bad.connection.close();
            if (seed % 50 == 0) {
                assertAlive();
            }
        }
        harness.loop.advanceMs(10_000);
        assertAlive();
        assertThat(harness.disk(1).holds().writes()).isZero();
        harness.loop.advanceMs(10);
        assertThat(harness.frames.out()).isZero();
        assertThat(harness.bufs.bytesOut()).isZero();
        long promised = harness.store(1).promised();
        good.connection.close();
        harness.loop.run();
        assertThat(harness.store(1).promised()).isLessThan(promised).isZero();
    }

    /// A frame that is right here and there: types that exist, lengths that nearly fit, ids of
    /// things that exist, and noise.
    private Frame random(Prng prng) {
        int[] types = {1, 3, 5, 7, 9, 11, 13, 15, 19, 21, 23, 8, 31, 200};
        int[] heads = {24, 40, 48, 56, 60, 72, 88, 92, 104, 1000};
        int type = types[prng.nextInt(types.length)];
        int bytes =
                switch (prng.nextInt(3)) {
                    case 0 -> heads[prng.nextInt(heads.length)];
                    case 1 -> usual(type);
                    default -> 24 + prng.nextInt(200);
                };
        Frame f = harness.frames.take();
        f.start(type, prng.nextLong(), bytes);
        f.flags(prng.nextInt(256));
        for (int at = 24; at + 4 <= bytes; at += 4) {
            int value =
                    switch (prng.nextInt(5)) {
                        case 0 -> 0;
                        case 1 -> 1;
                        case 2 -> prng.nextInt(8);
                        case 3 -> -1;
                        default -> (int) prng.nextLong();
                    };
            f.putInt(at, value);
        }
        if (type == MessageType.WRITE && bytes >= 88 && prng.chance(2, 3)) {
            f.putLong(24, 1);
            f.putInt(32, 0);
            f.putInt(36, good.pg(0));
            f.putLong(40, harness.epoch(good.pg(0)));
            f.putLong(80, 1);
        }
        if (prng.chance(1, 3)) {
            f.data(harness.bufs.take(4096), 0, prng.chance(1, 2) ? 4096 : prng.nextInt(4096));
        }
        return f;
    }

    private static int usual(int type) {
        return switch (type) {
            case MessageType.OPEN, MessageType.SYNC -> 56;
            case MessageType.LIST, MessageType.FENCES -> 48;
            case MessageType.LIST_PG -> 56;
            case MessageType.WRITE -> 88;
            case MessageType.READ -> 60;
            default -> 72;
        };
    }
}
