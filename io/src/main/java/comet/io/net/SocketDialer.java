package comet.io.net;

import comet.io.loop.EventLoop;
import comet.port.Connection;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;

/// Calls the first address that answers, one after the other; each has [Limits#CONNECT_MS].
public final class SocketDialer implements Connection.Dialer {
    private final EventLoop loop;

    public SocketDialer(EventLoop loop) {
        this.loop = loop;
    }

    @Override
    public void dial(List<String> addresses, Connection.Dialed done) {
        Call call = new Call(List.copyOf(addresses), done);
        loop.execute(call::next);
    }

    private final class Call {
        private final List<String> addresses;
        private final Connection.Dialed done;
        private final List<String> failures = new ArrayList<>();
        private int at;

        Call(List<String> addresses, Connection.Dialed done) {
            this.addresses = addresses;
            this.done = done;
        }

        void next() {
            if (at == addresses.size()) {
                done.onFailed(
                        failures.isEmpty() ? "no address to call" : String.join("; ", failures));
                return;
            }
            String text = addresses.get(at++);
            try {
                switch (Address.parse(text)) {
                    case Address.Unix unix -> {
                        if (Files.exists(unix.path())) {
                            connect(text, loop.transport().unixAddress(unix.path()), true);
                        } else {
                            failed(text, "is not on this host");
                        }
                    }
                    case Address.Tcp tcp -> resolve(text, tcp);
                }
            } catch (IllegalArgumentException e) {
                failed(text, String.valueOf(e.getMessage()));
            }
        }

        private void failed(String address, String why) {
            failures.add(address + ": " + why);
            next();
        }

        /// A name may take seconds to resolve, so that is done elsewhere; a literal address is not
        /// looked up.
        private void resolve(String text, Address.Tcp tcp) {
            boolean literal =
                    tcp.host().indexOf(':') >= 0
                            || tcp.host().chars().allMatch(c -> c == '.' || c >= '0' && c <= '9');
            if (literal) {
                connect(text, new InetSocketAddress(tcp.host(), tcp.port()), false);
                return;
            }
            Thread.ofVirtual()
                    .name("resolve")
                    .start(() -> {
                        try {
                            InetAddress host = InetAddress.getByName(tcp.host());
                            loop.submit(() ->
                                    connect(text, new InetSocketAddress(host, tcp.port()), false));
                        } catch (UnknownHostException e) {
                            loop.submit(() -> failed(text, "the name is unknown"));
                        }
                    });
        }

        private void connect(String text, SocketAddress address, boolean unix) {
            Bootstrap bootstrap =
                    new Bootstrap()
                            .group(loop.netty())
                            .channel(loop.transport().channel(unix))
                            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, Limits.CONNECT_MS)
                            // Nothing is read before the connection has its handler.
                            .option(ChannelOption.AUTO_READ, false)
                            .handler(new ChannelInboundHandlerAdapter());
            if (!unix) {
                bootstrap.option(ChannelOption.TCP_NODELAY, true);
            }
            ChannelFuture connecting = bootstrap.connect(address);
            connecting.addListener(_ ->
                    loop.guarded(() -> {
                        Throwable cause = connecting.cause();
                        if (cause == null) {
                            connected(text, connecting.channel());
                        } else {
                            failed(text, String.valueOf(cause.getMessage()));
                        }
                    }));
        }

        private void connected(String text, Channel channel) {
            SocketConnection connection = new SocketConnection(loop, channel, text, null);
            channel.pipeline().addLast(connection);
            connection.start(done.onConnect(connection));
            channel.config().setAutoRead(true);
        }
    }
}
