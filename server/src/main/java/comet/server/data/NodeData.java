package comet.server.data;

import comet.cluster.ClusterInfo;
import comet.cluster.Command;
import comet.io.file.FileMedia;
import comet.io.file.FilePool;
import comet.io.loop.EventLoop;
import comet.io.net.Address;
import comet.io.net.SocketListener;
import comet.port.Connection;
import comet.port.Events;
import comet.port.Events.Level;
import comet.port.Media.MediaException;
import comet.port.MetaClient;
import comet.replica.BootIdSink;
import comet.replica.DiskIdentity;
import comet.replica.DiskServer;
import comet.replica.NodeConfig;
import comet.replica.NodeParts;
import comet.replica.NodeServer;
import comet.store.Disk;
import comet.store.StoreConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The data path of a storage node: listeners, its disks, and for each loop that has some a core
/// that serves them. A disk, its files and its connections stay on one loop; the first one listens,
/// and has every connection go to the loop of the disk that it names.
///
/// In order: the constructor, [#control] where the process carries a member of the metadata group,
/// [#listen], then [#join], which waits for the group and brings the disks into service; [#close]
/// at the end. None of them on a loop.
public final class NodeData implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NodeData.class);

    /// How the cores of the node reach others, each from its loop. Not for the loops.
    public interface Access {
        MetaClient meta(EventLoop loop);

        Connection.Dialer dialer(EventLoop loop);
    }

    /// @param folder the node's own
    /// @param domain of its disks, where they name none
    /// @param hostId equal for processes of one host
    /// @param memory shared by the disks that there are, also by those that come later
    /// @param files how the disks reach their devices
    /// @param fileThreads calls to files that may wait at the same time
    public record Settings(
            String name,
            Path folder,
            String domain,
            String hostId,
            NodeConfig node,
            StoreConfig store,
            JournalMemory memory,
            FileMedia.Way files,
            int fileThreads,
            boolean anyFileSystem) {

        public static Settings of(String name, Path folder, String domain, String hostId) {
            return new Settings(
                    name,
                    folder,
                    domain,
                    hostId,
                    NodeConfig.defaults(),
                    StoreConfig.defaults(),
                    new JournalMemory(
                            EventLoop.directBytesMax(), 0, StoreConfig.defaults().journalBytes()),
                    FileMedia.Way.AUTO,
                    4,
                    false);
        }

        public Settings withStore(StoreConfig config, JournalMemory memory) {
            return new Settings(
                    name,
                    folder,
                    domain,
                    hostId,
                    node,
                    config,
                    memory,
                    files,
                    fileThreads,
                    anyFileSystem);
        }

        /// @param bytesPerSecond at which disks are scrubbed
        public Settings withScrub(long bytesPerSecond) {
            return new Settings(
                    name,
                    folder,
                    domain,
                    hostId,
                    node.withScrub(node.scrub().withRate(bytesPerSecond)),
                    store,
                    memory,
                    files,
                    fileThreads,
                    anyFileSystem);
        }

        public Settings withFiles(FileMedia.Way way) {
            return new Settings(
                    name,
                    folder,
                    domain,
                    hostId,
                    node,
                    store,
                    memory,
                    way,
                    fileThreads,
                    anyFileSystem);
        }
    }

    private final NodeLoops loops;
    private final Settings settings;
    private final Access access;
    private final Events events;
    private final FilePool pool;
    private final List<SocketListener> listeners = new ArrayList<>();

    /// Folder of every disk that was given to this node, with what keeps it out of service.
    private final Map<Path, String> failures = new ConcurrentSkipListMap<>();

    /// Read by all threads, also while a disk is being opened.
    private final List<NodeDisk> disks = new CopyOnWriteArrayList<>();

    private final Group group;
    private volatile boolean closing;
    private NodeDisk.@Nullable Shared shared;
    private @Nullable ClusterInfo cluster;
    private int nodeId;

    /// A node on one loop.
    public NodeData(
            EventLoop loop,
            Settings settings,
            MetaClient meta,
            Connection.Dialer dialer,
            Events events) {
        this(List.of(loop), settings, new OneLoop(meta, dialer), events);
    }

    /// @param loops over which disks are spread; of one transport, which lets channels go where
    ///   there are several
    public NodeData(List<EventLoop> loops, Settings settings, Access access, Events events) {
        this.settings = settings;
        this.access = access;
        this.events = events;
        EventLoop loop = loops.getFirst();
        group = new Group(loop, access.meta(loop));
        pool = new FilePool("file", settings.fileThreads());
        this.loops = new NodeLoops(loops, this::newServer);
    }

    private record OneLoop(MetaClient client, Connection.Dialer calls) implements Access {
        @Override
        public MetaClient meta(EventLoop loop) {
            return client;
        }

        @Override
        public Connection.Dialer dialer(EventLoop loop) {
            return calls;
        }
    }

    private NodeServer newServer(EventLoop loop) {
        NodeParts parts =
                new NodeParts(
                        settings.node(),
                        loop,
                        access.meta(loop),
                        access.dialer(loop),
                        loop.frames(),
                        loop.bufs(),
                        events,
                        System::currentTimeMillis);
        return loop.call(() -> new NodeServer(parts));
    }

    /// The core of the first loop; of that.
    public NodeServer server() {
        return loops.first().server();
    }

    /// What a disk's loop serves of it, or null where it has not begun to; of that loop.
    public @Nullable DiskServer served(NodeDisk disk) {
        NodeLoops.Part home = loops.home(disk.diskId());
        return home == null ? null : home.server().disk(disk.diskId());
    }

    /// Who takes connections to the metadata group that come in here; on the first loop.
    public void control(Connection.Acceptor acceptor) {
        loops.first().run(() -> server().control(acceptor));
    }

    /// Listens on one more address.
    ///
    /// @return the real one
    public Address listen(Address address) throws DataException {
        try {
            EventLoop loop = loops.first().loop();
            SocketListener listener =
                    loops.all().size() == 1
                            ? SocketListener.listen(loop, address, server())
                            : SocketListener.spread(loop, address, loops);
            listeners.add(listener);
            return listener.address();
        } catch (IOException e) {
            throw new DataException(String.valueOf(e.getMessage()), e);
        }
    }

    /// Registers the node with the group and brings its disks into service, waiting for the group
    /// as long as it takes. A disk that cannot be used is reported and left out, so that the others
    /// serve; if none can, that is an error.
    ///
    /// @param addresses what others are told to call
    public synchronized void join(List<String> addresses, List<NodeDisk.Settings> folders)
            throws DataException, InterruptedException {
        cluster = group.cluster();
        shared =
                new NodeDisk.Shared(
                        loops.first().loop(),
                        pool,
                        group,
                        DiskBook.read(settings.folder()),
                        events,
                        settings.store(),
                        settings.files(),
                        settings.anyFileSystem());
        nodeId =
                Math.toIntExact(
                        group.register(
                                new Command.RegisterNode(
                                        settings.name(),
                                        settings.domain(),
                                        settings.hostId(),
                                        addresses)));
        DataException first = null;
        for (NodeDisk.Settings folder : folders) {
            try {
                addDisk(folder);
            } catch (DataException e) {
                first = first == null ? e : first;
                if (closing) {
                    throw e;
                }
                failures.put(folder.folder(), String.valueOf(e.getMessage()));
                events.event(
                        Level.ERROR,
                        "disk-unusable",
                        "folder=" + folder.folder() + " why=\"" + e.getMessage() + "\"");
            }
        }
        if (first != null && disks.isEmpty()) {
            throw first;
        }
    }

    /// Brings one more disk into service; makes it where its folder is empty.
    ///
    /// @return its id
    public synchronized int addDisk(NodeDisk.Settings folder)
            throws DataException, InterruptedException {
        NodeDisk.Shared with = shared;
        ClusterInfo of = cluster;
        if (with == null || of == null) {
            throw new DataException("the node has not joined its cluster yet: try again later");
        }
        if (closing) {
            throw Group.stopping();
        }
        for (NodeDisk disk : disks) {
            if (disk.isIn(folder.folder())) {
                throw new DataException(
                        "the folder %s is in service already, as disk %d"
                                .formatted(folder.folder(), disk.diskId()));
            }
        }
        int count = disks.size() + 1;
        if (!settings.memory().fits(count)) {
            throw new DataException(settings.memory().tooMuch(count));
        }
        NodeLoops.Part home = loops.emptiest(disks);
        NodeDisk disk = NodeDisk.open(with.on(home.loop()), folder, nodeId, settings.domain(), of);
        failures.remove(folder.folder());
        disks.add(disk);
        shareMemory();
        loops.settle(disk.diskId(), home);
        home.run(() -> serve(home.server(), disk.disk()));
        if (loops.all().size() > 1) {
            LOG.info(
                    "event=disk-placed disk={} loop={}",
                    disk.diskId(),
                    loops.all().indexOf(home.loop()) + 1);
        }
        return disk.diskId();
    }

    /// Disks that were opened, in the order of the config.
    public List<NodeDisk> disks() {
        return List.copyOf(disks);
    }

    /// Folders that could not be used, with the reason.
    public Map<Path, String> failures() {
        return Map.copyOf(failures);
    }

    /// Stops serving, puts everything in its place and closes the disks cleanly. A [#join] that
    /// waits for the group is called off.
    @Override
    public void close() {
        closing = true;
        group.stop();
        closeAll();
    }

    private synchronized void closeAll() {
        listeners.forEach(SocketListener::close);
        loops.parts().forEach(part -> part.run(part.server()::close));
        // All at once: one whose device hangs keeps the others waiting for nothing.
        disks.forEach(NodeDisk::startClose);
        for (NodeDisk disk : disks) {
            try {
                disk.awaitClose();
            } catch (DataException e) {
                LOG.error("event=disk-not-closed why=\"{}\"", e.getMessage());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
        pool.close();
    }

    private void shareMemory() {
        long ofEach = settings.memory().ofEach(disks.size());
        for (EventLoop loop : loops.all()) {
            List<NodeDisk> here = NodeLoops.on(loop, disks);
            loop.<Boolean>call(() -> {
                here.forEach(disk -> disk.disk().limitPending(ofEach));
                loop.keep(here.size(), disks.size());
                return true;
            });
        }
    }

    private static void serve(NodeServer server, Disk disk) {
        comet.store.DiskIdentity identity = disk.identity();
        server.addDisk(
                new DiskIdentity(identity.diskId(), identity.uuidHigh(), identity.uuidLow()),
                disk,
                disk.startCount(),
                disk.bootId(),
                disk.clean(),
                disk.damaged(),
                new Folder(disk));
    }

    /// What the disk's own folder remembers of its replicas. A folder that takes nothing any more
    /// ends the process: without its boot id written down a disk must not serve.
    private record Folder(Disk disk) implements BootIdSink {
        @Override
        public void bootId(long bootId) {
            try {
                disk.setBootId(bootId);
            } catch (MediaException e) {
                throw new IllegalStateException(e.getMessage(), e);
            }
        }

        @Override
        public void recovered() {
            try {
                if (disk.damaged()) {
                    disk.damageHandled();
                }
            } catch (MediaException e) {
                throw new IllegalStateException(e.getMessage(), e);
            }
        }
    }
}
