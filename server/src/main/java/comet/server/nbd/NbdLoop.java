package comet.server.nbd;

import comet.base.Check;
import comet.io.loop.EventLoop;
import comet.port.Events;
import comet.port.Loop;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.handler.ssl.SslHandler;
import java.net.InetSocketAddress;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What the NBD server has on one of its loops: the connections there, with the pools, the budget
/// and the counters that they share. Owner thread: the loop, but for the constructor, [#stop] and
/// [#awaitEnd].
final class NbdLoop {
    private static final Logger log = LoggerFactory.getLogger(NbdLoop.class);
    private static final long TICK_NS = 1_000_000_000;
    private static final long STOP_CHECK_NS = 10_000_000;

    /// Lines about single connections in one tick; a flood of connections must not flood the log.
    private static final int EVENTS_PER_TICK_MAX = 20;

    final EventLoop loop;
    final NbdShared shared;
    private final Events events;
    private final @Nullable NbdTls tls;
    private final boolean first;
    final Set<NbdHandler> handlers = new LinkedHashSet<>();

    /// Of the first one.
    final Set<Channel> listeners = new LinkedHashSet<>();

    /// Connections that have left for another loop and have not arrived.
    private int underWay;

    private final ByteBuf received = Unpooled.directBuffer(NbdHandler.RECEIVE_BYTES);
    private Loop.@Nullable Timer ticking;
    private int eventsInTick;
    private boolean stopping;

    /// @param tls what clients are offered, or null
    /// @param first of the server's loops: the one where connections are accepted
    NbdLoop(
            EventLoop loop,
            Exports exports,
            NbdLimits limits,
            Events events,
            @Nullable NbdTls tls,
            boolean first) {
        this.loop = loop;
        this.shared = new NbdShared(exports, limits);
        this.events = events;
        this.tls = tls;
        this.first = first;
        loop.submit(this::tick);
    }

    boolean stopping() {
        return stopping;
    }

    /// Where all connections read to, one after the other.
    ByteBuf received() {
        return received;
    }

    String peer(Channel channel) {
        return channel.remoteAddress() instanceof InetSocketAddress address
                ? address.getAddress().getHostAddress() + ':' + address.getPort()
                : "unix";
    }

    SslHandler tlsHandler(Channel channel) {
        if (tls == null) {
            throw Check.failed("TLS without a certificate");
        }
        return tls.handler(channel);
    }

    /// From any thread: no new connections, no new requests; what is in flight is answered, then
    /// every connection is closed.
    void stop() {
        loop.submit(() -> {
            stopping = true;
            if (ticking != null) {
                ticking.cancel();
            }
            List.copyOf(listeners).forEach(Channel::close);
            List.copyOf(handlers).forEach(handler -> handler.session().stop());
        });
    }

    /// From any thread: told when nothing is left here, or when the time is over; what is left then
    /// is cut off.
    CompletableFuture<@Nullable Void> awaitEnd(long deadlineNs) {
        CompletableFuture<@Nullable Void> ended = new CompletableFuture<>();
        loop.submit(() -> awaitEnd(deadlineNs, ended));
        return ended;
    }

    private void awaitEnd(long deadlineNs, CompletableFuture<@Nullable Void> ended) {
        boolean late = loop.nowNs() - deadlineNs > 0;
        if (late) {
            List.copyOf(handlers).forEach(handler -> handler.abort("not stopped in time"));
        }
        boolean empty = handlers.isEmpty() && underWay == 0 && listeners.isEmpty();
        if (late || empty && shared.counters.requestsInFlight == 0) {
            ended.complete(null);
        } else {
            loop.schedule(STOP_CHECK_NS, () -> awaitEnd(deadlineNs, ended));
        }
    }

    // From the handlers.

    /// A connection was accepted here.
    void accepted(NbdHandler handler) {
        shared.counters.connectionsAccepted++;
        enter(handler);
    }

    /// A connection is here from now on.
    void enter(NbdHandler handler) {
        handlers.add(handler);
        shared.counters.connectionsOpen++;
    }

    /// It is on its way to another loop.
    void departed(NbdHandler handler) {
        if (leave(handler)) {
            underWay++;
        }
    }

    /// From any thread: one that had departed has arrived, or is no more.
    void movedOn() {
        loop.submit(() -> underWay--);
    }

    private boolean leave(NbdHandler handler) {
        boolean was = handlers.remove(handler);
        if (was) {
            shared.counters.connectionsOpen--;
        }
        return was;
    }

    void closed(NbdHandler handler, String why) {
        if (leave(handler) && !handler.session().negotiating()) {
            event(Events.Level.INFO, "nbd-disconnected", handler, why);
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

    private void tick() {
        if (stopping) {
            return;
        }
        ticking = loop.schedule(TICK_NS, this::tick);
        eventsInTick = 0;
        if (first && tls != null) {
            tls.tick(events);
        }
        long nowNs = loop.nowNs();
        for (NbdHandler handler : List.copyOf(handlers)) {
            handler.tick(nowNs);
        }
    }
}
