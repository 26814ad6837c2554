package comet.server.nbd;

import io.netty.channel.IoEventLoop;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringServerDomainSocketChannel;
import io.netty.channel.uring.IoUringServerSocketChannel;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;

/// The kinds of listening sockets that a loop can drive.
///
/// @param nativeSockets whether unix sockets are Netty's own and want its own addresses
record NbdTransport(
        Class<? extends ServerChannel> tcp,
        Class<? extends ServerChannel> unix,
        boolean nativeSockets) {

    static NbdTransport of(IoEventLoop loop) {
        if (loop.isIoType(IoUringIoHandler.class)) {
            return new NbdTransport(
                    IoUringServerSocketChannel.class, IoUringServerDomainSocketChannel.class, true);
        }
        if (loop.isIoType(EpollIoHandler.class)) {
            return new NbdTransport(
                    EpollServerSocketChannel.class, EpollServerDomainSocketChannel.class, true);
        }
        return new NbdTransport(
                NioServerSocketChannel.class, NioServerDomainSocketChannel.class, false);
    }

    SocketAddress bindAddress(SocketAddress address) {
        return nativeSockets && address instanceof UnixDomainSocketAddress unix
                ? new DomainSocketAddress(unix.getPath().toFile())
                : address;
    }
}
