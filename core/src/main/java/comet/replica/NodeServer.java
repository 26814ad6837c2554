package comet.replica;

import comet.base.Buf;
import comet.base.Check;
import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.MapUpdate;
import comet.cluster.Reply;
import comet.port.Connection;
import comet.port.Events.Level;
import comet.store.ChunkStore;
import comet.wire.Frame;
import comet.wire.Hello;
import comet.wire.Lane;
import comet.wire.MessageType;
import comet.wire.Status;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The disks that one loop of a node serves, and the door to them: takes connections, waits for
/// their HELLO, checks that the caller means this cluster and this disk, and hands the connection
/// to the disk's lane. Keeps the node's view of the agreed state and tells the disks what changes.
///
/// A disk serves nothing before the metadata group has registered its start and everything
/// committed until then is known here.
public final class NodeServer implements Connection.Acceptor {
    /// It is not known yet who else holds the disk's data: to be asked again.
    private static final String WAIT_FOR_PEER = "wait-for-peer";

    /// It is no part of the cluster any more.
    private static final String REMOVED_DISK = "removed-disk";

    private final NodeParts parts;
    private final MapView view;
    private final TreeMap<Integer, DiskServer> disks = new TreeMap<>();
    private final LinkedHashSet<Session> sessions = new LinkedHashSet<>();
    private Connection.@Nullable Acceptor control;
    private @Nullable Runnable onMap;
    private final LinkedHashSet<Session> halfOpen = new LinkedHashSet<>();
    private boolean closed;

    public NodeServer(NodeParts parts) {
        this.parts = parts;
        view = new MapView(parts.meta(), this::mapChanged);
    }

    /// Who takes connections of the CONTROL lane. It is given the connection and every frame of it,
    /// the HELLO first, and answers that itself.
    public void control(Connection.Acceptor acceptor) {
        control = acceptor;
    }

    /// Told after every change of the map.
    public void onMap(Runnable listener) {
        onMap = listener;
    }

    /// The agreed state as this node knows it. Not to be changed.
    public ClusterMap map() {
        return view.map();
    }

    /// Starts a disk: registers it with the metadata group, learns the map up to the answer, then
    /// serves.
    ///
    /// @param startCount of this start, already durable in the disk's folder
    /// @param bootId of the life before
    /// @param clean the last stop was clean
    /// @param damaged durable records of the journal are damaged
    /// @param sink keeps the boot id in the disk's folder
    public DiskServer addDisk(
            DiskIdentity identity,
            ChunkStore store,
            long startCount,
            long bootId,
            boolean clean,
            boolean damaged,
            BootIdSink sink) {
        Check.that(!disks.containsKey(identity.diskId()), "disk added twice");
        DiskServer disk = new DiskServer(parts, view, identity, store, sink);
        disks.put(identity.diskId(), disk);
        Command command =
                new Command.RegisterDisk(
                        identity.diskId(),
                        identity.uuidHigh(),
                        identity.uuidLow(),
                        startCount,
                        bootId,
                        clean,
                        damaged);
        register(disk, command, sink);
        return disk;
    }

    private void register(DiskServer disk, Command command, BootIdSink sink) {
        if (!closed) {
            parts.meta().submit(command, reply -> registered(disk, command, reply, sink));
        }
    }

    private void registered(DiskServer disk, Command command, Reply reply, BootIdSink sink) {
        if (closed) {
            return;
        }
        int diskId = disk.identity().diskId();
        switch (reply) {
            case Reply.DiskStarted started -> {
                String why = PgBook.refusal(disk.store(), started.revision());
                if (why != null) {
                    disk.refuse(why, true);
                    disk.event(Level.ERROR, "disk-refused", "code=older-group");
                    return;
                }
                disk.folder().bootId(started.bootId());
                view.atLeast(started.revision(), () -> disk.serve(started.bootId()));
            }
            case Reply.Refused refused when refused.code().equals(WAIT_FOR_PEER) -> {
                disk.refuse(refused.message(), false);
                parts.loop().schedule(Limits.WAIT_FOR_PEER_NS, () -> register(disk, command, sink));
            }
            case Reply.Refused refused when refused.code().equals(REMOVED_DISK) -> {
                disk.refuse(refused.message(), true);
                parts.events().event(Level.INFO, "disk-removed", "disk=" + diskId);
            }
            case Reply.Refused refused -> {
                disk.refuse(refused.message(), true);
                parts.events()
                        .event(
                                Level.ERROR,
                                "disk-refused",
                                "disk=" + diskId + " code=" + refused.code());
            }
            case Reply.Done _, Reply.Id _, Reply.Attached _ ->
                    throw Check.failed("a disk's start was answered with " + reply);
        }
    }

    public @Nullable DiskServer disk(int diskId) {
        return disks.get(diskId);
    }

    /// All disks, in order of their ids.
    public List<DiskServer> disks() {
        return new ArrayList<>(disks.values());
    }

    /// Connections that others have made to this node, and how many of them have not said HELLO.
    public int connectionCount() {
        return sessions.size();
    }

    public int halfOpenCount() {
        return halfOpen.size();
    }

    /// Ends all connections and serves nothing more. The stores stay open.
    public void close() {
        closed = true;
        view.close();
        for (Session session : List.copyOf(sessions)) {
            session.abort("closing");
        }
        disks.values().forEach(DiskServer::close);
    }

    // Connections.

    @Override
    public Connection.Handler onConnect(Connection connection) {
        Session session = new Session(this, connection, parts.loop());
        sessions.add(session);
        halfOpen.add(session);
        if (closed || sessions.size() > Limits.CONNECTIONS_MAX) {
            session.abort("too-many-connections");
        } else if (halfOpen.size() > Limits.HALF_OPEN_MAX) {
            // The oldest has had the most time to say something.
            Session oldest = halfOpen.getFirst();
            halfOpen.remove(oldest);
            oldest.abort("no-hello");
        }
        return session;
    }

    /// The first frame of a connection; takes it over.
    void onHello(Session session, Frame frame) {
        Hello hello = frame.hasData() ? null : Hello.decode(frame);
        if (hello == null) {
            invalid(session, "no-hello");
            frame.release();
            return;
        }
        if (hello.lane() == Lane.CONTROL) {
            routeControl(session, frame);
            return;
        }
        String refusal = refusal(hello);
        DiskServer disk = disks.get(hello.diskId());
        if (refusal != null || disk == null) {
            refuse(session, frame, Status.REFUSED, refusal == null ? "no such disk" : refusal);
        } else if (!disk.serving() && !(disk.readable() && hello.lane() == Lane.READ)) {
            refuse(session, frame, disk.unavailableStatus(), disk.unavailableWhy());
        } else {
            halfOpen.remove(session);
            disk.connect(session, hello, frame.requestId());
        }
        frame.release();
    }

    private void routeControl(Session session, Frame frame) {
        Connection.Acceptor to = control;
        if (to == null) {
            refuse(session, frame, Status.REFUSED, "no member of the metadata group here");
            frame.release();
            return;
        }
        halfOpen.remove(session);
        Connection.Handler handler = to.onConnect(session.connection());
        session.route(
                new Lanes() {
                    @Override
                    public void onFrame(Frame f) {
                        handler.onFrame(f);
                    }

                    @Override
                    public void onClosed() {
                        handler.onClosed("closed");
                    }
                },
                0);
        handler.onFrame(frame);
    }

    /// Why a caller who says this is turned away, or null.
    private @Nullable String refusal(Hello hello) {
        if (hello.versionMin() > Hello.VERSION || hello.versionMax() < Hello.VERSION) {
            return "protocol version " + Hello.VERSION + " is spoken here";
        }
        DiskServer disk = disks.get(hello.diskId());
        if (disk == null) {
            return "disk " + hello.diskId() + " is not here";
        }
        if (disk.identity().uuidHigh() != hello.diskUuidHigh()
                || disk.identity().uuidLow() != hello.diskUuidLow()) {
            return "disk " + hello.diskId() + " is another disk";
        }
        ClusterMap map = view.map();
        if (map.exists()
                && (map.cluster().clusterHigh() != hello.clusterHigh()
                        || map.cluster().clusterLow() != hello.clusterLow())) {
            return "another cluster";
        }
        return null;
    }

    private void refuse(Session session, Frame hello, int status, String why) {
        byte[] text = why.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        Buf data = parts.bufs().take(text.length);
        data.bytes().put(0, text);
        Frame reply = parts.frames().take();
        reply.start(MessageType.HELLO_REPLY, hello.requestId(), Hello.Answer.HEAD_BYTES)
                .status(status)
                .data(data, 0, text.length);
        session.send(reply);
        session.end("refused");
    }

    private void invalid(Session session, String why) {
        session.end("invalid-" + why);
    }

    /// This side ends a connection; the transport's word of it follows.
    void onSessionEnded(Session session, String why) {
        if (why.startsWith("invalid")) {
            parts.events()
                    .event(
                            Level.WARN,
                            "connection-invalid",
                            "peer=" + session.connection().peer() + " why=" + why);
        }
    }

    void onSessionClosed(Session session) {
        sessions.remove(session);
        halfOpen.remove(session);
    }

    private void mapChanged(MapUpdate update) {
        for (DiskServer disk : disks.values()) {
            disk.onMap(update);
        }
        if (onMap != null) {
            onMap.run();
        }
    }
}
