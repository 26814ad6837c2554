package comet.io.net;

import comet.io.loop.EventLoop;
import comet.io.loop.Transport;
import comet.port.Connection;
import comet.wire.Frame;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Measures frames with 4 KiB of data that go to another loop and back over a unix socket: round
/// trips per second, and bytes allocated on the caller's thread for each. Arguments: transport,
/// depth, round trips.
final class PingPong implements Connection.Dialed, Connection.Handler {
    private final EventLoop loop;
    private final int depth;
    private final long count;
    private final CountDownLatch done = new CountDownLatch(1);
    private @Nullable Connection connection;
    private long sent;
    private long received;
    private long allocatedBytes;

    private PingPong(EventLoop loop, int depth, long count) {
        this.loop = loop;
        this.depth = depth;
        this.count = count;
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        Transport transport = Transport.of(arguments[0]);
        int depth = Integer.parseInt(arguments[1]);
        long count = Long.parseLong(arguments[2]);
        EventLoop server = EventLoop.start("server", transport, EventLoop.HALT);
        EventLoop client = EventLoop.start("client", transport, EventLoop.HALT);
        Path folder = Files.createTempDirectory("ping");
        Address address = new Address.Unix(folder.resolve("s"));
        SocketListener listener = SocketListener.listen(server, address, new Peers.Echo());
        for (int round = 0; round < 3; round++) {
            PingPong ping = new PingPong(client, depth, count);
            client.submit(() -> new SocketDialer(client).dial(List.of(address.toString()), ping));
            long cpuNs = cpuNs();
            long beginNs = System.nanoTime();
            if (!ping.done.await(60, TimeUnit.SECONDS)) {
                throw new IllegalStateException("no end");
            }
            double seconds = (System.nanoTime() - beginNs) / 1e9;
            System.out.printf(
                    "%s depth=%d %.1f us each, %.1f us of CPU, %d bytes allocated per round trip%n",
                    transport,
                    depth,
                    seconds / count * 1e6,
                    (cpuNs() - cpuNs) / 1e3 / count,
                    ping.allocatedBytes / count);
        }
        listener.close();
        server.close();
        client.close();
        Files.deleteIfExists(folder);
    }

    @Override
    public Connection.Handler onConnect(Connection connection) {
        this.connection = connection;
        allocatedBytes = -allocated();
        for (int i = 0; i < depth; i++) {
            send(connection);
        }
        return this;
    }

    @Override
    public void onFailed(String why) {
        throw new IllegalStateException(why);
    }

    @Override
    public void onFrame(Frame frame) {
        frame.release();
        received++;
        Connection to = connection;
        if (received == count) {
            allocatedBytes += allocated();
            done.countDown();
        } else if (sent < count && to != null) {
            send(to);
        }
    }

    @Override
    public void onClosed(String why) {}

    private void send(Connection to) {
        sent++;
        to.send(loop.frames().take().start(7, sent, 100).data(loop.bufs().take(4096), 0, 4096));
    }

    private static long cpuNs() {
        return ((com.sun.management.OperatingSystemMXBean)
                        ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
    }

    private static long allocated() {
        return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean())
                .getCurrentThreadAllocatedBytes();
    }
}
