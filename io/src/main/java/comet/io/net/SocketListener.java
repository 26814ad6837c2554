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
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/// Listens on one address and gives every connection its handler, on this loop or on another one.
@SuppressWarnings("FutureReturnValueIgnored") // a failed write or close shows as the end
public final class SocketListener implements AutoCloseable {
    private final Channel channel;
    private final Address address;

    /// Connections that are open, wherever they are.
    private final AtomicInteger connections = new AtomicInteger();

    private SocketListener(
            EventLoop loop, Address address, boolean reads, Consumer<Channel> accepted)
            throws IOException {
        Transport transport = loop.transport();
        boolean unix = address instanceof Address.Unix;
        ServerBootstrap bootstrap =
                new ServerBootstrap()
                        .group(loop.netty())
                        .channel(transport.serverChannel(unix))
                        .option(ChannelOption.SO_BACKLOG, 1024)
                        .childOption(ChannelOption.AUTO_READ, reads)
                        .childHandler(
                                new ChannelInitializer<>() {
                                    @Override
                                    protected void initChannel(Channel child) {
                                        accept(child, accepted);
                                    }
                                });
        if (!unix) {
            bootstrap.option(ChannelOption.SO_REUSEADDR, true);
            bootstrap.childOption(ChannelOption.TCP_NODELAY, true);
        }
        ChannelFuture bound =
                switch (address) {
                    case Address.Unix(Path path) -> {
                        SocketFile.clear(path);
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
        return open(
                loop,
                address,
                true,
                child ->
                        child.pipeline()
                                .addLast(
                                        new SocketConnection(
                                                loop, child, peer(address, child), acceptor)));
    }

    /// The same for connections that the router spreads over loops of the same transport, one that
    /// lets channels go ([comet.io.loop.Transport#movesChannels]).
    public static SocketListener spread(EventLoop loop, Address address, Router router)
            throws IOException {
        LinkedHashSet<Door> undecided = new LinkedHashSet<>();
        return open(
                loop,
                address,
                false,
                child ->
                        child.pipeline()
                                .addLast(
                                        new Door(
                                                loop,
                                                child,
                                                peer(address, child),
                                                router,
                                                undecided)));
    }

    private static SocketListener open(
            EventLoop loop, Address address, boolean reads, Consumer<Channel> accepted)
            throws IOException {
        SocketListener listener = new SocketListener(loop, address, reads, accepted);
        if (address instanceof Address.Unix(Path path)) {
            SocketFile.protect(path);
        }
        return listener;
    }

    /// Where it listens, with the real port.
    public Address address() {
        return address;
    }

    /// How many connections it has taken that are open.
    int connections() {
        return connections.get();
    }

    /// Stops listening; connections that are open stay. Not from the loop itself.
    @Override
    public void close() {
        channel.close().awaitUninterruptibly();
        if (address instanceof Address.Unix(Path path)) {
            SocketFile.delete(path);
        }
    }

    private void accept(Channel child, Consumer<Channel> accepted) {
        if (connections.get() >= Limits.CONNECTIONS_MAX) {
            child.close();
            return;
        }
        connections.incrementAndGet();
        child.closeFuture().addListener(_ -> connections.decrementAndGet());
        accepted.accept(child);
    }

    private static String peer(Address address, Channel child) {
        return address instanceof Address.Tcp ? String.valueOf(child.remoteAddress()) : "unix";
    }

    private static Address real(Address asked, Channel channel) {
        if (asked instanceof Address.Tcp(String host, int port)
                && port == 0
                && channel.localAddress() instanceof InetSocketAddress local) {
            return new Address.Tcp(host, local.getPort());
        }
        return asked;
    }
}
