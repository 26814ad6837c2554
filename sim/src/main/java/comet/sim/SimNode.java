package comet.sim;

import comet.base.Check;
import comet.cluster.Command;
import comet.cluster.Reply;
import comet.replica.DiskServer;
import comet.replica.Limits;
import comet.replica.NodeConfig;
import comet.replica.NodeParts;
import comet.replica.NodeServer;
import comet.sim.check.ReplicaImage;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A storage node: a machine with disks that stay, and lives of a process that come and go.
final class SimNode {
    private final Cluster cluster;
    private final Simulation simulation;
    private final int number;
    private final String name;
    private final String domain;
    private final List<SimDisk> disks = new ArrayList<>();
    private @Nullable SimProcess process;
    private @Nullable NodeServer server;
    private int nodeId;
    private boolean stopping;

    SimNode(Cluster cluster, int number) {
        this.cluster = cluster;
        this.number = number;
        simulation = cluster.simulation();
        name = "node-" + (number + 1);
        domain = number % 2 == 0 ? "east" : "west";
        for (int d = 0; d < cluster.options().disksPerNode(); d++) {
            disks.add(new SimDisk(cluster, name + "." + d));
        }
    }

    String name() {
        return name;
    }

    String domain() {
        return domain;
    }

    @Nullable SimProcess process() {
        return process;
    }

    List<SimMedia> media() {
        return disks.stream().map(SimDisk::media).toList();
    }

    List<SimDisk> disks() {
        return disks;
    }

    boolean up() {
        SimProcess now = process;
        return now != null && now.alive();
    }

    /// Up, and not on its way down.
    boolean steady() {
        return up() && !stopping;
    }

    boolean serving() {
        if (!up()) {
            return false;
        }
        for (SimDisk disk : disks) {
            DiskServer served = disk.served();
            if (served == null || !served.serving()) {
                return false;
            }
        }
        return true;
    }

    void start() {
        if (up()) {
            return;
        }
        cluster.disturbed();
        SimProcess life = cluster.process(name);
        process = life;
        stopping = false;
        simulation.trace(name, "starts");
        SimMetaClient client = cluster.meta().client(life);
        client.filter = update -> CanaryTap.filter(cluster.canary(), update);
        NodeParts parts =
                new NodeParts(
                        NodeConfig.defaults().withScrub(cluster.options().scrubs()),
                        life.loop(),
                        client,
                        cluster.net().dialer(life),
                        life.frames(),
                        life.bufs(),
                        life.events(cluster::event),
                        () -> simulation.nowNs() / 1_000_000);
        NodeServer serving = new NodeServer(parts);
        server = serving;
        String address = name + ":1";
        cluster.net().listen(life, address, serving);
        client.submit(
                new Command.RegisterNode(name, domain, name, List.of(address)),
                reply -> {
                    Check.that(reply instanceof Reply.Id, "node refused: " + reply);
                    nodeId = (int) ((Reply.Id) reply).id();
                    for (SimDisk disk : disks) {
                        disk.start(life, client, serving, nodeId, domain);
                    }
                });
        client.beat(() -> {
            for (SimDisk disk : disks) {
                DiskServer served = disk.served();
                if (life.alive() && served != null && served.bootId() != 0) {
                    beat(disk, served);
                }
            }
        });
    }

    private void beat(SimDisk disk, DiskServer served) {
        boolean hangs = disk.media().waitingNs() >= Limits.DEVICE_DEADLINE_NS;
        if (served.serving() && !hangs) {
            cluster.meta().diskBeat(disk.diskId(), served.bootId());
        } else if (cluster.options().goodbyes()) {
            cluster.meta().goodbye(disk.diskId(), served.bootId());
        }
    }

    /// A clean stop: drains, checkpoints, closes, then the process ends.
    void stop(Runnable stopped) {
        SimProcess life = process;
        NodeServer serving = server;
        if (life == null || serving == null || !life.alive() || stopping) {
            return;
        }
        stopping = true;
        cluster.disturbed();
        simulation.trace(name, "stops");
        simulation.in(
                0,
                life.life(),
                () -> {
                    serving.close();
                    int[] left = new int[] {disks.size()};
                    for (SimDisk disk : disks) {
                        disk.close(() -> {
                            if (--left[0] == 0) {
                                simulation.in(
                                        0,
                                        () -> {
                                            die(Cluster.Death.KILLED, 0);
                                            stopped.run();
                                        });
                            }
                        });
                    }
                });
        // A stop that hangs is killed, as an operator would.
        simulation.in(
                10_000_000_000L,
                () -> {
                    if (process == life && life.alive()) {
                        die(Cluster.Death.KILLED, 0);
                        stopped.run();
                    }
                });
    }

    void die(Cluster.Death death, long silentNs) {
        SimProcess life = process;
        if (life == null || !life.alive()) {
            return;
        }
        cluster.disturbed();
        simulation.trace(name, "dies: " + death);
        life.life().end();
        for (SimDisk disk : disks) {
            disk.died(death);
        }
        server = null;
        cluster.net().died(life, silentNs);
    }

    void heal() {
        for (SimDisk disk : disks) {
            disk.heal();
        }
    }

    /// Reads everything on the disks.
    ///
    /// @return how many images will come
    int image(Consumer<ReplicaImage> done) {
        SimProcess life = process;
        NodeServer serving = server;
        if (life == null || serving == null) {
            return 0;
        }
        for (SimDisk disk : disks) {
            long known = serving.map().revision();
            simulation.in(0, life.life(), () -> disk.image(life, known, done));
        }
        return disks.size();
    }

    String dump() {
        StringBuilder out = new StringBuilder(name + " node " + nodeId + (up() ? " up" : " down"));
        NodeServer serving = server;
        if (serving != null) {
            for (DiskServer disk : serving.disks()) {
                out.append(' ').append(disk.status());
            }
        }
        return out.toString();
    }

    int number() {
        return number;
    }

    /// Which disk of which cluster a folder holds, for its checks.
    static comet.replica.DiskIdentity identity(int diskId, long uuidLow) {
        return new comet.replica.DiskIdentity(diskId, 7, uuidLow);
    }
}
