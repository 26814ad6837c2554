package comet.server.nbd;

import static comet.server.nbd.MemoryNbdServer.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import comet.port.Events;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The server under TLS, on real sockets.
@Timeout(90)
class NbdTlsTest {
    @TempDir static Path certificates = Path.of("");

    @BeforeAll
    static void make() throws Exception {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(folder.resolve("it/tools"))) {
            folder = folder.getParent();
        }
        assumeTrue(new ProcessBuilder("openssl", "version").start().waitFor() == 0);
        Process process =
                new ProcessBuilder(
                                folder.resolve("it/tools/certificates").toString(),
                                certificates.toString())
                        .inheritIO()
                        .start();
        assertThat(process.waitFor()).isZero();
    }

    private static NbdTls tls(String server, boolean clients) throws IOException {
        return new NbdTls(
                certificates.resolve(server).resolve("server-cert.pem"),
                certificates.resolve(server).resolve("server-key.pem"),
                clients ? certificates.resolve("authority/cert.pem") : null);
    }

    private static MemoryNbdServer server(String transport, String certificate, boolean clients)
            throws IOException {
        MemoryNbdServer server =
                new MemoryNbdServer(transport, NbdLimits.DEFAULT, tls(certificate, clients));
        server.add("disk0", 64 << 20, false);
        return server;
    }

    /// A client that has started TLS.
    private static final class SecurePeer extends Peer {
        SecurePeer(int port, String who, @Nullable String protocol) throws Exception {
            super(secured(port, who, protocol));
        }

        SecurePeer enter() throws IOException {
            enterGreeted("disk0");
            return this;
        }
    }

    private static SSLSocket secured(int port, String who, @Nullable String protocol)
            throws Exception {
        Peer plain = asking(port);
        try {
            SSLSocket socket =
                    (SSLSocket)
                            context(who)
                                    .getSocketFactory()
                                    .createSocket(plain.socket, "localhost", port, true);
            if (protocol != null) {
                socket.setEnabledProtocols(new String[] {protocol});
            }
            socket.startHandshake();
            return socket;
        } catch (IOException e) {
            plain.close();
            throw e;
        }
    }

    /// A client that has asked for TLS, and got the answer.
    private static Peer asking(int port) throws IOException {
        Peer peer = new Peer(port);
        peer.read(18);
        peer.send(new Bytes().u32(3).option(5));
        peer.read(20);
        return peer;
    }

    private static SSLContext context(String who) throws Exception {
        Path folder = certificates.resolve(who);
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        trusted.setCertificateEntry("ca", certificate(folder.resolve("ca-cert.pem")));
        TrustManagerFactory trust =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        KeyStore own = KeyStore.getInstance(KeyStore.getDefaultType());
        own.load(null, null);
        if (Files.exists(folder.resolve("client-key.pem"))) {
            PrivateKey key =
                    PrivateKeys.read(Files.readString(folder.resolve("client-key.pem")), "EC");
            Certificate[] chain = {certificate(folder.resolve("client-cert.pem"))};
            own.setKeyEntry("own", key, new char[0], chain);
        }
        KeyManagerFactory keys =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(own, new char[0]);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    private static Certificate certificate(Path file) throws Exception {
        try (InputStream in = Files.newInputStream(file)) {
            return CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "epoll,server,TLSv1.3",
        "epoll,rsa,TLSv1.2",
        "nio,server,TLSv1.3",
        "io_uring,rsa,TLSv1.3"
    })
    void requests_of_every_size_pass(String transport, String certificate, String protocol)
            throws Exception {
        try (MemoryNbdServer server = server(transport, certificate, true)) {
            int port = server.listenTcp(NbdTls.Mode.REQUIRED);
            try (SecurePeer peer = new SecurePeer(port, "client", protocol).enter()) {
                Random random = new Random(7);
                for (int size : new int[] {1, 511, 4096, 16_384, 16_385, 100_000, 9 << 20}) {
                    byte[] data = new byte[size];
                    random.nextBytes(data);
                    peer.send(new Bytes().request(1, 1, size, 777, size).raw(data));
                    peer.expect(new Bytes().simple(0, size));
                    peer.send(new Bytes().request(4, 0, size, 777, size));
                    assertThat(peer.read(28 + size)).endsWith(data);
                }
                Bytes many = new Bytes();
                for (int i = 0; i < 500; i++) {
                    many.request(0, 1, i, i * 4096L, 4096).zeroes(4096);
                }
                peer.send(many.request(0, 2, 0, 0, 0));
                peer.read(500 * 16);
                peer.expectEnd();
            }
            await(() -> server.server.counters().connectionsOpen == 0 && server.exports.open == 0);
            assertThat(server.said).anyMatch(line -> line.contains("nbd-secured"));
            assertThat(server.said).noneMatch(line -> line.startsWith("ERROR"));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "epoll,TLSv1.3,REQUIRED",
        "epoll,TLSv1.2,REQUIRED",
        "epoll,TLSv1.3,OPTIONAL",
        "nio,TLSv1.3,REQUIRED",
        "nio,TLSv1.2,OPTIONAL"
    })
    void a_connection_moves_with_its_keys(String transport, String protocol, NbdTls.Mode mode)
            throws Exception {
        byte[] data = new byte[5 << 20];
        new Random(1).nextBytes(data);
        try (TwoLoops server =
                new TwoLoops(transport, NbdLimits.DEFAULT, tls("server", true), mode)) {
            server.far.inOrder = true;
            for (int i = 0; i < 10; i++) {
                try (SecurePeer peer = new SecurePeer(server.port, "client", protocol)) {
                    // The choice, and what comes right behind it, in the same records.
                    Bytes bytes = new Bytes().option(8).go(7, "disk0");
                    bytes.request(0, 1, 1, 1000, data.length).raw(data).request(0, 3, 2, 0, 0);
                    peer.send(bytes.request(0, 0, 3, 1000, data.length));
                    peer.read(20 + 20 + 12 + 20);
                    peer.expect(new Bytes().simple(0, 1).simple(0, 2));
                    peer.read(28);
                    assertThat(peer.read(data.length)).isEqualTo(data);
                    peer.send(new Bytes().request(0, 2, 4, 0, 0));
                    peer.expectEnd();
                }
            }
            server.awaitNobody();
        }
    }

    @Test
    void who_leaves_or_stays_silent_while_it_moves_harms_nobody() throws Exception {
        try (TwoLoops server =
                new TwoLoops(
                        "epoll", NbdLimits.DEFAULT, tls("server", false), NbdTls.Mode.REQUIRED)) {
            for (int i = 0; i < 20; i++) {
                CompletableFuture<Boolean> goOn = server.hold(1);
                try (SecurePeer peer = new SecurePeer(server.port, "anybody", null)) {
                    peer.send(new Bytes().go(7, "disk0").request(0, 1, 1, 0, 9000).zeroes(5000));
                    await(() -> server.server.counters().connectionsOpen == 0);
                    if (i % 2 == 0) {
                        peer.reset();
                    }
                }
                goOn.complete(true);
                server.awaitNobody();
            }
        }
    }

    @Test
    void who_was_refused_after_a_move_may_still_start_to_encrypt() throws Exception {
        try (TwoLoops server =
                        new TwoLoops(
                                "epoll",
                                NbdLimits.DEFAULT,
                                tls("server", false),
                                NbdTls.Mode.OPTIONAL);
                Peer plain = new Peer(server.port)) {
            server.nearExports.addElsewhere("gone", server.near, 1);
            plain.read(18);
            plain.send(new Bytes().u32(3).go(7, "gone"));
            plain.read(20 + "no such export".length());
            plain.send(new Bytes().option(5));
            plain.read(20);
            SSLSocket socket =
                    (SSLSocket)
                            context("anybody")
                                    .getSocketFactory()
                                    .createSocket(plain.socket, "localhost", server.port, true);
            socket.startHandshake();
            try (Peer peer = new Peer(socket).enterGreeted("near")) {
                peer.flush(1);
            }
            server.awaitNobody();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "stranger,is not of the authority",
        "client-expired,has expired",
        "anybody,shows no certificate",
        "distrustful,the client refuses the server"
    })
    void who_has_no_right_certificate_is_refused_and_the_log_says_why(String who, String why)
            throws Exception {
        try (MemoryNbdServer server = server("epoll", "server", true)) {
            int port = server.listenTcp(NbdTls.Mode.REQUIRED);
            assertThatThrownBy(
                            () -> {
                                try (SecurePeer peer = new SecurePeer(port, who, null)) {
                                    peer.enter();
                                }
                            })
                    .isInstanceOf(IOException.class);
            await(() -> server.said.stream().anyMatch(line -> line.contains("why=\"TLS: ")));
            assertThat(server.said).anyMatch(line -> line.contains(why));
            assertThat(server.exports.opened).isZero();
            assertThat(server.said).noneMatch(line -> line.startsWith("ERROR"));
            try (SecurePeer peer = new SecurePeer(port, "client", null).enter()) {
                peer.flush(1);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"0,false", "30,false", "0,true", "30,true"})
    void a_client_that_leaves_during_the_handshake_is_logged(int sent, boolean reset)
            throws Exception {
        try (MemoryNbdServer server = server("epoll", "server", false)) {
            int port = server.listenTcp(NbdTls.Mode.OPTIONAL);
            for (int i = 1; i <= 10; i++) {
                try (Peer peer = asking(port)) {
                    // The beginning of a record.
                    byte[] record = new Bytes().hex("1603010200").zeroes(30).array();
                    peer.send(new Bytes().raw(Arrays.copyOf(record, sent)));
                    if (reset) {
                        peer.reset();
                    }
                }
                int count = i;
                await(() ->
                        server.said.stream()
                                        .filter(line -> line.contains("TLS: the client left"))
                                        .count()
                                == count);
            }
        }
    }

    /// The server finds request and reset at the same time, and has nobody left to answer.
    @ParameterizedTest
    @ValueSource(strings = {"epoll", "nio", "io_uring"})
    void a_client_that_resets_before_it_is_answered_is_logged(String transport) throws Exception {
        try (MemoryNbdServer server = server(transport, "server", false)) {
            int port = server.listenTcp(NbdTls.Mode.OPTIONAL);
            CompletableFuture<Boolean> busy = new CompletableFuture<>();
            CompletableFuture<Boolean> goOn = new CompletableFuture<>();
            try (Peer peer = new Peer(port)) {
                peer.read(18);
                server.loop.submit(() -> {
                    busy.complete(true);
                    goOn.join();
                });
                busy.join();
                peer.send(new Bytes().u32(3).option(5));
                peer.reset();
            }
            goOn.complete(true);
            await(() -> server.server.counters().connectionsOpen == 0);
            assertThat(server.said)
                    .filteredOn(line -> line.contains("TLS: the client left"))
                    .hasSize(1);
        }
    }

    @Test
    void noise_instead_of_a_handshake_ends_that_connection() throws Exception {
        try (MemoryNbdServer server = server("epoll", "server", false)) {
            int port = server.listenTcp(NbdTls.Mode.OPTIONAL);
            try (Peer peer = asking(port)) {
                peer.send(new Bytes().option(8).zeroes(100));
                peer.socket.getInputStream().readAllBytes();
            }
            await(() -> server.said.stream().anyMatch(line -> line.contains("why=\"TLS: ")));
            assertThat(server.said).noneMatch(line -> line.startsWith("ERROR"));
            try (SecurePeer peer = new SecurePeer(port, "anybody", null).enter()) {
                peer.flush(1);
            }
        }
    }

    @Test
    void a_client_that_never_reads_holds_no_more_than_in_the_clear() throws Exception {
        try (MemoryNbdServer server = server("epoll", "server", false)) {
            int port = server.listenTcp(NbdTls.Mode.REQUIRED);
            long before = PooledByteBufAllocator.DEFAULT.metric().usedDirectMemory();
            try (SecurePeer bad = new SecurePeer(port, "anybody", null).enter()) {
                Bytes reads = new Bytes();
                for (int i = 0; i < 40; i++) {
                    reads.request(4, 0, i, 0, 8 << 20);
                }
                bad.send(reads);
                long seen = -1;
                while (server.loop.call(() -> server.server.counters().readBytes) != seen) {
                    seen = server.loop.call(() -> server.server.counters().readBytes);
                    TimeUnit.MILLISECONDS.sleep(500);
                }
                // 64 MiB in flight, and what the sockets hold.
                assertThat(seen).isLessThan(100 << 20);
                long after = PooledByteBufAllocator.DEFAULT.metric().usedDirectMemory();
                assertThat(after - before).isLessThan(150 << 20);
                for (int i = 0; i < 40; i++) {
                    bad.read(28 + (8 << 20));
                }
            }
            await(() -> server.server.counters().connectionsOpen == 0 && server.exports.open == 0);
        }
    }

    @Test
    void files_that_were_replaced_are_taken_and_broken_ones_are_not(@TempDir Path folder)
            throws Exception {
        Path certificate = folder.resolve("cert.pem");
        Path key = folder.resolve("key.pem");
        copy("server-expired", certificate, key);
        NbdTls tls = new NbdTls(certificate, key, null);
        List<String> said = new java.util.concurrent.CopyOnWriteArrayList<>();
        tick(tls, said);
        await(() -> said.stream().anyMatch(line -> line.contains("nbd-certificate-expired")));
        copy("rsa", certificate, key);
        Files.setLastModifiedTime(key, java.nio.file.attribute.FileTime.fromMillis(1_000_000));
        await(() -> {
            tick(tls, said);
            return said.stream().anyMatch(line -> line.contains("nbd-certificate-replaced"));
        });
        Files.writeString(key, "nonsense");
        await(() -> {
            tick(tls, said);
            return said.stream().anyMatch(line -> line.contains("nbd-certificate-not-replaced"));
        });
        assertThatThrownBy(() -> new NbdTls(certificate, key, null))
                .hasMessageContaining(key.toString())
                .hasMessageContaining("PRIVATE KEY");
        assertThatThrownBy(() -> new NbdTls(folder.resolve("none"), key, null))
                .hasMessageContaining("cannot read");
        assertThatThrownBy(() ->
                        new NbdTls(
                                certificates.resolve("server/server-cert.pem"),
                                certificates.resolve("client/client-key.pem"),
                                null))
                .hasMessageContaining("do not belong together");
    }

    @Test
    void a_look_at_the_files_that_fails_is_not_the_last(@TempDir Path folder) throws Exception {
        Path certificate = folder.resolve("cert.pem");
        Path key = folder.resolve("key.pem");
        copy("server-expired", certificate, key);
        NbdTls tls = new NbdTls(certificate, key, null);
        AtomicBoolean failed = new AtomicBoolean();
        AtomicBoolean replaced = new AtomicBoolean();
        Events events =
                (_, code, _) -> {
                    if (failed.compareAndSet(false, true)) {
                        throw new IllegalStateException("of the test: " + code);
                    }
                    replaced.compareAndSet(false, code.equals("nbd-certificate-replaced"));
                };
        tick(tls, events);
        await(failed::get);
        copy("rsa", certificate, key);
        Files.setLastModifiedTime(key, java.nio.file.attribute.FileTime.fromMillis(1_000_000));
        await(() -> {
            tick(tls, events);
            return replaced.get();
        });
    }

    private static void copy(String from, Path certificate, Path key) throws IOException {
        Path folder = certificates.resolve(from);
        Files.copy(
                folder.resolve("server-cert.pem"),
                certificate,
                StandardCopyOption.REPLACE_EXISTING);
        Files.copy(folder.resolve("server-key.pem"), key, StandardCopyOption.REPLACE_EXISTING);
    }

    /// One minute.
    private static void tick(NbdTls tls, List<String> said) {
        tick(tls, (level, code, details) -> said.add(level + " " + code + " " + details));
    }

    private static void tick(NbdTls tls, Events events) {
        for (int i = 0; i < 60; i++) {
            tls.tick(events);
        }
    }
}
