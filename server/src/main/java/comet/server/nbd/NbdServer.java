package comet.server.nbd;

import comet.base.Check;
import comet.io.loop.EventLoop;
import comet.io.loop.Transport;
import comet.io.net.Address;
import comet.io.net.SocketFile;
import comet.port.Events;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// Listeners and connections of the NBD front end, on one loop or several. Connections are accepted
/// and negotiated on the first one. Where the client decides for an export that another loop serves
/// its connection moves there, with whatever has come behind the decision ([NbdHandler]); every
/// request is served by one thread. The public methods may be called from any thread.
public final class NbdServer {
    private final List<NbdLoop> loops = new ArrayList<>();

    /// Where connections are accepted.
    private final NbdLoop first;

    private final boolean offersTls;
    private final NbdLimits limits;

    /// A loop, and the exports as it serves them. Their numbers in [Exports.Opened#elsewhere] are
    /// the positions in the list.
    public record Place(EventLoop loop, Exports exports) {}

    public NbdServer(EventLoop loop, Exports exports, NbdLimits limits, Events events) {
        this(loop, exports, limits, events, null);
    }

    /// @param tls what clients are offered, or null
    public NbdServer(
            EventLoop loop,
            Exports exports,
            NbdLimits limits,
            Events events,
            @Nullable NbdTls tls) {
        this(List.of(new Place(loop, exports)), limits, events, tls);
    }

    /// @param limits of all places together
    /// @param tls what clients are offered, or null
    public NbdServer(List<Place> places, NbdLimits limits, Events events, @Nullable NbdTls tls) {
        this.limits = limits;
        offersTls = tls != null;
        NbdLimits each = limits.share(places.size());
        for (Place place : places) {
            boolean isFirst = loops.isEmpty();
            loops.add(new NbdLoop(place.loop, place.exports, each, events, tls, isFirst));
        }
        first = loops.getFirst();
    }

    /// The sums over all loops, as of now.
    public NbdCounters counters() {
        return NbdCounters.sum(loops.stream().map(each -> each.shared.counters).toList());
    }

    /// Listens without TLS.
    public CompletableFuture<Address> listen(Address address) {
        return listen(address, NbdTls.Mode.OFF);
    }

    /// Listens at an address; port 0 means any free one, and the file of a unix socket is replaced
    /// if nobody listens there any more. Answers with the address in use.
    ///
    /// @param mode whether clients there have to encrypt
    public CompletableFuture<Address> listen(Address address, NbdTls.Mode mode) {
        Check.that(mode == NbdTls.Mode.OFF || offersTls, "TLS without a certificate");
        CompletableFuture<Address> bound = new CompletableFuture<>();
        SocketAddress where;
        try {
            where =
                    switch (address) {
                        case Address.Tcp(String host, int port) ->
                                new InetSocketAddress(host, port);
                        case Address.Unix(Path path) -> {
                            SocketFile.clear(path);
                            yield first.loop.transport().unixAddress(path);
                        }
                    };
        } catch (IOException e) {
            bound.completeExceptionally(e);
            return bound;
        }
        bootstrap(address instanceof Address.Unix, mode)
                .bind(where)
                .addListener((ChannelFuture future) -> {
                    if (!future.isSuccess()) {
                        bound.completeExceptionally(
                                new IOException(
                                        "cannot listen on "
                                                + address
                                                + ": "
                                                + future.cause().getMessage(),
                                        future.cause()));
                    } else if (first.stopping()) {
                        future.channel().close();
                        bound.completeExceptionally(new IOException("stopping"));
                    } else {
                        completeListening(bound, future.channel(), address);
                    }
                });
        return bound;
    }

    private void completeListening(
            CompletableFuture<Address> bound, Channel channel, Address address) {
        try {
            if (address instanceof Address.Unix(Path path)) {
                SocketFile.protect(path);
            }
            bound.complete(listening(channel, address));
        } catch (IOException e) {
            channel.close();
            bound.completeExceptionally(e);
        }
    }

    private Address listening(Channel channel, Address address) {
        first.listeners.add(channel);
        channel.closeFuture()
                .addListener(_ -> {
                    first.listeners.remove(channel);
                    if (address instanceof Address.Unix(Path path)) {
                        SocketFile.delete(path);
                    }
                });
        return address instanceof Address.Tcp(String host, int _)
                        && channel.localAddress() instanceof InetSocketAddress local
                ? new Address.Tcp(host, local.getPort())
                : address;
    }

    private ServerBootstrap bootstrap(boolean unix, NbdTls.Mode mode) {
        Transport transport = first.loop.transport();
        int unsent = limits.unsentBytesMax();
        ServerBootstrap bootstrap =
                new ServerBootstrap()
                        .group(first.loop.netty())
                        .channel(transport.serverChannel(unix))
                        .option(ChannelOption.SO_BACKLOG, 1024)
                        .childOption(
                                ChannelOption.WRITE_BUFFER_WATER_MARK,
                                new WriteBufferWaterMark(unsent / 2, unsent));
        // Netty's unix sockets on NIO do not know it; those on io_uring take it and close all the
        // same, so there a client that closes its side early loses the answers it still waits for.
        if (!unix || transport != Transport.NIO) {
            bootstrap.childOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        }
        if (!unix) {
            bootstrap
                    .option(ChannelOption.SO_REUSEADDR, true)
                    .childOption(ChannelOption.TCP_NODELAY, true)
                    .childOption(ChannelOption.SO_KEEPALIVE, true);
        }
        return bootstrap.childHandler(new Initializer(mode));
    }

    /// Stops: no new connections, no new requests; what is in flight is answered, then every
    /// connection is closed. What is not done in time is cut off.
    public CompletableFuture<@Nullable Void> stop(Duration within) {
        long deadlineNs = System.nanoTime() + within.toNanos();
        loops.forEach(NbdLoop::stop);
        CompletableFuture<@Nullable Void> ended = ended(deadlineNs);
        // A connection that moves counts where it comes from until it has arrived: who was without
        // any before that is asked again.
        return loops.size() == 1 ? ended : ended.thenCompose(_ -> ended(deadlineNs));
    }

    private CompletableFuture<@Nullable Void> ended(long deadlineNs) {
        CompletableFuture<@Nullable Void> ended = CompletableFuture.completedFuture(null);
        for (NbdLoop each : loops) {
            ended = ended.thenCompose(_ -> each.awaitEnd(deadlineNs));
        }
        return ended;
    }

    /// Where a connection moves to.
    NbdLoop place(int number) {
        return loops.get(number);
    }

    /// One per listener: it counts the listener's connections.
    private final class Initializer extends ChannelInitializer<Channel> {
        private final NbdTls.Mode mode;
        private int open;

        Initializer(NbdTls.Mode mode) {
            this.mode = mode;
        }

        @Override
        protected void initChannel(Channel channel) {
            if (open >= limits.connectionsMax() || first.stopping()) {
                first.shared.counters.connectionsRefused++;
                channel.close();
                return;
            }
            open++;
            channel.closeFuture()
                    .addListener(_ -> {
                        if (first.loop.inLoop()) {
                            open--;
                        } else {
                            first.loop.submit(() -> open--);
                        }
                    });
            channel.pipeline().addLast(new NbdHandler(NbdServer.this, first, channel, mode));
        }

        @Override
        public boolean isSharable() {
            return true;
        }
    }
}
