package comet.sim;

import comet.base.Buf;
import comet.base.Check;
import comet.port.Connection;
import comet.wire.Frame;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/// One connection between two processes and both its ends. Frames cross it as bytes: sealed at one
/// end, copied into the other process's buffers and unsealed there.
final class SimLink {
    private final SimNet net;
    private final Simulation simulation;
    final End client;
    final End server;
    private final String address;
    private boolean broken;

    /// What the link is for, as its HELLO said; for checkers.
    int lane;

    int diskId;
    long clientId;
    long bootId;

    /// Number of the last WRITE sent, for a canary that answers for the disk.
    long lastWrite;

    SimLink(SimNet net, SimProcess client, SimProcess server, String address) {
        this.net = net;
        this.simulation = net.simulation();
        this.address = address;
        this.client = new End(client, true);
        this.server = new End(server, false);
    }

    boolean has(SimProcess process) {
        return client.process == process || server.process == process;
    }

    boolean between(String one, @Nullable String other) {
        String a = client.process.name();
        String b = server.process.name();
        return (a.equals(one) && (other == null || b.equals(other)))
                || (b.equals(one) && (other == null || a.equals(other)));
    }

    boolean ended() {
        return broken && client.done() && server.done();
    }

    void connectServer(Connection.Acceptor acceptor) {
        server.handler = acceptor.onConnect(server);
        server.drain();
    }

    void connectClient(Connection.Dialed done) {
        if (client.closed) {
            client.toldClosed = true;
            done.onFailed("reset");
            return;
        }
        client.handler = done.onConnect(client);
        client.drain();
    }

    void stall(long ns) {
        client.stall(ns);
        server.stall(ns);
    }

    /// In one direction: nothing reaches that process for a while.
    void stallTo(String process, long ns) {
        (client.process.name().equals(process) ? client : server).stall(ns);
    }

    void heal() {
        client.stalledUntilNs = 0;
        server.stalledUntilNs = 0;
        simulation.in(
                0,
                () -> {
                    client.drain();
                    server.drain();
                });
    }

    /// Breaks the connection: of what is under way in each direction a first part still arrives.
    void breakNow(long silentNs, String why) {
        if (broken) {
            return;
        }
        broken = true;
        simulation.trace(text(), "breaks: " + why);
        client.loseTail();
        server.loseTail();
        client.endAfter(silentNs, why);
        server.endAfter(silentNs, why);
    }

    String state() {
        return text()
                + (broken ? " broken" : "")
                + " to server "
                + server.incoming.size()
                + (server.paused ? " paused" : "")
                + (server.stalled() ? " stalled" : "")
                + ", to client "
                + client.incoming.size()
                + (client.paused ? " paused" : "")
                + (client.stalled() ? " stalled" : "");
    }

    String text() {
        return client.process.name()
                + ">"
                + server.process.name()
                + "/"
                + (lane == 0 ? "?" : lane == 1 ? "W" : lane == 2 ? "R" : "P")
                + diskId;
    }

    /// One end: what the process there holds as its connection. Frames on their way to it wait in
    /// `incoming`; how many of them have arrived says `arrived`.
    final class End implements Connection {
        final SimProcess process;
        final boolean isClient;
        private @Nullable Handler handler;
        private final ArrayDeque<Frame> incoming = new ArrayDeque<>();
        private int arrived;
        private long lastArrivalNs;
        private long queuedBytes;
        private boolean paused;
        private long stalledUntilNs;
        private boolean closed;
        private boolean endArrived;
        private boolean toldClosed;
        private String why = "closed";

        End(SimProcess process, boolean isClient) {
            this.process = process;
            this.isClient = isClient;
        }

        SimLink link() {
            return SimLink.this;
        }

        End other() {
            return isClient ? server : client;
        }

        @Override
        public void send(Frame given) {
            if (closed || broken) {
                given.release();
                return;
            }
            Frame frame = net.sent(this, given);
            if (frame == null) {
                return;
            }
            frame.seal(process.crc());
            queuedBytes += frame.headBytes() + frame.dataBytes();
            other().expect(frame);
        }

        /// A canary's answer: reaches this end as if the other had sent it.
        void inject(Frame frame) {
            frame.seal(process.crc());
            other().queuedBytes += frame.headBytes() + frame.dataBytes();
            expect(frame);
        }

        private void expect(Frame frame) {
            incoming.addLast(frame);
            long atNs = simulation.nowNs() + net.frameDelayNs();
            lastArrivalNs = Math.max(lastArrivalNs, atNs);
            simulation.in(
                    lastArrivalNs - simulation.nowNs(),
                    () -> {
                        arrived++;
                        drain();
                    });
        }

        private void stall(long ns) {
            stalledUntilNs = Math.max(stalledUntilNs, simulation.nowNs() + ns);
            simulation.in(ns, this::drain);
        }

        private boolean stalled() {
            return simulation.nowNs() < stalledUntilNs;
        }

        /// Gives the handler what has arrived, one frame an event.
        void drain() {
            if (!process.alive()) {
                return;
            }
            if (handler == null || paused || stalled() || toldClosed) {
                return;
            }
            if (arrived > 0 && !incoming.isEmpty()) {
                arrived--;
                Frame frame = incoming.removeFirst();
                simulation.in(0, process.life(), this::drain);
                deliver(frame);
            } else if (endArrived) {
                toldClosed = true;
                closed = true;
                Handler told = handler;
                simulation.in(0, process.life(), () -> told.onClosed(why));
            }
        }

        private void deliver(Frame sent) {
            Frame frame = process.frames().take();
            frame.resizeHead(sent.headBytes());
            System.arraycopy(sent.head(), 0, frame.head(), 0, sent.headBytes());
            Check.that(frame.unseal(process.crc()), "frame changed after it was sent");
            Check.that(frame.getInt(4) == frame.headBytes(), "head length");
            if (sent.dataBytes() > 0) {
                Buf data = process.bufs().take(sent.dataBytes());
                data.copyFrom(0, sent.data(), sent.dataOffset(), sent.dataBytes());
                frame.data(data, 0, sent.dataBytes());
            }
            other().left(sent);
            simulation.note(frame.requestId() * 31 + frame.type() * 7L + frame.status());
            if (simulation.trace().on()) {
                simulation.trace(text() + (isClient ? "<" : ""), FrameText.of(frame));
            }
            net.delivered(this, frame);
            Check.that(handler != null, "no handler");
            Connection.Handler told = handler;
            if (told != null) {
                told.onFrame(frame);
            }
        }

        private void left(Frame sent) {
            queuedBytes -= sent.headBytes() + sent.dataBytes();
            if (process.alive()) {
                sent.release();
            }
        }

        private void loseTail() {
            if (!process.alive()) {
                arrived = 0;
            }
            int kept =
                    !process.alive() || incoming.isEmpty()
                            ? 0
                            : net.prng().nextInt(incoming.size() + 1);
            while (incoming.size() > Math.max(kept, arrived)) {
                other().left(incoming.removeLast());
            }
        }

        private void endAfter(long silentNs, String why) {
            long atNs = Math.max(lastArrivalNs, simulation.nowNs() + silentNs);
            this.why = why;
            simulation.in(
                    atNs - simulation.nowNs(),
                    () -> {
                        endArrived = true;
                        drain();
                    });
        }

        private boolean done() {
            return toldClosed || !process.alive();
        }

        @Override
        public long queuedBytes() {
            return queuedBytes;
        }

        @Override
        public void pauseReading(boolean pause) {
            paused = pause;
            if (!pause) {
                simulation.in(0, process.life(), this::drain);
            }
        }

        @Override
        public void close() {
            if (closed) {
                return;
            }
            closed = true;
            // What had arrived and was not taken is dropped; what was sent may still arrive.
            while (!incoming.isEmpty()) {
                other().left(incoming.removeLast());
            }
            paused = false;
            if (!broken) {
                broken = true;
                other().loseTail();
                other().endAfter(net.frameDelayNs(), "closed by peer");
            }
            why = "closed here";
            endArrived = true;
            simulation.in(0, process.life(), this::drain);
        }

        @Override
        public String peer() {
            return isClient ? address : other().process.name();
        }
    }
}
