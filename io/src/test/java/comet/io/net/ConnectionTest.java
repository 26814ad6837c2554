package comet.io.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import comet.io.loop.Transport;
import comet.io.net.Peers.Client;
import comet.io.net.Peers.Echo;
import comet.io.testing.TestLoop;
import comet.port.Connection;
import comet.wire.Frame;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ConnectionTest {
    @TempDir Path folder;

    static Stream<Arguments> transports() {
        return Stream.of(Transport.values())
                .filter(Transport::isAvailable)
                .flatMap(transport ->
                        Stream.of(Arguments.of(transport, true), Arguments.of(transport, false)));
    }

    @ParameterizedTest
    @MethodSource("transports")
    void frames_of_all_sizes_come_back_in_order(Transport transport, boolean unix)
            throws IOException {
        try (TestLoop server = new TestLoop(transport);
                TestLoop test = new TestLoop(transport)) {
            Echo echo = new Echo();
            SocketListener listener = listen(server, unix, echo);
            Client client = dial(test, listener);
            int[] heads = {24, 25, 88, 4096, 70_000, Frame.HEAD_BYTES_MAX};
            int[] datas = {0, 1, 4096, 8192, 16383, 16384, 65536, 1 << 20, 4 << 20};
            test.on(() -> {
                long id = 0;
                for (int head : heads) {
                    for (int data : datas) {
                        client.connection().send(Peers.make(test.loop, id++, head, data));
                    }
                }
            });
            int count = heads.length * datas.length;
            test.until("all are back", () -> client.requestIds.size() == count);
            assertThat(client.wrong).isEmpty();
            assertThat(client.requestIds).isEqualTo(LongStream.range(0, count).boxed().toList());
            test.on(() -> {
                assertThat(client.connection().queuedBytes()).isZero();
                client.connection().close();
            });
            test.until("the caller is told of the end", () -> client.closed != null);
            server.until("the listener is told of the end", () -> echo.ends.size() == 1);
            assertAtRest(test);
            assertAtRest(server);
            listener.close();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void many_small_frames_within_one_turn(Transport transport, boolean unix) throws IOException {
        try (TestLoop test = new TestLoop(transport)) {
            SocketListener listener = listen(test, unix, new Echo());
            Client client = dial(test, listener);
            int count = 20_000;
            test.on(() -> {
                for (int i = 0; i < count; i++) {
                    client.connection().send(Peers.make(test.loop, i, 64, i % 3 * 2048));
                }
            });
            test.until("all are back", () -> client.requestIds.size() == count);
            assertThat(client.wrong).isEmpty();
            assertThat(client.requestIds).isSorted();
            assertAtRest(test);
            listener.close();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void a_reader_that_pauses_holds_the_sender_back(Transport transport, boolean unix)
            throws IOException {
        try (TestLoop test = new TestLoop(transport)) {
            SocketListener listener = listen(test, unix, new Echo());
            Client client = dial(test, listener);
            int count = 200;
            test.on(() -> {
                client.connection().pauseReading(true);
                for (int i = 0; i < count; i++) {
                    client.connection().send(Peers.make(test.loop, i, 64, 65536));
                }
            });
            // What goes round and round without end is stuck at some point: bytes are queued.
            test.until("the sockets are full", () -> test.loop.bufs().bytesOut() > 0);
            test.on(() -> assertThat(client.requestIds).isEmpty());
            test.on(() -> client.connection().pauseReading(false));
            test.until("all are back", () -> client.requestIds.size() == count);
            assertThat(client.wrong).isEmpty();
            assertThat(client.requestIds).isSorted();
            test.until("nothing is queued", () -> client.connection().queuedBytes() == 0);
            assertAtRest(test);
            listener.close();
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void what_was_sent_before_a_close_arrives(Transport transport, boolean unix)
            throws IOException {
        try (TestLoop test = new TestLoop(transport)) {
            SocketListener listener =
                    listen(
                            test,
                            unix,
                            connection -> {
                                connection.send(Peers.make(test.loop, 1, 24, 100));
                                connection.close();
                                connection.close();
                                connection.send(Peers.make(test.loop, 2, 24, 100));
                                return new Client();
                            });
            Client client = dial(test, listener);
            test.until("the end", () -> client.closed != null);
            assertThat(client.requestIds).containsExactly(1L);
            assertThat(client.closedCount).isEqualTo(1);
            assertAtRest(test);
            listener.close();
        }
    }

    @Test
    void a_stale_socket_is_replaced_and_a_live_one_refused() throws IOException {
        Path path = folder.resolve("s");
        Address address = new Address.Unix(path);
        try (TestLoop test = new TestLoop()) {
            SocketListener first = SocketListener.listen(test.loop, address, new Echo());
            assertThatThrownBy(() -> SocketListener.listen(test.loop, address, new Echo()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("another process listens there");
            first.close();
            assertThat(path).doesNotExist();
            stale(path);
            SocketListener.listen(test.loop, address, new Echo()).close();
            Files.writeString(path, "a file of somebody's");
            assertThatThrownBy(() -> SocketListener.listen(test.loop, address, new Echo()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("a file is there");
            assertThat(path).hasContent("a file of somebody's");
        }
    }

    @Test
    void a_port_in_use_is_refused_by_name() throws IOException {
        try (TestLoop test = new TestLoop()) {
            SocketListener first = listen(test, false, new Echo());
            assertThatThrownBy(() -> SocketListener.listen(test.loop, first.address(), new Echo()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(first.address().toString());
            first.close();
        }
    }

    @Test
    void the_first_address_that_answers_is_called() throws IOException {
        try (TestLoop test = new TestLoop()) {
            SocketListener listener = listen(test, false, new Echo());
            SocketListener gone = listen(test, false, new Echo());
            gone.close();
            Client client = new Client();
            List<String> addresses =
                    List.of(
                            "unix:" + folder.resolve("nobody"),
                            "nonsense",
                            gone.address().toString(),
                            listener.address().toString().replace("127.0.0.1", "localhost"));
            test.on(() -> new SocketDialer(test.loop).dial(addresses, client));
            test.until("connected", () -> client.connection != null);

            Client unlucky = new Client();
            test.on(() -> new SocketDialer(test.loop).dial(addresses.subList(0, 3), unlucky));
            test.until("failed", () -> unlucky.failed != null);
            assertThat(unlucky.failed).contains("not on this host").contains("refused");
            listener.close();
        }
    }

    @Test
    void direct_connections_keep_order_and_never_nest() {
        try (TestLoop test = new TestLoop()) {
            DirectNet net = new DirectNet(test.loop);
            Echo echo = new Echo();
            Client client = new Client();
            test.on(() -> {
                net.listen("node", echo);
                net.dialer((_, done) -> done.onFailed("not here"))
                        .dial(List.of(DirectNet.address("node")), client);
                assertThat(client.connection).isNull();
            });
            test.until("connected", () -> client.connection != null);
            test.on(() -> {
                for (int i = 0; i < 100; i++) {
                    client.connection().send(Peers.make(test.loop, i, 64, 4096));
                }
                assertThat(client.requestIds).isEmpty();
                assertThat(client.connection().queuedBytes()).isPositive();
            });
            test.until("all are back", () -> client.requestIds.size() == 100);
            assertThat(client.wrong).isEmpty();
            assertThat(client.requestIds).isSorted();
            test.on(() -> {
                client.connection().send(Peers.make(test.loop, 100, 64, 4096));
                client.connection().close();
            });
            test.until("both are told", () -> client.closed != null && echo.ends.size() == 1);
            assertAtRest(test);

            Client unlucky = new Client();
            test.on(() -> {
                net.unlisten("node");
                net.dialer((_, done) -> done.onFailed("not here"))
                        .dial(List.of(DirectNet.address("node")), unlucky);
            });
            test.until("failed", () -> unlucky.failed != null);
        }
    }

    private SocketListener listen(TestLoop test, boolean unix, Connection.Acceptor acceptor)
            throws IOException {
        Address address =
                unix ? new Address.Unix(folder.resolve("s")) : new Address.Tcp("127.0.0.1", 0);
        return SocketListener.listen(test.loop, address, acceptor);
    }

    private static Client dial(TestLoop test, SocketListener listener) {
        Client client = new Client();
        List<String> addresses = List.of(listener.address().toString());
        test.on(() -> new SocketDialer(test.loop).dial(addresses, client));
        test.until("connected", () -> client.connection != null || client.failed != null);
        assertThat(client.failed).isNull();
        return client;
    }

    /// Nothing was lost: every frame and every buffer is back in its pool.
    private static void assertAtRest(TestLoop test) {
        test.until(
                "all is released",
                () -> test.loop.frames().out() == 0 && test.loop.bufs().bytesOut() == 0);
    }

    private static void stale(Path path) throws IOException {
        try (var channel =
                java.nio.channels.ServerSocketChannel.open(java.net.StandardProtocolFamily.UNIX)) {
            channel.bind(java.net.UnixDomainSocketAddress.of(path));
        }
        assertThat(path).exists();
    }
}
