package comet.server.up;

import comet.cluster.VolumeInfo;
import comet.server.admin.AdminException;
import comet.server.admin.AdminServer;
import comet.server.admin.EventLog;
import comet.server.admin.GroupStatus;
import comet.server.admin.LoopGroup;
import comet.server.admin.RemoteParts;
import comet.server.config.AdminConfig;
import comet.server.config.GatewayConfig;
import comet.server.config.HostPort;
import comet.server.config.NbdTlsConfig;
import comet.server.config.NodeConfig;
import comet.server.config.UpConfig;
import comet.server.up.NodesLayout.Child;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/// `comet up --nodes N`: a cluster of separate processes on this machine, to try failures by hand.
/// This process starts them, serves the admin API, and stops them when it is stopped.
final class UpNodes {
    private static final String GATEWAY = "gateway-1";

    private UpNodes() {}

    static void start(UpConfig up, Life life) {
        Children.launcher();
        Path data = up.data().toAbsolutePath().normalize();
        ProcessCore process = new ProcessCore("nodes", "up", data, true, up.io(), life);
        List<Child> children = new NodesLayout(up).write();
        NodeConfig first = NodeConfig.read(children.getFirst().config(), List.of());
        GatewayConfig gateway = GatewayConfig.read(children.getLast().config(), List.of());
        process.group(first.group());
        HostPort nbd = gateway.nbdListen();
        if (nbd == null) {
            throw new StartException(children.getLast().config() + " has no nbd.listen");
        }
        LoopGroup group = process.groupAccess();
        RemoteParts parts = parts(children, data, nbd, up.tls());
        process.metrics.add(parts::sample);
        Supplier<List<EventLog.Event>> events = () -> parts.events(process.events.last());
        AdminServer admin =
                process.admin(
                        new AdminConfig(
                                data.resolve("admin.sock"),
                                up.admin(),
                                data.resolve("admin.token")),
                        group,
                        parts,
                        parts,
                        events);
        Children running = new Children();
        process.closers.add("processes", running::stop);
        life.onHurry(running::kill);
        children.stream().filter(child -> child.role().equals("node")).forEach(running::start);
        createCluster(process, group, up, running);
        running.start(children.getLast());
        awaitDisks(up, group, running);
        VolumeInfo volume = FirstVolume.ensure(group, up.sizeBytes());
        awaitSocket(data.resolve("nbd.sock"), running);
        List<String> commands = new ArrayList<>();
        children.forEach(child -> commands.add(Children.command(child)));
        FirstVolume.explain(
                System.out,
                data,
                volume,
                GatewayFront.uri(nbd, up.tls(), volume.name()),
                up.admin().withPort(admin.port()),
                commands);
    }

    private static RemoteParts parts(
            List<Child> children, Path data, HostPort nbd, NbdTlsConfig tls) {
        Map<String, Path> nodes = new TreeMap<>();
        for (Child child : children) {
            if (child.role().equals("node")) {
                nodes.put(child.name(), child.folder().resolve("admin.sock"));
            }
        }
        return new RemoteParts(
                nodes,
                GATEWAY,
                children.getLast().folder().resolve("admin.sock"),
                volume ->
                        List.of(
                                "nbd+unix:///" + volume + "?socket=" + data.resolve("nbd.sock"),
                                GatewayFront.uri(nbd, tls, volume)));
    }

    private static void createCluster(
            ProcessCore process, LoopGroup group, UpConfig up, Children running) {
        while (true) {
            running.check();
            try {
                boolean there = group.read(map -> map.exists());
                if (!there) {
                    UpProcess.createCluster(group, up);
                }
                process.awaitCluster(group);
                return;
            } catch (AdminException e) {
                // The group has no leader yet; if a member cannot start, its process has ended.
                ProcessCore.pause(200);
            }
        }
    }

    /// All disks serve: before the first volume is created they share all placement groups.
    private static void awaitDisks(UpConfig up, LoopGroup group, Children running) {
        while (true) {
            running.check();
            try {
                GroupStatus status = group.status();
                long serving =
                        group.read(map ->
                                map.disks().stream()
                                        .filter(disk ->
                                                disk.bootId() != 0
                                                        && status.diskAlive(
                                                                disk.diskId(), disk.bootId()))
                                        .count());
                if (serving >= up.nodes()) {
                    return;
                }
            } catch (AdminException e) {
                // As above: asked again until a process ends or all serve.
                ProcessCore.pause(100);
            }
            ProcessCore.pause(100);
        }
    }

    /// A gateway that was killed has left its socket's file behind: somebody must answer there.
    private static void awaitSocket(Path socket, Children running) {
        while (!answers(socket)) {
            running.check();
            ProcessCore.pause(50);
        }
    }

    private static boolean answers(Path socket) {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            return channel.isConnected();
        } catch (IOException e) {
            return false;
        }
    }
}
