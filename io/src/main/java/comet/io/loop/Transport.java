package comet.io.loop;

import io.netty.channel.Channel;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringDomainSocketChannel;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringServerDomainSocketChannel;
import io.netty.channel.uring.IoUringServerSocketChannel;
import io.netty.channel.uring.IoUringSocketChannel;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.Locale;

/// How an event loop waits for its sockets.
public enum Transport {
    /// The kernel's readiness queue: the default on Linux.
    EPOLL,
    /// The kernel's completion ring, where it is allowed.
    IO_URING,
    /// The JDK's own selector: works everywhere.
    NIO;

    /// Requests that the loop's own ring takes in one go, and half of the answers that it holds:
    /// more than all files together have under way ([Ring#IN_FLIGHT_MAX]), with room for sockets.
    private static final int RING_ENTRIES = 2 * Ring.IN_FLIGHT_MAX;

    /// The best one that this machine allows. Figures in `docs/performance.md`, "Sockets and
    /// files"; measured by `PingPong` in this module's tests.
    public static Transport best() {
        return Epoll.isAvailable() ? EPOLL : NIO;
    }

    /// The one that a configuration names (`auto`, `epoll`, `io_uring`, `nio`).
    ///
    /// @throws IllegalArgumentException with words for people, where it is unknown or not available
    public static Transport of(String name) {
        Transport transport =
                switch (name) {
                    case "auto" -> best();
                    case "epoll" -> EPOLL;
                    case "io_uring" -> IO_URING;
                    case "nio" -> NIO;
                    default ->
                            throw new IllegalArgumentException(
                                    name + " is unknown: use auto, epoll, io_uring or nio");
                };
        if (!transport.isAvailable()) {
            throw new IllegalArgumentException(
                    name + " is not available on this machine: use auto");
        }
        return transport;
    }

    /// As a configuration names it.
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    public boolean isAvailable() {
        return switch (this) {
            case EPOLL -> Epoll.isAvailable();
            case IO_URING -> IoUring.isAvailable();
            case NIO -> true;
        };
    }

    /// Whether a channel may leave one loop for another ([ChannelMove]). What a completion ring has
    /// been asked for still ends on it after the channel has left.
    public boolean movesChannels() {
        return this != IO_URING;
    }

    IoHandlerFactory handlers() {
        return switch (this) {
            case EPOLL -> EpollIoHandler.newFactory();
            case IO_URING -> IoUringIoHandler.newFactory(RING_ENTRIES);
            case NIO -> NioIoHandler.newFactory();
        };
    }

    /// The class of a connection's channel.
    public Class<? extends Channel> channel(boolean unix) {
        return switch (this) {
            case EPOLL -> unix ? EpollDomainSocketChannel.class : EpollSocketChannel.class;
            case IO_URING -> unix ? IoUringDomainSocketChannel.class : IoUringSocketChannel.class;
            case NIO -> unix ? NioDomainSocketChannel.class : NioSocketChannel.class;
        };
    }

    /// The class of a listening channel.
    public Class<? extends ServerChannel> serverChannel(boolean unix) {
        return switch (this) {
            case EPOLL ->
                    unix ? EpollServerDomainSocketChannel.class : EpollServerSocketChannel.class;
            case IO_URING ->
                    unix
                            ? IoUringServerDomainSocketChannel.class
                            : IoUringServerSocketChannel.class;
            case NIO -> unix ? NioServerDomainSocketChannel.class : NioServerSocketChannel.class;
        };
    }

    /// The address of a unix socket, as this transport wants it.
    public SocketAddress unixAddress(Path path) {
        return this == NIO
                ? UnixDomainSocketAddress.of(path)
                : new DomainSocketAddress(path.toString());
    }
}
