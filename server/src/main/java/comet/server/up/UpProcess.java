package comet.server.up;

import comet.cluster.ClusterInfo;
import comet.cluster.Command;
import comet.cluster.VolumeInfo;
import comet.io.file.FileMedia;
import comet.io.loop.EventLoop;
import comet.io.net.DirectNet;
import comet.port.Media.MediaException;
import comet.server.admin.AdminException;
import comet.server.admin.AdminServer;
import comet.server.admin.GroupAccess;
import comet.server.admin.LoopGroup;
import comet.server.config.AdminConfig;
import comet.server.config.HostPort;
import comet.server.config.NodeConfig.DiskConfig;
import comet.server.config.UpConfig;
import comet.server.data.DataException;
import comet.server.data.NodeData;
import comet.server.raft.MetaMember;
import comet.server.raft.RaftSettings;
import comet.volume.GatewayConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.FutureTask;

/// `comet up`: the whole cluster in one process. A metadata group of one, a node with two disks in
/// two domains, a gateway; on one loop, by direct calls. Otherwise the code of the cluster.
final class UpProcess {
    static final int REPLICAS = 2;

    private static final String NAME = "node-1";

    private UpProcess() {}

    static void start(UpConfig up, Life life) {
        Path data = up.data().toAbsolutePath().normalize();
        ProcessCore process = new ProcessCore("up", NAME, data, true, up.io().withOneLoop(), life);
        process.startMember(RaftSettings.alone(NAME, data.resolve("meta")));
        DirectNet direct = process.loop.call(() -> new DirectNet(process.loop));
        process.dialThrough(direct.dialer(process.dialer()));
        LoopGroup group = process.groupAccess();
        LoopClients clients = new LoopClients(process);
        process.closers.add("group clients", clients::close);
        List<DiskConfig> disks = disks(data);
        NodeData node = node(up, data, disks, process, clients);
        process.closers.add("node", node::close);
        process.loop.call(() -> {
            direct.listen(NAME, node.server());
            return true;
        });
        LocalNode part = new LocalNode(process, node, clients, "a");
        LocalGateway gateway = new LocalGateway("gateway-1");
        AdminConfig adminConfig =
                new AdminConfig(
                        data.resolve("admin.sock"), up.admin(), data.resolve("admin.token"));
        FutureTask<AdminServer> adminStarts =
                process.startAdmin(adminConfig, group, part, gateway, process.events::last);
        createCluster(process, group, up);
        join(node, part, disks);
        process.metrics.add(part);
        AdminServer admin = process.started(adminConfig, adminStarts);
        MetaMember member = process.member();
        if (member != null) {
            Purger.start(process, member, group, up.gracePeriod());
        }
        awaitDisks(part);
        GatewayFront front =
                GatewayFront.start(
                        process,
                        gateway,
                        GatewayConfig.defaults(),
                        List.of("*"),
                        data.resolve("nbd.sock"),
                        up.nbd(),
                        up.tls());
        VolumeInfo volume = FirstVolume.ensure(group, up.sizeBytes());
        HostPort tcp = front.tcp();
        FirstVolume.explain(
                System.out,
                data,
                volume,
                GatewayFront.uri(tcp == null ? up.nbd() : tcp, up.tls(), volume.name()),
                up.admin().withPort(admin.port()),
                List.of());
    }

    private static NodeData node(
            UpConfig up,
            Path data,
            List<DiskConfig> disks,
            ProcessCore process,
            LoopClients clients) {
        return new NodeData(
                process.loops,
                NodeData.Settings.of(NAME, data, "a", process.hostId)
                        .withFiles(up.io().files())
                        .withScrub(up.scrubBytesPerSecond())
                        .withStore(
                                up.journal().store(),
                                up.journal()
                                        .memory(
                                                AddedDisks.in(data).with(disks).size(),
                                                EventLoop.directBytesMax())),
                clients,
                process.events);
    }

    /// Creates the cluster where there is none, and compares it with what the folder says.
    private static void createCluster(ProcessCore process, GroupAccess group, UpConfig up) {
        boolean there = Patience.read(group, map -> map.exists());
        if (!there) {
            createCluster(group, up);
        }
        process.awaitCluster((LoopGroup) group);
    }

    static void createCluster(GroupAccess group, UpConfig up) {
        UUID id = UUID.randomUUID();
        try {
            group.submit(
                    new Command.CreateCluster(
                            new ClusterInfo(
                                    id.getMostSignificantBits(),
                                    id.getLeastSignificantBits(),
                                    up.placementGroups(),
                                    REPLICAS)));
        } catch (AdminException e) {
            throw new StartException("cannot create the cluster: " + e.text(), e);
        }
    }

    /// Makes the disks' folders at the very first start only: later a missing one is a disk that is
    /// not mounted.
    private static List<DiskConfig> disks(Path data) {
        Path first = data.resolve("disk-1");
        Path second = data.resolve("disk-2");
        if (!Files.exists(data.resolve("disks.json"))) {
            try {
                FileMedia.makeFolder(first);
                FileMedia.makeFolder(second);
            } catch (MediaException e) {
                throw new StartException(String.valueOf(e.getMessage()), e);
            }
        }
        return List.of(new DiskConfig(first, null, 0, "a"), new DiskConfig(second, null, 0, "b"));
    }

    /// Here a disk that cannot be used ends the start: there is no other machine to go on with.
    private static void join(NodeData node, LocalNode part, List<DiskConfig> disks) {
        try {
            node.join(List.of(DirectNet.address(NAME)), part.all(disks));
        } catch (DataException e) {
            throw new StartException(String.valueOf(e.getMessage()), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartException("interrupted", e);
        }
        part.report();
    }

    private static void awaitDisks(LocalNode part) {
        while (!part.allServe()) {
            ProcessCore.pause(5);
        }
    }
}
