package comet.io.net;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import comet.io.loop.Transport;
import comet.io.net.Peers.Client;
import comet.io.testing.TestLoop;
import comet.port.Connection;
import comet.wire.Frame;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Connections that a listener gives to other loops, by the id of their first frame: id N to the
/// N-th loop, 0 is the listener's own.
@Timeout(40) // a peer that is never answered would wait
class SpreadTest {
    /// What a connection may have sent before it is where it belongs, and more than fits into one
    /// read.
    private static final int[] DATAS = {0, 100, 8192, 65536, 300_000, 1 << 20};

    @TempDir Path folder;

    static Stream<Arguments> transports() {
        return Stream.of(Transport.values())
                .filter(Transport::isAvailable)
                .filter(Transport::movesChannels)
                .flatMap(transport ->
                        Stream.of(Arguments.of(transport, true), Arguments.of(transport, false)));
    }

    @ParameterizedTest
    @MethodSource("transports")
    void each_is_served_where_it_belongs_with_all_that_it_sent(Transport transport, boolean unix)
            throws IOException {
        try (Rig rig = new Rig(transport, unix, 3);
                TestLoop caller = new TestLoop(transport)) {
            int count = 60;
            List<Client> clients = new ArrayList<>();
            caller.on(() -> {
                for (int i = 0; i < count; i++) {
                    Client client = new Client();
                    clients.add(client);
                    rig.dial(caller, i % 3, client);
                }
            });
            // The first id, then those of the data behind it.
            int frames = 1 + DATAS.length;
            caller.until(
                    "all are answered",
                    30,
                    () -> clients.stream().allMatch(c -> c.requestIds.size() == frames));
            for (int i = 0; i < count; i++) {
                Client client = clients.get(i);
                assertThat(client.wrong).isEmpty();
                assertThat(client.closed).isNull();
                List<Long> ids = new ArrayList<>(List.of((long) (i % 3)));
                ids.addAll(LongStream.range(100, 100 + DATAS.length).boxed().toList());
                assertThat(client.requestIds).isEqualTo(ids);
            }
            assertThat(rig.wrongLoop.get()).isZero();
            for (Home home : rig.homes) {
                assertThat(home.connected.get()).isEqualTo(count / 3);
            }
            assertThat(rig.listener.connections()).isEqualTo(count);
            // Large data does not pass through what a connection receives in.
            assertThat(buffered() - rig.bufferedBefore)
                    .isEqualTo(2L * count * Limits.RECEIVE_BYTES);
            caller.on(() -> clients.forEach(client -> client.connection().close()));
            rig.assertNothingIsLeft();
            caller.until("at rest", () -> caller.loop.frames().out() == 0);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void a_peer_that_pauses_is_waited_for_after_the_move(Transport transport, boolean unix)
            throws IOException {
        try (Rig rig = new Rig(transport, unix, 2);
                TestLoop caller = new TestLoop(transport)) {
            Client client = new Client();
            caller.on(() -> rig.dial(caller, 1, client));
            caller.until("answered", () -> client.requestIds.size() == 1 + DATAS.length);
            int more = 200;
            caller.on(() -> {
                client.connection().pauseReading(true);
                for (int i = 0; i < more; i++) {
                    client.connection().send(Peers.make(caller.loop, 1000 + i, 64, 65536));
                }
            });
            rig.homes
                    .get(1)
                    .test
                    .until("answers wait", () -> rig.homes.get(1).test.loop.bufs().bytesOut() > 0);
            caller.on(() -> client.connection().pauseReading(false));
            caller.until("all are back", () -> client.requestIds.size() == 1 + DATAS.length + more);
            assertThat(client.wrong).isEmpty();
            caller.on(() -> client.connection().close());
            rig.assertNothingIsLeft();
        }
    }

    /// Some are gone before they were read, some while they move, some after it; with all that they
    /// sent delivered, and not.
    @ParameterizedTest
    @MethodSource("transports")
    void peers_that_leave_meanwhile_leave_nothing(Transport transport, boolean unix)
            throws Exception {
        try (Rig rig = new Rig(transport, unix, 3)) {
            byte[][] firsts = {rig.bytes(0, 0), rig.bytes(1, 0), rig.bytes(2, 40_000)};
            for (int i = 0; i < 600; i++) {
                try (SocketChannel peer = rig.connect()) {
                    byte[] first = firsts[i % 3];
                    int length = i % 7 == 6 ? first.length / 2 : first.length;
                    peer.write(ByteBuffer.wrap(first, 0, length));
                    if (i % 4 == 0) {
                        // An answer: it has arrived.
                        if (length == first.length) {
                            assertThat(peer.read(ByteBuffer.allocate(24))).isPositive();
                        }
                    } else if (i % 4 == 1 && !unix) {
                        peer.setOption(StandardSocketOptions.SO_LINGER, 0);
                    } else if (i % 4 == 2) {
                        Thread.onSpinWait();
                    }
                }
            }
            rig.assertNothingIsLeft();
            assertThat(rig.wrongLoop.get()).isZero();
            assertThat(rig.homes.get(1).connected.get()).isPositive();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void what_does_not_begin_with_a_short_sound_frame_stays(Transport transport, boolean unix)
            throws IOException {
        try (Rig rig = new Rig(transport, unix, 2);
                TestLoop caller = new TestLoop(transport)) {
            byte[] spoilt = rig.bytes(1, 0);
            spoilt[20]++;
            byte[] endless = rig.bytes(1, 0);
            endless[7] = 1;
            for (byte[] bytes : List.of(spoilt, endless)) {
                try (SocketChannel peer = rig.connect()) {
                    peer.write(ByteBuffer.wrap(bytes));
                    assertThat(peer.read(ByteBuffer.allocate(24))).isEqualTo(-1);
                }
            }
            Client client = new Client();
            caller.on(() ->
                    new SocketDialer(caller.loop)
                            .dial(List.of(rig.listener.address().toString()), client));
            caller.until("connected", () -> client.connection != null);
            caller.on(() ->
                    client.connection()
                            .send(Peers.make(caller.loop, 1, Limits.RECEIVE_BYTES + 1, 5000)));
            caller.until("served", () -> client.requestIds.size() == 1);
            assertThat(client.wrong).isEmpty();
            assertThat(rig.homes.get(1).connected.get()).isZero();
            caller.on(() -> client.connection().close());
            rig.assertNothingIsLeft();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void a_first_frame_may_come_byte_by_byte(Transport transport, boolean unix) throws IOException {
        try (Rig rig = new Rig(transport, unix, 2);
                SocketChannel peer = rig.connect()) {
            byte[] bytes = rig.bytes(1, 100);
            for (int i = 0; i < bytes.length; i++) {
                peer.write(ByteBuffer.wrap(bytes, i, 1));
                if (i % 16 == 0) {
                    rig.homes.getFirst().test.on(() -> {});
                }
            }
            ByteBuffer answer = ByteBuffer.allocate(bytes.length);
            while (answer.hasRemaining()) {
                assertThat(peer.read(answer)).isPositive();
            }
            assertThat(answer.array()).isEqualTo(bytes);
            assertThat(rig.homes.get(1).connected.get()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void of_too_many_silent_ones_the_oldest_is_closed(Transport transport, boolean unix)
            throws IOException {
        try (Rig rig = new Rig(transport, unix, 2)) {
            List<SocketChannel> silent = new ArrayList<>();
            long startNs = System.nanoTime();
            SocketChannel oldest = rig.connect();
            rig.homes.getFirst().test.until("taken", () -> rig.listener.connections() == 1);
            for (int i = 0; i < Limits.UNDECIDED_MAX; i++) {
                silent.add(rig.connect());
            }
            assertThat(oldest.read(ByteBuffer.allocate(1))).isEqualTo(-1);
            assertThat(System.nanoTime() - startNs)
                    .as("before its time was up")
                    .isLessThan(Limits.FIRST_FRAME_NS);
            oldest.close();
            rig.homes
                    .getFirst()
                    .test
                    .until("others stay", () -> rig.listener.connections() == silent.size());
            // One that speaks is served.
            SocketChannel last = silent.getLast();
            last.write(ByteBuffer.wrap(rig.bytes(1, 0)));
            assertThat(last.read(ByteBuffer.allocate(24))).isPositive();
            for (SocketChannel peer : silent) {
                peer.close();
            }
            rig.assertNothingIsLeft();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void where_the_loop_has_ended_the_connection_does(Transport transport, boolean unix)
            throws IOException {
        try (Rig rig = new Rig(transport, unix, 2)) {
            rig.homes.get(1).test.close();
            try (SocketChannel peer = rig.connect()) {
                peer.write(ByteBuffer.wrap(rig.bytes(1, 0)));
                assertThat(peer.read(ByteBuffer.allocate(1))).isEqualTo(-1);
            }
        }
    }

    private static long buffered() {
        return UnpooledByteBufAllocator.DEFAULT.metric().usedDirectMemory();
    }

    /// A loop to which connections go. It answers each frame with itself.
    private final class Home implements Connection.Acceptor {
        final TestLoop test;
        final AtomicInteger connected = new AtomicInteger();
        final AtomicInteger open = new AtomicInteger();
        final AtomicInteger wrongLoop;

        Home(Transport transport, AtomicInteger wrongLoop) {
            test = new TestLoop(transport);
            this.wrongLoop = wrongLoop;
        }

        private void check() {
            if (!test.loop.inLoop()) {
                wrongLoop.incrementAndGet();
            }
        }

        @Override
        public Connection.Handler onConnect(Connection connection) {
            check();
            connected.incrementAndGet();
            open.incrementAndGet();
            return new Connection.Handler() {
                @Override
                public void onFrame(Frame frame) {
                    check();
                    // The frame is one of this loop's pool.
                    if (test.loop.frames().out() == 0) {
                        wrongLoop.incrementAndGet();
                    }
                    connection.send(frame);
                }

                @Override
                public void onClosed(String why) {
                    check();
                    open.decrementAndGet();
                }
            };
        }
    }

    /// A listener on the first of some loops.
    private final class Rig implements AutoCloseable {
        final AtomicInteger wrongLoop = new AtomicInteger();
        final List<Home> homes = new ArrayList<>();
        final SocketListener listener;

        /// Bytes in which connections receive.
        private final long bufferedBefore = buffered();

        Rig(Transport transport, boolean unix, int loops) throws IOException {
            for (int i = 0; i < loops; i++) {
                homes.add(new Home(transport, wrongLoop));
            }
            Address address =
                    unix ? new Address.Unix(folder.resolve("s")) : new Address.Tcp("127.0.0.1", 0);
            listener = SocketListener.spread(homes.getFirst().test.loop, address, this::place);
        }

        private Router.Place place(@Nullable Frame first) {
            Home home = homes.get(first == null ? 0 : Math.toIntExact(first.requestId()));
            return new Router.Place(home.test.loop, home);
        }

        /// Sends the first frame and all others at once.
        void dial(TestLoop caller, int home, Client client) {
            new SocketDialer(caller.loop)
                    .dial(
                            List.of(listener.address().toString()),
                            new Connection.Dialed() {
                                @Override
                                public Connection.Handler onConnect(Connection connection) {
                                    connection.send(Peers.make(caller.loop, home, 88, 0));
                                    for (int i = 0; i < DATAS.length; i++) {
                                        connection.send(
                                                Peers.make(caller.loop, 100 + i, 64, DATAS[i]));
                                    }
                                    return client.onConnect(connection);
                                }

                                @Override
                                public void onFailed(String why) {
                                    client.onFailed(why);
                                }
                            });
        }

        SocketChannel connect() throws IOException {
            SocketAddress address =
                    switch (listener.address()) {
                        case Address.Unix unix -> UnixDomainSocketAddress.of(unix.path());
                        case Address.Tcp tcp -> new InetSocketAddress(tcp.host(), tcp.port());
                    };
            return SocketChannel.open(address);
        }

        /// A frame as it travels.
        byte[] bytes(long requestId, int dataBytes) {
            TestLoop any = homes.getFirst().test;
            return requireNonNull(
                    any.loop.call(() -> {
                        Frame frame = Peers.make(any.loop, requestId, 64, dataBytes);
                        frame.seal(any.loop.crc());
                        byte[] bytes = new byte[64 + dataBytes];
                        System.arraycopy(frame.head(), 0, bytes, 0, 64);
                        for (int i = 0; i < dataBytes; i++) {
                            bytes[64 + i] = frame.data().bytes().get(frame.dataOffset() + i);
                        }
                        frame.release();
                        return bytes;
                    }));
        }

        void assertNothingIsLeft() {
            for (Home home : homes) {
                TestLoop test = home.test;
                test.until("all have ended", () -> home.open.get() == 0);
                test.until("no connection is open", () -> listener.connections() == 0);
                test.until(
                        "all is released",
                        () -> test.loop.frames().out() == 0 && test.loop.bufs().bytesOut() == 0);
                test.until("no buffer is left", () -> buffered() == bufferedBefore);
            }
        }

        @Override
        public void close() {
            listener.close();
            homes.forEach(home -> home.test.close());
        }
    }
}
