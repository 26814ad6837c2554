package comet.server.nbd;

import static comet.server.nbd.MemoryNbdServer.await;
import static org.assertj.core.api.Assertions.assertThat;

import comet.io.loop.EventLoop;
import comet.io.loop.Transport;
import comet.io.net.Address;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/// The real server on two loops over devices in memory: `near` is served where connections are
/// accepted, `disk0` on the other loop. Each device notes who calls it from a wrong thread.
final class TwoLoops implements AutoCloseable {
    final List<String> said = new CopyOnWriteArrayList<>();
    final List<EventLoop> loops;
    final MemoryExports nearExports = new MemoryExports();
    final MemoryExports farExports = new MemoryExports();
    final MemoryDevice near;
    final MemoryDevice far;
    final NbdServer server;
    final int port;

    TwoLoops(String transport, NbdLimits limits, @Nullable NbdTls tls, NbdTls.Mode mode)
            throws Exception {
        loops =
                EventLoop.start(
                        2,
                        "nbd",
                        Transport.of(transport),
                        failure -> {
                            said.add("ERROR failure " + failure);
                            failure.printStackTrace();
                        });
        near = device(nearExports, "near", 0);
        far = device(farExports, "disk0", 1);
        nearExports.addElsewhere("disk0", far, 1);
        farExports.addElsewhere("near", near, 0);
        server =
                new NbdServer(
                        List.of(
                                new NbdServer.Place(loops.get(0), nearExports),
                                new NbdServer.Place(loops.get(1), farExports)),
                        limits,
                        (level, code, details) -> said.add(level + " " + code + " " + details),
                        tls);
        Address bound = server.listen(new Address.Tcp("127.0.0.1", 0), mode).get();
        port = ((Address.Tcp) bound).port();
    }

    private MemoryDevice device(MemoryExports exports, String name, int place) {
        MemoryDevice device = exports.add(name, 64 << 20, false);
        EventLoop loop = loops.get(place);
        device.keepAsked = false;
        device.onWaiting =
                () -> {
                    if (!loop.inLoop()) {
                        said.add("ERROR " + name + " is called by " + Thread.currentThread());
                    }
                    loop.submit(device::pump);
                };
        return device;
    }

    /// Keeps a loop busy until what this returns is completed.
    CompletableFuture<Boolean> hold(int place) {
        CompletableFuture<Boolean> busy = new CompletableFuture<>();
        CompletableFuture<Boolean> goOn = new CompletableFuture<>();
        loops.get(place)
                .submit(() -> {
                    busy.complete(true);
                    goOn.join();
                });
        busy.join();
        return goOn;
    }

    /// Nobody is connected any more, and nobody has left anything.
    void awaitNobody() throws Exception {
        await(() -> server.counters().connectionsOpen == 0);
        await(() -> server.counters().requestsInFlight == 0);
        await(() -> loops.get(0).call(() -> nearExports.open) == 0);
        await(() -> loops.get(1).call(() -> farExports.open) == 0);
        for (int i = 0; i < 2; i++) {
            NbdShared shared = server.place(i).shared;
            await(() -> shared.budget.freeBytes() == shared.limits.totalBytesMax());
            assertThat(shared.readPool.bytesOut()).isZero();
            assertThat(shared.writePool.bytesOut()).isZero();
        }
    }

    @Override
    public void close() {
        long startNs = System.nanoTime();
        server.stop(Duration.ofSeconds(10)).join();
        assertThat(System.nanoTime() - startNs).as("somebody was left").isLessThan(9_000_000_000L);
        loops.forEach(EventLoop::close);
        assertThat(said).noneMatch(line -> line.startsWith("ERROR"));
    }
}
