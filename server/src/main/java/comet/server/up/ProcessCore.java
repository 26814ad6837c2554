package comet.server.up;

import comet.base.Check;
import comet.cluster.ClusterInfo;
import comet.cluster.ClusterMap;
import comet.io.loop.EventLoop;
import comet.io.net.SocketDialer;
import comet.port.Connection;
import comet.server.admin.Admin;
import comet.server.admin.AdminServer;
import comet.server.admin.EventLog;
import comet.server.admin.GatewayPart;
import comet.server.admin.LoopGroup;
import comet.server.admin.Metrics;
import comet.server.admin.MoveMetrics;
import comet.server.admin.NodePart;
import comet.server.admin.ProcessMetrics;
import comet.server.config.AdminConfig;
import comet.server.config.HostPort;
import comet.server.config.IoConfig;
import comet.server.control.BlockingMeta;
import comet.server.control.ControlClient;
import comet.server.control.ControlService;
import comet.server.control.MemberBook;
import comet.server.control.MemberCall;
import comet.server.control.Origin;
import comet.server.data.DataException;
import comet.server.data.DiskProbe;
import comet.server.data.HostId;
import comet.server.raft.MetaMember;
import comet.server.raft.RaftSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// What every process of Comet has, whatever its role: a locked folder, event loops, events,
/// metrics, a way to the metadata group, the admin API; and their end, in the opposite order.
final class ProcessCore {
    final String name;
    final Life life;
    final Closers closers;
    final DataFolder folder;

    /// All event loops of the process; the first is [#loop].
    final List<EventLoop> loops;

    /// The one that listens and carries what is not spread.
    final EventLoop loop;

    final EventLog events;
    final Metrics metrics = new Metrics();
    final String hostId;

    private final Origin origin = new Origin();
    private Connection.Dialer dialer;
    private @Nullable MetaMember member;
    private @Nullable ControlService service;
    private @Nullable MemberBook book;

    /// @param own see [DataFolder#open]
    /// @param io what the loops wait with, and how many there are
    ProcessCore(String kind, String name, Path data, boolean own, IoConfig io, Life life) {
        this.name = name;
        this.life = life;
        closers = new Closers();
        life.onStop(closers::close);
        folder = DataFolder.open(data, kind, name, own);
        closers.add("folder", folder::close);
        loops = EventLoop.start(io.loopCount(), name, io.sockets(), EventLoop.HALT);
        loop = loops.getFirst();
        closers.add("loops", () -> loops.forEach(EventLoop::close));
        events = new EventLog(name);
        metrics.add(new ProcessMetrics(name, events));
        dialer = new SocketDialer(loop);
        try {
            hostId = HostId.read();
        } catch (DataException e) {
            throw new StartException(String.valueOf(e.getMessage()), e);
        }
    }

    Path data() {
        return folder.path();
    }

    Connection.Dialer dialer() {
        return dialer;
    }

    /// For calls from one of the loops.
    Connection.Dialer dialer(EventLoop from) {
        return from == loop ? dialer : new SocketDialer(from);
    }

    /// Calls from the first loop go through `other` from now on.
    void dialThrough(Connection.Dialer other) {
        dialer = other;
    }

    /// The number of this process in a file, as long as it runs.
    void pidFile(@Nullable Path file) {
        if (file == null) {
            return;
        }
        try {
            Path parent = file.getParent();
            if (parent != null) {
                Files.createDirectories(parent);
            }
            Files.writeString(file, ProcessHandle.current().pid() + "\n");
        } catch (IOException e) {
            throw new StartException(
                    "cannot write the pid file %s: %s".formatted(file, DataFolder.words(e)), e);
        }
        closers.add("pid file", () -> Files.deleteIfExists(file));
    }

    /// The metadata group, as the config names it: its members' `control` addresses.
    void group(List<HostPort> addresses) {
        book = MemberBook.in(data(), addresses.stream().map(HostPort::toString).toList());
    }

    /// The newest that are known.
    List<String> groupAddresses() {
        return book == null ? List.of() : book.addresses();
    }

    /// This process carries a member of the group.
    ///
    /// @return for the listener on which others reach it
    Connection.Acceptor startMember(RaftSettings settings) {
        try {
            MetaMember started = MetaMember.start(settings);
            member = started;
            started.probeWith(new DiskProbe(loop, this::dialer));
            metrics.add(new MoveMetrics(name, started));
            closers.add("metadata member", started::close);
            ControlService served = new ControlService(started);
            service = served;
            closers.add("control", served::close);
            return loop.call(() -> served.acceptor(loop::submit, loop.frames(), loop.bufs()));
        } catch (IOException e) {
            throw new StartException(
                    "the member of the metadata group cannot start in %s: %s"
                            .formatted(settings.folder(), e.getMessage()),
                    e);
        }
    }

    @Nullable MetaMember member() {
        return member;
    }

    /// A client of the group, on the first loop.
    ControlClient client() {
        return client(loop);
    }

    /// One on any of the loops; not from there.
    ControlClient client(EventLoop on) {
        ControlClient client = connect(on);
        closers.add("group client", () -> disconnect(on, client));
        return client;
    }

    /// The same for an owner that ends it by [#disconnect].
    ControlClient connect(EventLoop on) {
        ControlService local = service;
        return on.call(() -> {
            MemberBook known = book;
            if (known == null) {
                if (local == null) {
                    throw Check.failed("a process without a member knows where some are");
                }
                return ControlClient.local(origin, local, on, on::submit);
            }
            ControlClient.Network network =
                    new ControlClient.Network(dialer(on), on.frames(), on.bufs(), known, 0, 0);
            if (local == null) {
                return ControlClient.remote(origin, network, on, on::submit);
            }
            ControlClient client = ControlClient.member(origin, local, network, on, on::submit);
            MetaMember carried = local.member();
            client.reportMember(carried.settings().self(), carried.folderId());
            return client;
        });
    }

    static void disconnect(EventLoop on, ControlClient client) {
        on.<Boolean>call(() -> {
            client.close();
            return true;
        });
    }

    LoopGroup groupAccess() {
        MemberCall calls = new MemberCall(loop, this::dialer);
        closers.add("member calls", calls::close);
        return new LoopGroup(new BlockingMeta(client(), loop::submit), calls);
    }

    /// Starts the admin API.
    AdminServer admin(
            AdminConfig config,
            LoopGroup group,
            @Nullable NodePart nodes,
            @Nullable GatewayPart gateway,
            Supplier<List<EventLog.Event>> shown) {
        return started(config, startAdmin(config, group, nodes, gateway, shown));
    }

    /// The same on a thread of its own, as other parts are still starting; [#started] waits for it.
    FutureTask<AdminServer> startAdmin(
            AdminConfig config,
            LoopGroup group,
            @Nullable NodePart nodes,
            @Nullable GatewayPart gateway,
            Supplier<List<EventLog.Event>> shown) {
        Admin admin = new Admin(group, nodes, gateway, shown, metrics, this::groupAddresses);
        FutureTask<AdminServer> starting = new FutureTask<>(() -> AdminServer.start(config, admin));
        Thread.ofPlatform().daemon().name("admin-start").start(starting);
        return starting;
    }

    AdminServer started(AdminConfig config, FutureTask<AdminServer> starting) {
        try {
            AdminServer server = starting.get();
            closers.add("admin", server::close);
            HostPort listen = config.listen();
            if (listen != null) {
                Files.writeString(
                        data().resolve("admin.address"), listen.withPort(server.port()) + "\n");
            }
            return server;
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new StartException(String.valueOf(cause.getMessage()), e);
        } catch (IOException e) {
            throw new StartException(String.valueOf(e.getMessage()), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartException("interrupted", e);
        }
    }

    /// Notes, or compares, to which cluster this process belongs.
    void checkCluster(ClusterMap map) {
        ClusterInfo cluster = map.cluster();
        folder.cluster(new UUID(cluster.clusterHigh(), cluster.clusterLow()).toString());
    }

    /// Waits until the group holds a cluster, and that it is ours.
    void awaitCluster(LoopGroup group) {
        boolean said = false;
        while (true) {
            boolean there = false;
            try {
                there =
                        group.read(map -> {
                            if (map.exists()) {
                                checkCluster(map);
                            }
                            return map.exists();
                        });
            } catch (comet.server.admin.AdminException e) {
                events.event(
                        comet.port.Events.Level.WARN,
                        "group-away",
                        "group=" + groupAddresses() + " why=\"" + e.code() + "\"");
            }
            if (there) {
                return;
            }
            if (!said) {
                said = true;
                events.event(
                        comet.port.Events.Level.INFO,
                        "cluster-awaited",
                        "group=" + groupAddresses());
            }
            pause(300);
        }
    }

    static void pause(long ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartException("interrupted", e);
        }
    }

    /// Says on standard output that others may begin.
    static void ready(String what) {
        System.out.println("ready " + what);
        System.out.flush();
    }
}
