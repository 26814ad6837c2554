package comet.io.net;

import comet.io.loop.EventLoop;
import comet.io.loop.Transport;
import comet.port.Connection;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;

/// Listens on one address and gives every connection its handler.
@SuppressWarnings("FutureReturnValueIgnored") // a failed write or close shows as the end
public final class SocketListener implements AutoCloseable {
    private final EventLoop loop;
    private final Channel channel;
    private final Address address;

    /// Connections that are open; of the loop.
    private int connections;

    private SocketListener(EventLoop loop, Address address, Connection.Acceptor acceptor)
            throws IOException {
        this.loop = loop;
        Transport transport = loop.transport();
        boolean unix = address instanceof Address.Unix;
        ServerBootstrap bootstrap =
                new ServerBootstrap()
                        .group(loop.netty())
                        .channel(transport.serverChannel(unix))
                        .option(ChannelOption.SO_BACKLOG, 1024)
                        .childHandler(
                                new ChannelInitializer<>() {
                                    @Override
                                    protected void initChannel(Channel child) {
                                        accept(child, acceptor);
                                    }
                                });
        if (!unix) {
            bootstrap.option(ChannelOption.SO_REUSEADDR, true);
            bootstrap.childOption(ChannelOption.TCP_NODELAY, true);
        }
        ChannelFuture bound =
                switch (address) {
                    case Address.Unix(Path path) -> {
                        clearStale(path);
                        yield bootstrap.bind(transport.unixAddress(path));
                    }
                    case Address.Tcp(String host, int port) ->
                            bootstrap.bind(new InetSocketAddress(host, port));
                };
        if (!bound.awaitUninterruptibly().isSuccess()) {
            Throwable cause = bound.cause();
            throw new IOException(
                    "cannot listen on "
                            + address
                            + ": "
                            + (cause == null ? "no reason given" : cause.getMessage()),
                    cause);
        }
        channel = bound.channel();
        this.address = real(address, channel);
    }

    /// Listens on `address`; not from the loop itself. A unix socket that nobody listens on any
    /// more is removed first; one that answers, or a file that is no socket, is left alone and
    /// refused.
    ///
    /// @throws IOException with words for people
    public static SocketListener listen(
            EventLoop loop, Address address, Connection.Acceptor acceptor) throws IOException {
        SocketListener listener = new SocketListener(loop, address, acceptor);
        if (address instanceof Address.Unix(Path path)) {
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-rw----"));
        }
        return listener;
    }

    /// Where it listens, with the real port.
    public Address address() {
        return address;
    }

    /// Stops listening; connections that are open stay. Not from the loop itself.
    @Override
    public void close() {
        channel.close().awaitUninterruptibly();
        if (address instanceof Address.Unix(Path path)) {
            try {
                Files.deleteIfExists(path);
            } catch (IOException e) {
                // It is stale now, and removed by the next start.
                return;
            }
        }
    }

    private void accept(Channel child, Connection.Acceptor acceptor) {
        if (connections >= Limits.CONNECTIONS_MAX) {
            child.close();
            return;
        }
        connections++;
        child.closeFuture().addListener(_ -> connections--);
        String peer =
                address instanceof Address.Tcp ? String.valueOf(child.remoteAddress()) : "unix";
        child.pipeline().addLast(new SocketConnection(loop, child, peer, acceptor));
    }

    private static Address real(Address asked, Channel channel) {
        if (asked instanceof Address.Tcp(String host, int port)
                && port == 0
                && channel.localAddress() instanceof InetSocketAddress local) {
            return new Address.Tcp(host, local.getPort());
        }
        return asked;
    }

    private static void clearStale(Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        BasicFileAttributes attributes =
                Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        if (!attributes.isOther()) {
            throw new IOException("cannot listen on unix:" + path + ": a file is there");
        }
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            probe.connect(UnixDomainSocketAddress.of(path));
        } catch (IOException nobodyThere) {
            Files.deleteIfExists(path);
            return;
        }
        throw new IOException("cannot listen on unix:" + path + ": another process listens there");
    }
}
