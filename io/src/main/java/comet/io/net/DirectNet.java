package comet.io.net;

import comet.base.Check;
import comet.io.loop.EventLoop;
import comet.port.Connection;
import comet.wire.Frame;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Connections between cores of one process and loop: a frame is handed over by reference, later in
/// the same turn, never inside the sender's call. Addresses are `direct:NAME`. Owner thread: the
/// loop.
public final class DirectNet {
    private static final String SCHEME = "direct:";

    private final EventLoop loop;
    private final Map<String, Connection.Acceptor> acceptors = new HashMap<>();

    public DirectNet(EventLoop loop) {
        this.loop = loop;
    }

    /// The address under which `name` is called.
    public static String address(String name) {
        return SCHEME + name;
    }

    public void listen(String name, Connection.Acceptor acceptor) {
        Check.that(acceptors.put(name, acceptor) == null, "two listeners of one name");
    }

    public void unlisten(String name) {
        acceptors.remove(name);
    }

    /// Calls directly where one of the addresses is listened on here, else has `others` call the
    /// rest.
    public Connection.Dialer dialer(Connection.Dialer others) {
        return (addresses, done) -> dial(addresses, done, others);
    }

    private void dial(List<String> addresses, Connection.Dialed done, Connection.Dialer others) {
        List<String> rest = new ArrayList<>();
        for (String address : addresses) {
            if (!address.startsWith(SCHEME)) {
                rest.add(address);
            } else if (acceptors.containsKey(address.substring(SCHEME.length()))) {
                loop.execute(() -> connect(address, done));
                return;
            }
        }
        others.dial(rest, done);
    }

    private void connect(String address, Connection.Dialed done) {
        Connection.Acceptor acceptor = acceptors.get(address.substring(SCHEME.length()));
        if (acceptor == null) {
            done.onFailed(address + ": nobody listens any more");
            return;
        }
        End here = new End(address);
        End there = new End("direct");
        here.other = there;
        there.other = here;
        there.handler = acceptor.onConnect(there);
        here.handler = done.onConnect(here);
    }

    /// One end. What was sent to it waits in its queue until it is drained.
    private final class End implements Connection {
        private final String peer;
        private final ArrayDeque<Frame> arrived = new ArrayDeque<>();
        private final Runnable drain = this::drain;
        private @Nullable End other;
        private @Nullable Handler handler;
        private long arrivedBytes;
        private boolean drainPlanned;
        private boolean paused;

        /// Nothing is sent from here any more, by whichever end's wish.
        private boolean closed;

        /// Why the handler is to be told of the end, once the queue is empty.
        private @Nullable String ending;

        End(String peer) {
            this.peer = peer;
        }

        @Override
        public void send(Frame frame) {
            End to = other;
            if (closed || to == null) {
                frame.release();
                return;
            }
            to.arrived.addLast(frame);
            to.arrivedBytes += bytes(frame);
            to.plan();
        }

        @Override
        public long queuedBytes() {
            return closed || other == null ? 0 : other.arrivedBytes;
        }

        @Override
        public void pauseReading(boolean pause) {
            paused = pause;
            if (!pause) {
                plan();
            }
        }

        @Override
        public void close() {
            End to = other;
            if (closed || to == null) {
                return;
            }
            while (!arrived.isEmpty()) {
                arrived.removeFirst().release();
            }
            arrivedBytes = 0;
            end("closed here");
            // What was sent before the close still arrives there.
            to.end("closed by the peer");
        }

        @Override
        public String peer() {
            return peer;
        }

        private void end(String why) {
            closed = true;
            if (ending == null) {
                ending = why;
            }
            plan();
        }

        private void plan() {
            if (!drainPlanned) {
                drainPlanned = true;
                loop.execute(drain);
            }
        }

        private void drain() {
            drainPlanned = false;
            Handler told = handler;
            if (told == null) {
                return;
            }
            int count = arrived.size();
            while (count-- > 0 && !paused && !arrived.isEmpty()) {
                Frame frame = arrived.removeFirst();
                arrivedBytes -= bytes(frame);
                told.onFrame(frame);
            }
            String why = ending;
            if (why != null && (arrived.isEmpty() || paused)) {
                while (!arrived.isEmpty()) {
                    arrived.removeFirst().release();
                }
                handler = null;
                told.onClosed(why);
            } else if (!paused && !arrived.isEmpty()) {
                plan();
            }
        }

        private static int bytes(Frame frame) {
            return frame.headBytes() + frame.dataBytes();
        }
    }
}
