package comet.replica;

import comet.port.Connection;
import comet.wire.Frame;
import comet.wire.FramePool;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Connections within one loop: ordered, each frame a copy, delivered after a delay. Breaks at a
/// test's word.
final class TestNet implements Connection.Dialer {
    private final TestLoop loop;
    private final FramePool frames;
    private final TreeMap<String, Connection.Acceptor> listeners = new TreeMap<>();
    private final List<End> ends = new ArrayList<>();
    long delayNs;

    TestNet(TestLoop loop, FramePool frames) {
        this.loop = loop;
        this.frames = frames;
    }

    void listen(String address, Connection.Acceptor acceptor) {
        listeners.put(address, acceptor);
    }

    void unlisten(String address) {
        listeners.remove(address);
        for (End end : List.copyOf(ends)) {
            if (end.address.equals(address)) {
                end.close();
            }
        }
    }

    @Override
    public void dial(List<String> addresses, Connection.Dialed done) {
        loop.execute(() -> {
            for (String address : addresses) {
                Connection.Acceptor acceptor = listeners.get(address);
                if (acceptor != null) {
                    connect(address, acceptor, done);
                    return;
                }
            }
            done.onFailed("refused");
        });
    }

    private void connect(String address, Connection.Acceptor acceptor, Connection.Dialed done) {
        End caller = new End(address);
        End called = new End(address);
        caller.other = called;
        called.other = caller;
        ends.add(caller);
        ends.add(called);
        called.handler = acceptor.onConnect(called);
        caller.handler = done.onConnect(caller);
    }

    /// A connection to `address` for a test's own use.
    Connection dial(String address, Connection.Handler handler) {
        End[] made = new End[1];
        connect(
                address,
                Harness.some(listeners.get(address)),
                new Connection.Dialed() {
                    @Override
                    public Connection.Handler onConnect(Connection connection) {
                        made[0] = (End) connection;
                        return handler;
                    }

                    @Override
                    public void onFailed(String why) {}
                });
        return made[0];
    }

    private final class End implements Connection {
        private final String address;
        private @Nullable End other;
        private @Nullable Handler handler;
        private boolean closed;
        private boolean told;

        End(String address) {
            this.address = address;
        }

        @Override
        public void send(Frame frame) {
            if (closed) {
                frame.release();
                return;
            }
            Frame copy = frames.take();
            copy.resizeHead(frame.headBytes());
            System.arraycopy(frame.head(), 0, copy.head(), 0, frame.headBytes());
            if (frame.hasData()) {
                copy.data(frame.data().retain(), frame.dataOffset(), frame.dataBytes());
            }
            frame.release();
            End to = Harness.some(other);
            loop.schedule(
                    delayNs,
                    () -> {
                        if (to.closed) {
                            copy.release();
                        } else {
                            Harness.some(to.handler).onFrame(copy);
                        }
                    });
        }

        @Override
        public long queuedBytes() {
            return 0;
        }

        @Override
        public void pauseReading(boolean pause) {}

        @Override
        public void close() {
            end();
            if (other != null) {
                other.end();
            }
        }

        private void end() {
            closed = true;
            if (!told) {
                told = true;
                ends.remove(this);
                loop.execute(() -> Harness.some(handler).onClosed("closed"));
            }
        }

        @Override
        public String peer() {
            return "test";
        }
    }
}
