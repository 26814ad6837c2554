package comet.server.nbd;

import io.netty.channel.IoEventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.uring.IoUringIoHandler;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/// The real server over devices in memory, for real clients: prints `ready tcp://… unix:…` and
/// serves until its input ends.
///
/// Usage: MemoryNbdServer SOCKET [nio|epoll|uring]
final class MemoryNbdServer implements AutoCloseable {
    final MultiThreadIoEventLoopGroup group;
    final IoEventLoop loop;
    final MemoryExports exports = new MemoryExports();
    final NbdServer server;

    MemoryNbdServer(String transport, NbdLimits limits) {
        group =
                new MultiThreadIoEventLoopGroup(
                        1,
                        switch (transport) {
                            case "epoll" -> EpollIoHandler.newFactory();
                            case "uring" -> IoUringIoHandler.newFactory();
                            default -> NioIoHandler.newFactory();
                        });
        loop = group.next();
        server =
                new NbdServer(
                        loop,
                        exports,
                        limits,
                        (level, code, details) ->
                                System.err.println(level + " " + code + " " + details));
    }

    /// A device whose requests are answered in later steps of the loop, in any order.
    MemoryDevice add(String name, long sizeBytes, boolean readOnly) {
        MemoryDevice device = exports.add(name, sizeBytes, readOnly);
        device.keepAsked = false;
        device.onWaiting = () -> loop.execute(device::pump);
        return device;
    }

    int listenTcp() throws Exception {
        SocketAddress bound =
                server.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)).get();
        return ((InetSocketAddress) bound).getPort();
    }

    void listenUnix(Path path) throws Exception {
        server.listen(UnixDomainSocketAddress.of(path)).get();
    }

    @Override
    public void close() {
        server.stop(5000).join();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
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
