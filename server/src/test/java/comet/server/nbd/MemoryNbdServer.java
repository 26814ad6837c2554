package comet.server.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import comet.io.loop.EventLoop;
import comet.io.loop.Transport;
import comet.io.net.Address;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// The real server over devices in memory, for real clients: prints `ready tcp://… unix:…` and
/// serves until its input ends.
///
/// Usage: MemoryNbdServer SOCKET [nio|epoll|io_uring]
final class MemoryNbdServer implements AutoCloseable {
    final EventLoop loop;
    final MemoryExports exports = new MemoryExports();
    final NbdServer server;
    final List<String> said = new CopyOnWriteArrayList<>();

    MemoryNbdServer(String transport, NbdLimits limits) {
        this(transport, limits, null);
    }

    MemoryNbdServer(String transport, NbdLimits limits, @Nullable NbdTls tls) {
        loop =
                EventLoop.start(
                        "nbd", Transport.of(transport), failure -> failure.printStackTrace());
        server =
                new NbdServer(
                        loop,
                        exports,
                        limits,
                        (level, code, details) -> {
                            said.add(level + " " + code + " " + details);
                            System.err.println(level + " " + code + " " + details);
                        },
                        tls);
    }

    /// A device whose requests are answered in later steps of the loop, in any order.
    MemoryDevice add(String name, long sizeBytes, boolean readOnly) {
        MemoryDevice device = exports.add(name, sizeBytes, readOnly);
        device.keepAsked = false;
        device.onWaiting = () -> loop.execute(device::pump);
        return device;
    }

    int listenTcp() throws Exception {
        return listenTcp(NbdTls.Mode.OFF);
    }

    int listenTcp(NbdTls.Mode mode) throws Exception {
        Address bound = server.listen(new Address.Tcp("127.0.0.1", 0), mode).get();
        return ((Address.Tcp) bound).port();
    }

    void listenUnix(Path path) throws Exception {
        listenUnix(path, NbdTls.Mode.OFF);
    }

    void listenUnix(Path path, NbdTls.Mode mode) throws Exception {
        server.listen(new Address.Unix(path), mode).get();
    }

    /// Waits until `fact` holds, at most 20 s.
    static void await(BooleanSupplier fact) throws InterruptedException {
        long end = System.nanoTime() + 20_000_000_000L;
        while (!fact.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(end);
            TimeUnit.MILLISECONDS.sleep(5);
        }
    }

    @Override
    public void close() {
        server.stop(Duration.ofSeconds(5)).join();
        loop.close();
    }

    public static void main(String[] args) throws Exception {
        try (MemoryNbdServer server =
                new MemoryNbdServer(args.length > 1 ? args[1] : "epoll", NbdLimits.DEFAULT)) {
            server.add("disk0", 256L << 20, false);
            server.add("disk1", 64L << 20, false);
            server.add("frozen", 16L << 20, true).fill(0, 1 << 20, 7);
            server.listenUnix(Path.of(args[0]));
            System.out.println(
                    "ready nbd://127.0.0.1:" + server.listenTcp() + "/disk0 unix:" + args[0]);
            while (System.in.read() >= 0) {
                // Served until the end of the input.
            }
        }
    }
}
