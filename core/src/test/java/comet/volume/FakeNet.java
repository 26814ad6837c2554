package comet.volume;

import comet.base.BufPool;
import comet.base.Prng;
import comet.port.Connection;
import comet.wire.Frame;
import comet.wire.FramePool;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Connections with seeded delays, in order per direction. Frames are copied on arrival, so that
/// data given back too early shows.
final class FakeNet {
    final FakeLoop loop;
    final Prng prng;
    final FramePool frames = new FramePool();
    final BufPool bufs = new BufPool(1 << 20);
    final TreeMap<String, Connection.Acceptor> servers = new TreeMap<>();
    final List<Link> links = new ArrayList<>();
    long delayNsMax = 200_000;

    FakeNet(FakeLoop loop, Prng prng) {
        this.loop = loop;
        this.prng = prng;
    }

    /// The network as one process uses it.
    Connection.Dialer dialer(List<Link> mine) {
        return (addresses, done) ->
                loop.schedule(
                        1000 + prng.nextLong(delayNsMax),
                        () -> {
                            Connection.Acceptor server = servers.get(addresses.getFirst());
                            if (server == null) {
                                done.onFailed("nobody listens");
                                return;
                            }
                            Link link = new Link(addresses.getFirst());
                            links.add(link);
                            mine.add(link);
                            link.server.handler = server.onConnect(link.server);
                            link.client.handler = done.onConnect(link.client);
                        });
    }

    void breakAll(String address) {
        for (Link link : List.copyOf(links)) {
            if (link.address.equals(address)) {
                link.cut("cut");
            }
        }
    }

    final class Link {
        final String address;
        final Side client = new Side(this);
        final Side server = new Side(this);
        boolean broken;

        Link(String address) {
            this.address = address;
            client.other = server;
            server.other = client;
        }

        void cut(String why) {
            if (!broken) {
                broken = true;
                links.remove(this);
                for (Side side : List.of(client, server)) {
                    loop.schedule(
                            1 + prng.nextLong(delayNsMax),
                            () -> {
                                if (side.handler != null && !side.closed) {
                                    side.closed = true;
                                    side.handler.onClosed(why);
                                }
                            });
                }
            }
        }
    }

    final class Side implements Connection {
        final Link link;
        @Nullable Side other;
        @Nullable Handler handler;
        boolean closed;
        long arrivesNs;

        Side(Link link) {
            this.link = link;
        }

        @Override
        public void send(Frame frame) {
            if (link.broken) {
                frame.release();
                return;
            }
            arrivesNs = Math.max(arrivesNs, loop.nowNs() + 1000 + prng.nextLong(delayNsMax));
            loop.schedule(
                    arrivesNs - loop.nowNs(),
                    () -> {
                        if (!link.broken && !other.closed) {
                            other.handler.onFrame(copy(frame));
                        }
                        frame.release();
                    });
        }

        private Frame copy(Frame frame) {
            Frame copy = frames.take();
            copy.resizeHead(frame.headBytes());
            System.arraycopy(frame.head(), 0, copy.head(), 0, frame.headBytes());
            if (frame.hasData()) {
                comet.base.Buf data = bufs.take(frame.dataBytes());
                data.copyFrom(0, frame.data(), frame.dataOffset(), frame.dataBytes());
                copy.data(data, 0, frame.dataBytes());
            }
            return copy;
        }

        @Override
        public long queuedBytes() {
            return 0;
        }

        @Override
        public void pauseReading(boolean pause) {}

        @Override
        public void close() {
            link.cut("closed");
        }

        @Override
        public String peer() {
            return link.address;
        }
    }
}
