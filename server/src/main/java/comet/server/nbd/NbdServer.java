package comet.server.nbd;

import comet.port.Events;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.IoEventLoop;
import io.netty.channel.SingleThreadEventLoop;
import io.netty.channel.WriteBufferWaterMark;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Listeners and connections of the NBD front end. All of it lives on one loop, the one that owns
/// the exports' devices; the public methods may be called from any thread.
public final class NbdServer {
    private static final Logger log = LoggerFactory.getLogger(NbdServer.class);
    private static final int READ_BYTES_MAX = 256 << 10;
    private static final long TICK_MS = 1000;
    private static final long STOP_CHECK_MS = 10;

    /// Lines about single connections in one tick; a flood of connections must not flood the log.
    private static final int EVENTS_PER_TICK_MAX = 20;

    private final IoEventLoop loop;
    private final NbdTransport transport;
    private final NbdShared shared;
    private final Events events;
    private final Set<NbdHandler> handlers = new LinkedHashSet<>();
    private final List<Channel> listeners = new ArrayList<>();
    private final java.util.concurrent.Future<?> ticker;
    private int eventsInTick;
    private boolean stopping;

    public NbdServer(IoEventLoop loop, Exports exports, NbdLimits limits, Events events) {
        this.loop = loop;
        this.transport = NbdTransport.of(loop);
        this.shared = new NbdShared(exports, limits);
        this.events = events;
        ticker = loop.scheduleAtFixedRate(this::tick, TICK_MS, TICK_MS, TimeUnit.MILLISECONDS);
    }

    public NbdCounters counters() {
        return shared.counters;
    }

    /// Listens at an address: an [InetSocketAddress] (port 0: any free one) or a
    /// [UnixDomainSocketAddress], whose file is replaced if nobody listens there any more. Answers
    /// with the address in use.
    public CompletableFuture<SocketAddress> listen(SocketAddress address) {
        CompletableFuture<SocketAddress> bound = new CompletableFuture<>();
        try {
            if (address instanceof UnixDomainSocketAddress unix) {
                UnixSocketFile.clear(unix.getPath());
            }
        } catch (IOException e) {
            bound.completeExceptionally(e);
            return bound;
        }
        bootstrap(address)
                .bind(transport.bindAddress(address))
                .addListener((ChannelFuture future) -> {
                    if (!future.isSuccess()) {
                        bound.completeExceptionally(future.cause());
                    } else if (stopping) {
                        future.channel().close();
                        bound.completeExceptionally(new IOException("stopping"));
                    } else {
                        listening(future.channel(), address);
                        bound.complete(
                                address instanceof UnixDomainSocketAddress
                                        ? address
                                        : future.channel().localAddress());
                    }
                });
        return bound;
    }

    private void listening(Channel channel, SocketAddress address) {
        listeners.add(channel);
        if (address instanceof UnixDomainSocketAddress unix) {
            channel.closeFuture().addListener(_ -> delete(unix.getPath()));
        }
    }

    private ServerBootstrap bootstrap(SocketAddress address) {
        boolean unix = address instanceof UnixDomainSocketAddress;
        int unsent = shared.limits.unsentBytesMax();
        ServerBootstrap bootstrap =
                new ServerBootstrap()
                        .group(loop, loop)
                        .channel(unix ? transport.unix() : transport.tcp())
                        .option(ChannelOption.SO_BACKLOG, 128)
                        .childOption(
                                ChannelOption.RECVBUF_ALLOCATOR,
                                new AdaptiveRecvByteBufAllocator(4096, 32 << 10, READ_BYTES_MAX))
                        .childOption(
                                ChannelOption.WRITE_BUFFER_WATER_MARK,
                                new WriteBufferWaterMark(unsent / 2, unsent));
        if (!unix || transport.nativeSockets()) {
            bootstrap.childOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        }
        if (!unix) {
            bootstrap
                    .option(ChannelOption.SO_REUSEADDR, true)
                    .childOption(ChannelOption.TCP_NODELAY, true)
                    .childOption(ChannelOption.SO_KEEPALIVE, true);
        }
        return bootstrap.childHandler(new Initializer());
    }

    /// Stops: no new connections, no new requests; what is in flight is answered, then every
    /// connection is closed. What is not done in time is cut off.
    public CompletableFuture<Void> stop(long withinMs) {
        CompletableFuture<Void> stopped = new CompletableFuture<>();
        loop.execute(() -> {
            stopping = true;
            ticker.cancel(false);
            listeners.forEach(Channel::close);
            listeners.clear();
            List.copyOf(handlers).forEach(handler -> handler.session().stop());
            awaitEnd(System.nanoTime() + withinMs * 1_000_000, stopped);
        });
        return stopped;
    }

    private void awaitEnd(long deadlineNs, CompletableFuture<Void> stopped) {
        boolean late = System.nanoTime() - deadlineNs > 0;
        if (late) {
            List.copyOf(handlers).forEach(handler -> handler.abort("not stopped in time"));
        }
        if (late || handlers.isEmpty() && shared.counters.requestsInFlight == 0) {
            stopped.complete(null);
        } else {
            loop.schedule(
                    () -> awaitEnd(deadlineNs, stopped), STOP_CHECK_MS, TimeUnit.MILLISECONDS);
        }
    }

    /// One per listener: it counts the listener's connections.
    private final class Initializer extends ChannelInitializer<Channel> {
        private int open;

        @Override
        protected void initChannel(Channel channel) {
            if (open >= shared.limits.connectionsMax() || stopping) {
                shared.counters.connectionsRefused++;
                channel.close();
                return;
            }
            open++;
            channel.closeFuture().addListener(_ -> open--);
            channel.pipeline().addLast(new NbdHandler(NbdServer.this, shared));
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

    void failed(NbdHandler handler, Throwable cause) {
        log.error("nbd connection of {} failed", handler.peer(), cause);
        event(Events.Level.ERROR, "nbd-failure", handler, String.valueOf(cause));
    }

    private void event(Events.Level level, String code, NbdHandler handler, String why) {
        if (level == Events.Level.ERROR || eventsInTick++ < EVENTS_PER_TICK_MAX) {
            events.event(level, code, "peer=" + handler.peer() + " why=\"" + why + '"');
        }
    }

    /// Runs `work` when the loop has done everything else that this turn brought.
    void atEndOfTurn(Runnable work) {
        if (loop instanceof SingleThreadEventLoop single) {
            single.executeAfterEventLoopIteration(work);
        } else {
            loop.execute(work);
        }
    }

    String peer(Channel channel) {
        return channel.remoteAddress() instanceof InetSocketAddress address
                ? address.getAddress().getHostAddress() + ':' + address.getPort()
                : "unix";
    }

    private void tick() {
        eventsInTick = 0;
        long nowNs = System.nanoTime();
        for (NbdHandler handler : List.copyOf(handlers)) {
            handler.tick(nowNs);
        }
    }

    private static void delete(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            log.warn("could not delete the socket {}: {}", path, e.getMessage());
        }
    }
}
