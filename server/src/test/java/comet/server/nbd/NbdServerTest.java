package comet.server.nbd;

import static comet.server.nbd.MemoryNbdServer.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.PooledByteBufAllocator;
import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The server on real sockets.
@Timeout(60)
class NbdServerTest {
    private static final NbdLimits SMALL =
            new NbdLimits(
                    16,
                    64,
                    32 << 20,
                    48 << 20,
                    256 << 10,
                    1 << 20,
                    8 << 20,
                    500_000_000L,
                    1_000_000_000L);

    private static MemoryNbdServer server(String transport, NbdLimits limits) {
        MemoryNbdServer server = new MemoryNbdServer(transport, limits);
        server.add("disk0", 64 << 20, false);
        return server;
    }

    @ParameterizedTest
    @ValueSource(strings = {"nio", "epoll", "io_uring"})
    void every_kind_of_loop_serves_tcp_and_unix_sockets(String transport, @TempDir Path folder)
            throws Exception {
        try (MemoryNbdServer server = server(transport, NbdLimits.DEFAULT)) {
            byte[] data = new byte[5 << 20];
            new java.util.Random(1).nextBytes(data);
            try (Peer peer = new Peer(server.listenTcp()).enter("disk0")) {
                peer.send(new Bytes().request(1, 1, 1, 1000, data.length).raw(data));
                peer.expect(new Bytes().simple(0, 1));
                peer.send(new Bytes().request(0, 0, 2, 1000, data.length));
                peer.expect(
                        new Bytes()
                                .raw(
                                        new Bytes()
                                                .u32(0x668e33ef)
                                                .u16(1)
                                                .u16(1)
                                                .u64(2)
                                                .u32(8 + data.length)
                                                .u64(1000)));
                assertThat(peer.read(data.length)).isEqualTo(data);
                peer.send(new Bytes().request(0, 2, 3, 0, 0));
                peer.expectEnd();
            }
            Path path = folder.resolve("nbd.sock");
            server.listenUnix(path);
            try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                channel.connect(UnixDomainSocketAddress.of(path));
                ByteBuffer greeting = ByteBuffer.allocate(18);
                while (greeting.hasRemaining()) {
                    assertThat(channel.read(greeting)).isPositive();
                }
                assertThat(greeting.getLong(0)).isEqualTo(0x4e42444d41474943L);
            }
            server.server.stop(Duration.ofSeconds(5)).get();
            assertThat(path).doesNotExist();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "io_uring"})
    void clients_that_reset_with_replies_pending_harm_nobody(String transport) throws Exception {
        try (MemoryNbdServer server = server(transport, NbdLimits.DEFAULT)) {
            int port = server.listenTcp();
            try (Peer good = new Peer(port).enter("disk0")) {
                for (int i = 0; i < 60; i++) {
                    try (Peer bad = new Peer(port).enter("disk0")) {
                        Bytes requests = new Bytes();
                        for (int j = 0; j < 40; j++) {
                            requests.request(4, 0, j, j * 65536L, 1 << 20);
                            requests.request(0, 1, j, j * 65536L, 8192).zeroes(8192);
                        }
                        // The last one stays unfinished.
                        bad.send(requests.request(0, 1, 99, 0, 100_000).zeroes(i * 1000));
                        if (i % 2 == 0) {
                            bad.read(100_000);
                        }
                        bad.reset();
                    }
                    good.flush(i);
                }
                await(() -> server.server.counters().connectionsOpen == 1);
                await(() -> server.server.counters().requestsInFlight == 0);
                await(() -> server.exports.open == 1);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "io_uring"})
    void a_session_may_break_at_every_byte(String transport) throws Exception {
        byte[] bytes =
                new Bytes()
                        .u32(3)
                        .option(8)
                        .go(7, "disk0")
                        .request(0, 1, 1, 0, 20)
                        .zeroes(20)
                        .request(4, 0, 2, 0, 4096)
                        .request(0, 2, 3, 0, 0)
                        .array();
        try (MemoryNbdServer server = server(transport, NbdLimits.DEFAULT)) {
            int port = server.listenTcp();
            for (int length = 0; length < bytes.length; length++) {
                try (Peer peer = new Peer(port)) {
                    peer.send(new Bytes().raw(java.util.Arrays.copyOf(bytes, length)));
                    if (length % 2 == 0) {
                        peer.reset();
                    }
                }
            }
            await(() -> server.server.counters().connectionsOpen == 0 && server.exports.open == 0);
            try (Peer peer = new Peer(port).enter("disk0")) {
                peer.flush(1);
            }
        }
    }

    @Test
    void a_client_that_never_reads_is_cut_when_its_memory_is_wanted() throws Exception {
        try (MemoryNbdServer server = server("epoll", SMALL)) {
            int port = server.listenTcp();
            List<Peer> bad = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                Peer peer = new Peer(port).enter("disk0");
                for (int j = 0; j < 8; j++) {
                    peer.send(new Bytes().request(4, 0, j, 0, 16 << 20));
                }
                bad.add(peer);
            }
            try (Peer good = new Peer(port).enter("disk0")) {
                good.flush(1);
                good.send(new Bytes().request(4, 0, 2, 0, 32 << 20));
                good.read(28 + (32 << 20));
                good.flush(3);
            }
            assertThat(server.server.counters().connectionsAborted).isPositive();
            for (Peer peer : bad) {
                peer.close();
            }
        }
    }

    @Test
    void requests_without_end_and_without_reading_are_bounded() throws Exception {
        try (MemoryNbdServer server = server("epoll", SMALL)) {
            int port = server.listenTcp();
            try (Peer bad = new Peer(port).enter("disk0");
                    Peer good = new Peer(port).enter("disk0")) {
                Bytes requests = new Bytes();
                for (int i = 0; i < 10_000; i++) {
                    requests.request(0, 99, i, 0, 0);
                }
                Thread sender =
                        Thread.ofVirtual()
                                .start(() -> {
                                    try {
                                        for (int i = 0; i < 10_000; i++) {
                                            bad.send(requests);
                                        }
                                    } catch (IOException e) {
                                        // Closed below.
                                    }
                                });
                long seen = -1;
                while (server.server.counters().requests[8] != seen) {
                    seen = server.server.counters().requests[8];
                    TimeUnit.MILLISECONDS.sleep(300);
                    good.flush(1);
                }
                assertThat(seen).isLessThan(2_000_000);
                bad.reset();
                sender.join();
            }
        }
    }

    /// A connection whose socket is full: most of a large reply waits in the server.
    private static Peer stuck(MemoryNbdServer server, int port) throws Exception {
        Peer peer = new Peer(port).enter("disk0");
        peer.send(new Bytes().request(4, 0, 1, 0, 7 << 20));
        await(() -> server.server.counters().readBytes == 7 << 20);
        return peer;
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "io_uring"})
    void replies_that_nobody_takes_do_not_hold_a_buffer_each(String transport) throws Exception {
        try (MemoryNbdServer server = server(transport, NbdLimits.DEFAULT)) {
            try (Peer bad = stuck(server, server.listenTcp())) {
                long before = PooledByteBufAllocator.DEFAULT.metric().usedDirectMemory();
                for (int i = 1; i <= 2000; i++) {
                    int count = i;
                    bad.send(new Bytes().request(0, 5, i, 0, 0));
                    // One turn of the loop each.
                    long end = System.nanoTime() + 20_000_000_000L;
                    while (server.loop.call(() -> server.server.counters().requests[5]) < count) {
                        assertThat(System.nanoTime()).as("answer %d", count).isLessThan(end);
                    }
                }
                long after = PooledByteBufAllocator.DEFAULT.metric().usedDirectMemory();
                assertThat(after - before).isLessThan(32 << 20);
                bad.read(28 + (7 << 20) + 2000 * 16);
                bad.flush(9);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "io_uring"})
    void replies_without_data_that_nobody_takes_are_bounded(String transport) throws Exception {
        try (MemoryNbdServer server = server(transport, NbdLimits.DEFAULT)) {
            try (Peer bad = stuck(server, server.listenTcp())) {
                int count = 60_000;
                Bytes requests = new Bytes();
                for (int i = 0; i < count; i++) {
                    requests.request(0, 5, i, 0, 0);
                }
                Thread sender = Thread.ofVirtual().start(() -> trySend(bad, requests));
                long seen = -1;
                while (server.server.counters().requests[5] != seen) {
                    seen = server.server.counters().requests[5];
                    TimeUnit.MILLISECONDS.sleep(300);
                }
                assertThat(seen).isBetween(1L, count / 2L);
                // Nothing is lost: once the client reads, it gets all of them.
                bad.read(28 + (7 << 20) + count * 16);
                sender.join();
                bad.flush(9);
            }
        }
    }

    private static void trySend(Peer peer, Bytes bytes) {
        try {
            peer.send(bytes);
        } catch (IOException e) {
            // The other side has closed.
            return;
        }
    }

    @Test
    void a_silent_client_is_dropped_after_the_deadline_of_the_negotiation() throws Exception {
        try (MemoryNbdServer server = server("epoll", SMALL);
                Peer peer = new Peer(server.listenTcp())) {
            peer.read(18);
            peer.expectEnd();
        }
    }

    @Test
    void connections_beyond_the_bound_are_closed_at_once() throws Exception {
        try (MemoryNbdServer server = server("epoll", SMALL)) {
            int port = server.listenTcp();
            List<Peer> peers = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                peers.add(new Peer(port).enter("disk0"));
            }
            try (Peer one = new Peer(port)) {
                assertThatThrownBy(() -> one.read(18)).isInstanceOf(IOException.class);
            }
            peers.removeLast().close();
            await(() -> server.server.counters().connectionsOpen == 15);
            try (Peer one = new Peer(port).enter("disk0")) {
                one.flush(1);
            }
            for (Peer peer : peers) {
                peer.flush(2);
                peer.close();
            }
        }
    }

    @Test
    void disc_and_a_closed_side_get_their_answers() throws Exception {
        try (MemoryNbdServer server = server("epoll", NbdLimits.DEFAULT)) {
            int port = server.listenTcp();
            for (boolean disc : new boolean[] {true, false}) {
                try (Peer peer = new Peer(port).enter("disk0")) {
                    Bytes requests = new Bytes();
                    for (int i = 0; i < 300; i++) {
                        requests.request(0, 1, i, i * 4096L, 4096).zeroes(4096);
                    }
                    if (disc) {
                        requests.request(0, 2, 0, 0, 0);
                    }
                    peer.send(requests);
                    peer.socket.shutdownOutput();
                    peer.read(300 * 16);
                    peer.expectEnd();
                }
            }
            await(() -> server.exports.open == 0);
        }
    }

    @Test
    void a_stop_answers_what_is_in_flight() throws Exception {
        MemoryNbdServer server = new MemoryNbdServer("epoll", NbdLimits.DEFAULT);
        MemoryDevice device = server.exports.add("held", 1 << 20, false);
        try (server;
                Peer idle = new Peer(server.listenTcp());
                Peer peer = new Peer(server.listenTcp()).enter("held")) {
            peer.send(new Bytes().request(0, 3, 1, 0, 0));
            await(() -> server.server.counters().requestsInFlight == 1);
            java.util.concurrent.CompletableFuture<?> stopped =
                    server.server.stop(Duration.ofSeconds(10));
            idle.read(18);
            idle.expectEnd();
            peer.send(new Bytes().request(0, 3, 2, 0, 0));
            assertThat(stopped).isNotDone();
            server.loop.submit(device::pump);
            peer.expect(new Bytes().simple(0, 1));
            stopped.get();
            assertThatThrownBy(() -> peer.read(1))
                    .isInstanceOfAny(EOFException.class, IOException.class);
        }
    }

    @Test
    void a_process_that_is_too_busy_to_accept_keeps_its_socket(@TempDir Path folder)
            throws Exception {
        Path path = folder.resolve("nbd.sock");
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(path);
        List<SocketChannel> waiting = new ArrayList<>();
        try (MemoryNbdServer server = server("epoll", NbdLimits.DEFAULT);
                ServerSocketChannel other = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            other.bind(address, 1);
            assertThatThrownBy(
                            () -> {
                                for (int i = 0; i < 10; i++) {
                                    SocketChannel channel =
                                            SocketChannel.open(StandardProtocolFamily.UNIX);
                                    waiting.add(channel);
                                    channel.configureBlocking(false);
                                    channel.connect(address);
                                }
                            })
                    .hasMessageContaining("unavailable");
            assertThatThrownBy(() -> server.listenUnix(path))
                    .hasMessageContaining("another process listens");
            assertThat(path).exists();
        } finally {
            for (SocketChannel channel : waiting) {
                channel.close();
            }
        }
    }

    @Test
    void a_socket_file_is_replaced_only_if_nobody_listens(@TempDir Path folder) throws Exception {
        Path path = folder.resolve("nbd.sock");
        try (MemoryNbdServer server = server("epoll", NbdLimits.DEFAULT)) {
            try (ServerSocketChannel other =
                    ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
                other.bind(UnixDomainSocketAddress.of(path));
                assertThatThrownBy(() -> server.listenUnix(path))
                        .hasMessageContaining("another process listens");
            }
            assertThat(path).exists();
            server.listenUnix(path);
            assertThat(Files.getPosixFilePermissions(path))
                    .isEqualTo(PosixFilePermissions.fromString("rw-rw----"));
            Path file = Files.writeString(folder.resolve("file"), "precious");
            assertThatThrownBy(() -> server.listenUnix(file))
                    .hasMessageContaining("a file is there");
            assertThat(file).hasContent("precious");
            Path tooLong = folder.resolve("x".repeat(108));
            assertThatThrownBy(() -> server.listenUnix(tooLong)).hasMessageContaining("107");
        }
    }
}
