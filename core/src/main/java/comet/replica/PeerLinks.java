package comet.replica;

import comet.base.Check;
import comet.cluster.ClusterMap;
import comet.cluster.DiskInfo;
import comet.cluster.NodeInfo;
import comet.port.Connection;
import comet.port.Events.Level;
import comet.wire.Frame;
import comet.wire.Hello;
import comet.wire.Lane;
import comet.wire.MessageType;
import comet.wire.Status;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Connections of one disk to other disks, on the PEER lane: made when something is asked, kept,
/// ended where an answer stays out for the I/O deadline.
final class PeerLinks {
    /// Told the answer to a request, or null where the connection failed. The link releases the
    /// frame after the call.
    interface Answer {
        void answer(@Nullable Frame reply);
    }

    private record Asked(int type, Answer answer, long atNs) {}

    private enum State {
        DOWN,
        DIALING,
        GREETING,
        UP
    }

    private final NodeParts parts;
    private final MapView view;
    private final DiskIdentity identity;
    private final TreeMap<Integer, Link> links = new TreeMap<>();
    private long nextRequest = 1;
    private boolean closed;

    PeerLinks(NodeParts parts, MapView view, DiskIdentity identity) {
        this.parts = parts;
        this.view = view;
        this.identity = identity;
    }

    /// Sends a request to a disk; its request id is set here. The answer comes later.
    void ask(int diskId, Frame request, Answer answer) {
        if (closed) {
            request.release();
            parts.loop().execute(() -> answer.answer(null));
            return;
        }
        links.computeIfAbsent(diskId, Link::new).ask(request, answer);
    }

    void tick() {
        for (Link link : List.copyOf(links.values())) {
            link.tick();
        }
    }

    void close() {
        closed = true;
        for (Link link : List.copyOf(links.values())) {
            link.down("closing");
        }
    }

    private final class Link implements Connection.Dialed {
        private final int diskId;
        private final LinkedHashMap<Long, Asked> asked = new LinkedHashMap<>();
        private final ArrayDeque<Frame> queue = new ArrayDeque<>();
        private State state = State.DOWN;
        private @Nullable Live live;
        private long retryAtNs = Long.MIN_VALUE;
        private long sinceNs;

        /// It failed since it last worked: said once.
        private boolean troubled;

        Link(int diskId) {
            this.diskId = diskId;
        }

        void ask(Frame request, Answer answer) {
            long now = parts.loop().nowNs();
            boolean resting = state == State.DOWN && now < retryAtNs;
            if (resting || queue.size() >= Limits.LINK_QUEUE_MAX || !canDial()) {
                request.release();
                parts.loop().execute(() -> answer.answer(null));
                return;
            }
            long id = nextRequest++;
            request.putLong(16, id);
            asked.put(id, new Asked(request.type(), answer, now));
            if (state == State.UP && live != null) {
                live.connection.send(request);
                return;
            }
            queue.add(request);
            if (state == State.DOWN) {
                dial(now);
            }
        }

        private boolean canDial() {
            DiskInfo disk = view.map().disk(diskId);
            return disk != null && view.map().node(disk.nodeId()) != null;
        }

        private void dial(long now) {
            DiskInfo disk = view.map().disk(diskId);
            NodeInfo node = disk == null ? null : view.map().node(disk.nodeId());
            if (node == null) {
                throw Check.failed("a disk without a node");
            }
            state = State.DIALING;
            sinceNs = now;
            parts.dialer().dial(node.addresses(), this);
        }

        @Override
        public Connection.Handler onConnect(Connection connection) {
            Live made = new Live(this, connection);
            if (closed || state != State.DIALING) {
                connection.close();
                return made;
            }
            state = State.GREETING;
            sinceNs = parts.loop().nowNs();
            live = made;
            connection.send(hello().encode(parts.frames().take(), 0));
            return made;
        }

        @Override
        public void onFailed(String why) {
            if (state == State.DIALING) {
                down(why);
            }
        }

        private Hello hello() {
            ClusterMap map = view.map();
            DiskInfo disk = map.disk(diskId);
            if (disk == null) {
                throw Check.failed("disks do not leave the map");
            }
            return new Hello(
                    Hello.VERSION,
                    Hello.VERSION,
                    0,
                    map.cluster().clusterHigh(),
                    map.cluster().clusterLow(),
                    Lane.PEER,
                    diskId,
                    disk.uuidHigh(),
                    disk.uuidLow(),
                    identity.diskId());
        }

        /// @return false where the other side breaks the protocol
        private boolean on(Frame frame) {
            if (state == State.GREETING) {
                if (frame.type() != MessageType.HELLO_REPLY || frame.status() != Status.OK) {
                    return false;
                }
                state = State.UP;
                troubled = false;
                while (!queue.isEmpty() && live != null) {
                    live.connection.send(queue.remove());
                }
                return true;
            }
            Asked request = asked.remove(frame.requestId());
            if (request == null || frame.type() != request.type + 1) {
                if (request != null) {
                    asked.put(frame.requestId(), request);
                }
                return false;
            }
            if (frame.status() == Status.INVALID) {
                request.answer.answer(null);
                return false;
            }
            request.answer.answer(frame);
            return true;
        }

        void tick() {
            long now = parts.loop().nowNs();
            long deadline = now - parts.config().ioDeadlineNs();
            boolean slow =
                    (state == State.DIALING || state == State.GREETING) && sinceNs < deadline;
            if (!asked.isEmpty() && state == State.UP) {
                slow = asked.firstEntry().getValue().atNs < deadline;
            }
            if (slow) {
                down("no-answer");
            }
        }

        /// Everything asked is answered with nothing; the next question dials again.
        void down(String why) {
            if (!troubled && !closed) {
                troubled = true;
                String which = "disk=" + identity.diskId() + " peer=" + diskId;
                parts.events().event(Level.WARN, "peer-lost", which + " why=" + why);
            }
            state = State.DOWN;
            retryAtNs = parts.loop().nowNs() + Limits.RETRY_NS / 2;
            Live was = live;
            live = null;
            if (was != null) {
                was.connection.close();
            }
            queue.forEach(Frame::release);
            queue.clear();
            List<Asked> lost = new ArrayList<>(asked.values());
            asked.clear();
            for (Asked request : lost) {
                parts.loop().execute(() -> request.answer.answer(null));
            }
        }
    }

    /// One connection of a link; what arrives after it was given up is dropped.
    private static final class Live implements Connection.Handler {
        private final Link link;
        private final Connection connection;

        Live(Link link, Connection connection) {
            this.link = link;
            this.connection = connection;
        }

        @Override
        public void onFrame(Frame frame) {
            if (link.live == this && !link.on(frame) && link.live == this) {
                link.down("protocol");
            }
            frame.release();
        }

        @Override
        public void onClosed(String why) {
            if (link.live == this) {
                link.down(why);
            }
        }
    }
}
