package comet.server.nbd;

import static comet.server.nbd.MemoryNbdServer.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import comet.io.net.Address;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Connections that move to the loop of their export, on real sockets.
@Timeout(60)
class NbdLoopsTest {
    private static final String FAR = "disk0";
    private static final int OPTIONS = 900;

    private static TwoLoops server(String transport) throws Exception {
        return server(transport, NbdLimits.DEFAULT);
    }

    private static TwoLoops server(String transport, NbdLimits limits) throws Exception {
        return new TwoLoops(transport, limits, null, NbdTls.Mode.OFF);
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void each_export_is_served_on_its_loop(String transport) throws Exception {
        try (TwoLoops server = server(transport)) {
            try (Peer near = new Peer(server.port).enter("near");
                    Peer far = new Peer(server.port).enter(FAR)) {
                for (int i = 0; i < 50; i++) {
                    byte[] data = random(100_000, i);
                    for (Peer peer : List.of(near, far)) {
                        peer.send(new Bytes().request(0, 1, i, i * 100L, data.length).raw(data));
                    }
                    for (Peer peer : List.of(near, far)) {
                        peer.expect(new Bytes().simple(0, i));
                        peer.flush(i);
                    }
                    assertThat(server.near.content(i * 100L, data.length)).isEqualTo(data);
                    assertThat(server.far.content(i * 100L, data.length)).isEqualTo(data);
                }
                NbdCounters counters = server.server.counters();
                assertThat(counters.connectionsOpen).isEqualTo(2);
                assertThat(counters.connectionsAccepted).isEqualTo(2);
                assertThat(counters.requests[1]).isEqualTo(100);
                assertThat(server.server.place(1).shared.counters.requests[1]).isEqualTo(50);
            }
            server.awaitNobody();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void what_comes_right_behind_the_choice_is_served(String transport) throws Exception {
        byte[] data = random(5 << 20, 1);
        try (TwoLoops server = server(transport)) {
            server.far.inOrder = true;
            for (int i = 0; i < 20; i++) {
                try (Peer peer = new Peer(server.port)) {
                    Bytes bytes = new Bytes().u32(3);
                    if (i % 2 == 0) {
                        bytes.go(7, FAR);
                    } else {
                        bytes.option(1, new Bytes().text(FAR));
                    }
                    bytes.request(0, 1, 1, 1000, data.length).raw(data);
                    bytes.request(0, 3, 2, 0, 0).request(0, 2, 3, 0, 0);
                    peer.send(bytes);
                    peer.read(18 + (i % 2 == 0 ? 20 + 12 + 20 : 10));
                    peer.expect(new Bytes().simple(0, 1).simple(0, 2));
                    peer.expectEnd();
                }
                assertThat(server.far.content(1000, data.length)).isEqualTo(data);
            }
            server.awaitNobody();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void a_client_that_closes_its_side_behind_the_choice_is_answered(String transport)
            throws Exception {
        try (TwoLoops server = server(transport)) {
            for (int i = 0; i < 50; i++) {
                CompletableFuture<Boolean> goOn = server.hold(i % 2);
                try (Peer peer = new Peer(server.port)) {
                    peer.send(new Bytes().u32(3).go(7, FAR).request(0, 3, 1, 0, 0));
                    peer.socket.shutdownOutput();
                    goOn.complete(true);
                    peer.read(18 + 20 + 12 + 20);
                    peer.expect(new Bytes().simple(0, 1));
                    peer.expectEnd();
                }
            }
            server.awaitNobody();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void a_session_may_break_at_every_byte(String transport) throws Exception {
        byte[] bytes =
                new Bytes()
                        .u32(3)
                        .option(8)
                        .go(7, FAR)
                        .request(0, 1, 1, 0, 20)
                        .zeroes(20)
                        .request(0, 3, 2, 0, 0)
                        .array();
        try (TwoLoops server = server(transport)) {
            for (int length = 0; length <= bytes.length; length++) {
                for (boolean reset : new boolean[] {false, true}) {
                    try (Peer peer = new Peer(server.port)) {
                        peer.send(new Bytes().raw(Arrays.copyOf(bytes, length)));
                        if (reset) {
                            peer.reset();
                        }
                    }
                }
            }
            server.awaitNobody();
            try (Peer peer = new Peer(server.port).enter(FAR)) {
                peer.flush(1);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void clients_that_leave_on_the_way_harm_nobody(String transport) throws Exception {
        try (TwoLoops server = server(transport);
                Peer good = new Peer(server.port).enter(FAR)) {
            for (int i = 0; i < 40; i++) {
                CompletableFuture<Boolean> goOn = server.hold(1);
                List<Peer> peers = new ArrayList<>();
                for (int j = 0; j < 5; j++) {
                    Peer peer = new Peer(server.port);
                    peers.add(peer);
                    peer.send(new Bytes().u32(3).go(7, FAR).request(0, 1, 1, 0, 9000).zeroes(5000));
                    peer.read(18);
                }
                // They have left one loop and have not come to the other.
                await(() -> server.server.counters().connectionsOpen == 1);
                for (int j = 0; j < 5; j++) {
                    if ((i + j) % 2 == 0) {
                        peers.get(j).reset();
                    } else {
                        peers.get(j).close();
                    }
                }
                goOn.complete(true);
                good.flush(i);
                await(() -> server.server.counters().connectionsOpen == 1);
            }
            good.send(new Bytes().request(0, 2, 1, 0, 0));
            good.expectEnd();
            server.awaitNobody();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void who_is_cut_off_at_its_departure_is_forgotten(String transport) throws Exception {
        try (TwoLoops server = server(transport);
                Peer peer = new Peer(server.port)) {
            NbdLoop near = server.server.place(0);
            near.loop.call(() -> server.nearExports.hold = true);
            peer.send(new Bytes().u32(3).go(7, FAR).request(0, 3, 1, 0, 0));
            peer.read(18);
            await(() -> near.loop.call(server.nearExports::held) == 1);
            near.loop.submit(() -> {
                NbdHandler handler = near.handlers.iterator().next();
                server.nearExports.answer();
                // Behind its departure in the same turn, before the channel has left.
                near.loop.execute(() -> handler.abort("by the test"));
            });
            assertThatThrownBy(() -> peer.read(1)).isInstanceOf(IOException.class);
            server.awaitNobody();
        }
    }

    /// A client that has chosen the far export, with answers before it that it has not taken: more
    /// than the socket holds, less than would keep the choice from being read.
    private static SocketChannel choosing(TwoLoops server, Path path) throws Exception {
        server.nearExports.echo = true;
        server.server.listen(new Address.Unix(path)).get();
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(path));
        Bytes bytes = new Bytes().u32(3);
        for (int i = 0; i < OPTIONS; i++) {
            bytes.go(6, "x".repeat(250));
        }
        write(channel, bytes);
        NbdLoop near = server.server.place(0);
        // Answered, and written as far as the socket takes it, before the choice comes.
        await(() -> near.loop.call(() -> server.nearExports.found) == OPTIONS);
        near.loop.call(() -> true);
        write(channel, new Bytes().go(7, FAR).request(0, 3, 1, 0, 0));
        await(() -> near.loop.call(() -> near.handlers.stream().anyMatch(NbdHandler::moves)));
        return channel;
    }

    private static void write(SocketChannel channel, Bytes bytes) throws IOException {
        ByteBuffer out = ByteBuffer.wrap(bytes.array());
        while (out.hasRemaining()) {
            channel.write(out);
        }
    }

    @Test
    void a_client_moves_when_it_has_taken_what_was_said_before(@TempDir Path folder)
            throws Exception {
        try (TwoLoops server = server("epoll");
                SocketChannel channel = choosing(server, folder.resolve("s"))) {
            for (int i = 0; i < 20; i++) {
                server.loops.get(0).call(() -> true);
                assertThat(server.server.place(0).shared.counters.connectionsOpen).isEqualTo(1);
            }
            int refusal = 20 + "there is no ".length() + 250;
            ByteBuffer in = ByteBuffer.allocate(18 + OPTIONS * refusal + 20 + 12 + 20 + 16);
            while (in.hasRemaining()) {
                assertThat(channel.read(in)).isPositive();
            }
            assertThat(in.getLong(in.limit() - 8)).isEqualTo(1);
            assertThat(server.server.place(1).shared.counters.connectionsOpen).isEqualTo(1);
        }
    }

    @Test
    void who_does_not_take_what_was_said_before_is_cut_after_a_while(@TempDir Path folder)
            throws Exception {
        try (TwoLoops server = server("epoll", small(16));
                SocketChannel _ = choosing(server, folder.resolve("s"))) {
            await(() -> server.server.counters().connectionsAborted == 1);
            assertThat(server.said).anyMatch(line -> line.contains("negotiation took too long"));
            server.awaitNobody();
        }
    }

    @Test
    void a_name_that_was_given_to_another_volume_meanwhile_is_followed() throws Exception {
        try (TwoLoops server = server("epoll")) {
            // As if both had had the name in turn: the far loop knows that it is near again.
            server.nearExports.addElsewhere("renamed", server.near, 1);
            server.farExports.addElsewhere("renamed", server.near, 0);
            CompletableFuture<Boolean> goOn = server.hold(1);
            try (Peer peer = new Peer(server.port)) {
                peer.send(new Bytes().u32(3).option(8).go(7, "renamed").request(0, 3, 7, 0, 0));
                peer.read(18 + 20);
                await(() -> server.server.counters().connectionsOpen == 0);
                server.loops.get(0).call(() -> server.nearExports.here("renamed"));
                goOn.complete(true);
                peer.read(20 + 12 + 20);
                peer.expect(new Bytes().simple(0, 7));
            }
            server.awaitNobody();
        }
    }

    @Test
    void who_is_refused_after_the_move_goes_on_negotiating_there() throws Exception {
        try (TwoLoops server = server("epoll")) {
            server.nearExports.addElsewhere("gone", server.near, 1);
            try (Peer peer = new Peer(server.port)) {
                peer.send(new Bytes().u32(3).go(7, "gone"));
                peer.read(18);
                peer.expect(
                        new Bytes().optionReply(7, 0x80000006, new Bytes().text("no such export")));
                peer.enterGreeted("near");
                peer.flush(3);
            }
            server.awaitNobody();
        }
    }

    @Test
    void connections_count_wherever_they_are() throws Exception {
        try (TwoLoops server = server("epoll", small(4))) {
            List<Peer> peers = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                peers.add(new Peer(server.port).enter(i == 0 ? "near" : FAR));
            }
            try (Peer refused = new Peer(server.port)) {
                assertThatThrownBy(() -> refused.read(1)).isInstanceOf(IOException.class);
            }
            assertThat(server.server.counters().connectionsRefused).isEqualTo(1);
            for (Peer peer : peers) {
                peer.close();
            }
            server.awaitNobody();
            for (int i = 0; i < 4; i++) {
                peers.set(i, new Peer(server.port).enter(FAR));
            }
            for (Peer peer : peers) {
                peer.close();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio"})
    void a_stop_ends_those_on_all_loops_and_on_the_way(String transport) throws Exception {
        TwoLoops server = server(transport);
        server.far.onWaiting = () -> {};
        try (server;
                Peer idle = new Peer(server.port);
                Peer near = new Peer(server.port).enter("near");
                Peer far = new Peer(server.port).enter(FAR)) {
            far.send(new Bytes().request(0, 3, 1, 0, 0));
            await(() -> server.server.counters().requestsInFlight == 1);
            CompletableFuture<Boolean> goOn = server.hold(1);
            try (Peer moving = new Peer(server.port)) {
                moving.send(new Bytes().u32(3).go(7, FAR).request(0, 3, 1, 0, 0));
                moving.read(18);
                await(() -> server.server.counters().connectionsOpen == 3);
                CompletableFuture<?> stopped = server.server.stop(Duration.ofSeconds(20));
                idle.read(18);
                idle.expectEnd();
                near.expectEnd();
                assertThat(stopped).isNotDone();
                goOn.complete(true);
                moving.socket.getInputStream().readAllBytes();
                assertThat(stopped).isNotDone();
                server.loops.get(1).submit(server.far::pump);
                far.expect(new Bytes().simple(0, 1));
                far.expectEnd();
                stopped.get();
            }
            assertThat(server.server.counters().connectionsOpen).isZero();
            assertThat(server.loops.get(1).call(() -> server.farExports.open)).isZero();
        }
    }

    @Test
    void a_stop_during_many_moves_leaves_nobody() throws Exception {
        for (int i = 0; i < 20; i++) {
            try (TwoLoops server = server("epoll")) {
                List<Peer> peers = new ArrayList<>();
                for (int j = 0; j < 30; j++) {
                    peers.add(new Peer(server.port));
                }
                for (Peer peer : peers) {
                    peer.send(new Bytes().u32(3).go(7, FAR).request(0, 3, 1, 0, 0));
                }
                server.server.stop(Duration.ofSeconds(20)).get();
                assertThat(server.server.counters().connectionsOpen).isZero();
                assertThat(server.loops.get(1).call(() -> server.farExports.open)).isZero();
                for (Peer peer : peers) {
                    peer.close();
                }
            }
        }
    }

    private static NbdLimits small(int connections) {
        return new NbdLimits(
                connections,
                64,
                32 << 20,
                96 << 20,
                256 << 10,
                1 << 20,
                8 << 20,
                2_000_000_000L,
                1_000_000_000L);
    }

    private static byte[] random(int length, long seed) {
        byte[] data = new byte[length];
        new Random(seed).nextBytes(data);
        return data;
    }
}
