package comet.server.data;

import comet.cluster.ClusterInfo;
import comet.cluster.Command;
import comet.cluster.VolumeInfo;
import comet.cluster.VolumeInfo.Durability;
import comet.io.loop.EventLoop;
import comet.io.net.Address;
import comet.io.net.DirectNet;
import comet.io.net.SocketDialer;
import comet.port.Connection;
import comet.port.Events;
import comet.server.nbd.Exports;
import comet.server.nbd.NbdLimits;
import comet.server.nbd.NbdServer;
import comet.volume.BlockDevice;
import comet.volume.Gateway;
import comet.volume.GatewayConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/// A gateway with NBD on a unix socket, two nodes and the group's state machine in one process, to
/// be measured by fio. Arguments: folder, `direct` (one loop, direct calls) or `sockets` (a loop
/// each), size of the volume in MiB, seconds to run.
final class DataBench {
    private final Path folder;
    private final LocalGroup group = new LocalGroup();
    private final Events events =
            (level, code, details) -> System.out.println(level + " " + code + " " + details);

    private DataBench(Path folder) {
        this.folder = folder;
    }

    public static void main(String[] arguments) throws Exception {
        new DataBench(Path.of(arguments[0]))
                .run(
                        arguments[1].equals("direct"),
                        Long.parseLong(arguments[2]) << 20,
                        Long.parseLong(arguments[3]));
    }

    private void run(boolean direct, long sizeBytes, long seconds) throws Exception {
        group.decide(new Command.CreateCluster(new ClusterInfo(7, 8, 256, 2)));
        EventLoop loop = EventLoop.start("gateway");
        DirectNet net = new DirectNet(loop);
        List<NodeData> nodes = new ArrayList<>();
        for (String name : List.of("a", "b")) {
            EventLoop nodeLoop = direct ? loop : EventLoop.start("node-" + name);
            Path home = folder.resolve(name);
            Files.createDirectories(home.resolve("disk"));
            Connection.Dialer dialer = net.dialer(new SocketDialer(nodeLoop));
            NodeData node =
                    new NodeData(
                            nodeLoop,
                            NodeData.Settings.of(name, home, name, "host"),
                            group.client(nodeLoop),
                            direct ? dialer : new SocketDialer(nodeLoop),
                            events);
            Address address = node.listen(new Address.Unix(home.resolve("sock")));
            if (direct) {
                loop.call(() -> {
                    net.listen(name, node.server());
                    return true;
                });
            }
            node.join(
                    List.of(DirectNet.address(name), address.toString()),
                    List.of(new NodeDisk.Settings(home.resolve("disk"), null, 0, null)));
            nodes.add(node);
        }
        group.decide(new Command.CreateVolume("v", sizeBytes, Durability.FLUSH, 0));
        GatewayData gateway =
                GatewayData.start(
                        List.of(
                                new GatewayData.Place(
                                        loop,
                                        group.client(loop),
                                        direct
                                                ? net.dialer(new SocketDialer(loop))
                                                : new SocketDialer(loop))),
                        "g",
                        new UUID(1, 1),
                        1,
                        "host",
                        GatewayConfig.defaults(),
                        events);
        NbdServer nbd =
                new NbdServer(loop, new Volumes(gateway.gateway(0)), NbdLimits.DEFAULT, events);
        nbd.listen(new Address.Unix(folder.resolve("nbd.sock"))).get(5, TimeUnit.SECONDS);
        System.out.println("ready");
        Thread.sleep(seconds * 1000);
        nbd.stop(Duration.ofSeconds(1)).get();
        gateway.close();
        nodes.forEach(NodeData::close);
        System.exit(0);
    }

    private record Volumes(Gateway gateway) implements Exports {
        @Override
        public void list(Listed listed) {
            listed.listed(List.of());
        }

        @Override
        public void find(String name, Found found) {
            VolumeInfo volume = gateway.map().volume("v");
            if (volume == null) {
                found.refused(Refusal.UNKNOWN, "no volume yet");
            } else {
                found.found(new Export("v", "", volume.sizeBytes(), false));
            }
        }

        @Override
        public void open(String name, Opened opened) {
            gateway.open(
                    "v",
                    new Gateway.Opened() {
                        @Override
                        public void opened(BlockDevice device) {
                            opened.opened(new Export("v", "", device.sizeBytes(), false), device);
                        }

                        @Override
                        public void failed(int errno, String why) {
                            opened.refused(Refusal.UNKNOWN, why);
                        }
                    });
        }

        @Override
        public void close(BlockDevice device) {
            gateway.close(device);
        }
    }
}
