package comet.server.nbd;

import comet.base.Check;
import comet.io.loop.EventLoop;
import comet.io.loop.Transport;
import comet.io.net.Address;
import comet.io.net.SocketFile;
import comet.port.Events;
import comet.port.Loop;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.handler.ssl.SslHandler;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Listeners and connections of the NBD front end. All of it lives on one loop, the one that owns
/// the exports' devices; the public methods may be called from any thread.
public final class NbdServer {
    private static final Logger log = LoggerFactory.getLogger(NbdServer.class);
    private static final long TICK_NS = 1_000_000_000;
    private static final long STOP_CHECK_NS = 10_000_000;

    /// Lines about single connections in one tick; a flood of connections must not flood the log.
    private static final int EVENTS_PER_TICK_MAX = 20;

    private final EventLoop loop;
    private final NbdShared shared;
    private final Events events;
    private final @Nullable NbdTls tls;
    private final Set<NbdHandler> handlers = new LinkedHashSet<>();
    private final ByteBuf received = Unpooled.directBuffer(NbdHandler.RECEIVE_BYTES);
    private final Set<Channel> listeners = new LinkedHashSet<>();
    private Loop.@Nullable Timer ticking;
    private int eventsInTick;
    private boolean stopping;

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
        this.loop = loop;
        this.tls = tls;
        this.shared = new NbdShared(exports, limits);
        this.events = events;
        loop.submit(this::tick);
    }

    public NbdCounters counters() {
        return shared.counters;
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
        Check.that(mode == NbdTls.Mode.OFF || tls != null, "TLS without a certificate");
        CompletableFuture<Address> bound = new CompletableFuture<>();
        SocketAddress where;
        try {
            where =
                    switch (address) {
                        case Address.Tcp(String host, int port) ->
                                new InetSocketAddress(host, port);
                        case Address.Unix(Path path) -> {
                            SocketFile.clear(path);
                            yield loop.transport().unixAddress(path);
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
                    } else if (stopping) {
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
        listeners.add(channel);
        channel.closeFuture()
                .addListener(_ -> {
                    listeners.remove(channel);
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
        Transport transport = loop.transport();
        int unsent = shared.limits.unsentBytesMax();
        ServerBootstrap bootstrap =
                new ServerBootstrap()
                        .group(loop.netty())
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
        CompletableFuture<@Nullable Void> stopped = new CompletableFuture<>();
        loop.submit(() -> {
            stopping = true;
            if (ticking != null) {
                ticking.cancel();
            }
            List.copyOf(listeners).forEach(Channel::close);
            List.copyOf(handlers).forEach(handler -> handler.session().stop());
            awaitEnd(loop.nowNs() + within.toNanos(), stopped);
        });
        return stopped;
    }

    private void awaitEnd(long deadlineNs, CompletableFuture<@Nullable Void> stopped) {
        boolean late = loop.nowNs() - deadlineNs > 0;
        if (late) {
            List.copyOf(handlers).forEach(handler -> handler.abort("not stopped in time"));
        }
        boolean ended =
                handlers.isEmpty() && listeners.isEmpty() && shared.counters.requestsInFlight == 0;
        if (late || ended) {
            stopped.complete(null);
        } else {
            loop.schedule(STOP_CHECK_NS, () -> awaitEnd(deadlineNs, stopped));
        }
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
            if (open >= shared.limits.connectionsMax() || stopping) {
                shared.counters.connectionsRefused++;
                channel.close();
                return;
            }
            open++;
            channel.closeFuture().addListener(_ -> open--);
            channel.pipeline().addLast(new NbdHandler(NbdServer.this, shared, channel, mode));
        }

        @Override
        public boolean isSharable() {
            return true;
        }
    }

    // From the handlers.

    void opened(NbdHandler handler) {
        handlers.add(handler);
        shared.counters.connectionsAccepted++;
        shared.counters.connectionsOpen++;
    }

    void closed(NbdHandler handler, String why) {
        if (handlers.remove(handler)) {
            shared.counters.connectionsOpen--;
            if (!handler.session().negotiating()) {
                event(Events.Level.INFO, "nbd-disconnected", handler, why);
            }
        }
    }

    void aborted(NbdHandler handler, String why) {
        shared.counters.connectionsAborted++;
        event(Events.Level.WARN, "nbd-aborted", handler, why);
    }

    void turnedAway(NbdHandler handler, String why) {
        event(Events.Level.WARN, "nbd-refused", handler, why);
    }

    void secured(NbdHandler handler, String how) {
        event(Events.Level.INFO, "nbd-secured", handler, "how", how);
    }

    SslHandler tlsHandler(Channel channel) {
        if (tls == null) {
            throw Check.failed("TLS without a certificate");
        }
        return tls.handler(channel);
    }

    void failed(NbdHandler handler, Throwable cause) {
        log.error("nbd connection of {} failed", handler.peer(), cause);
        event(Events.Level.ERROR, "nbd-failure", handler, String.valueOf(cause));
    }

    private void event(Events.Level level, String code, NbdHandler handler, String why) {
        event(level, code, handler, "why", why);
    }

    private void event(
            Events.Level level, String code, NbdHandler handler, String key, String value) {
        if (level == Events.Level.ERROR || eventsInTick++ < EVENTS_PER_TICK_MAX) {
            String text = Nbd.printable(value).replace('"', '\'');
            events.event(level, code, "peer=%s %s=\"%s\"".formatted(handler.peer(), key, text));
        }
    }

    /// Where all connections read to, one after the other.
    ByteBuf received() {
        return received;
    }

    EventLoop loop() {
        return loop;
    }

    String peer(Channel channel) {
        return channel.remoteAddress() instanceof InetSocketAddress address
                ? address.getAddress().getHostAddress() + ':' + address.getPort()
                : "unix";
    }

    private void tick() {
        if (stopping) {
            return;
        }
        ticking = loop.schedule(TICK_NS, this::tick);
        eventsInTick = 0;
        if (tls != null) {
            tls.tick(events);
        }
        long nowNs = loop.nowNs();
        for (NbdHandler handler : List.copyOf(handlers)) {
            handler.tick(nowNs);
        }
    }
}
