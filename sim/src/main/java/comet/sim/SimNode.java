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
    /// What one node may be given.
    private static final int DISKS_MAX = 4;

    private static final String[] DOMAINS = {"east", "west", "north"};

    private final Cluster cluster;
    private final Simulation simulation;
    private final int number;
    private final String name;
    private final String domain;
    private final List<SimDisk> disks = new ArrayList<>();
    private @Nullable SimProcess process;
    private @Nullable NodeServer server;
    private @Nullable SimMetaClient client;
    private int nodeId;
    private boolean stopping;
    private long downSinceNs;

    /// In this life it is registered, and its disks are started.
    private boolean joined;

    SimNode(Cluster cluster, int number) {
        this.cluster = cluster;
        this.number = number;
        simulation = cluster.simulation();
        name = "node-" + (number + 1);
        domain = DOMAINS[number % cluster.options().domains()];
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

    long downSinceNs() {
        return downSinceNs;
    }

    /// Whether a disk of it answers calls.
    boolean answers(int diskId) {
        SimProcess now = process;
        if (now == null || !now.alive() || now.life().paused(simulation.nowNs())) {
            return false;
        }
        for (SimDisk disk : disks) {
            DiskServer served = disk.served();
            if (disk.diskId() == diskId && served != null && served.serving()) {
                return true;
            }
        }
        return false;
    }

    boolean serving() {
        if (!up()) {
            return false;
        }
        for (SimDisk disk : disks) {
            DiskServer served = disk.served();
            if ((served == null || !served.serving()) && !cluster.removed(disk.diskId())) {
                return false;
            }
        }
        return true;
    }

    /// The operator gives the node one more disk.
    boolean addDisk() {
        SimProcess life = process;
        NodeServer serving = server;
        SimMetaClient asking = client;
        if (life == null
                || serving == null
                || asking == null
                || !serving()
                || !joined
                || stopping
                || disks.size() >= DISKS_MAX) {
            return false;
        }
        SimDisk disk = new SimDisk(cluster, name + "." + disks.size());
        disks.add(disk);
        simulation.in(0, life.life(), () -> disk.start(life, asking, serving, nodeId, domain));
        return true;
    }

    void start() {
        if (up()) {
            return;
        }
        if (cluster.loss().lost()) {
            // The operator starts it.
            return;
        }
        cluster.disturbed();
        SimProcess life = cluster.process(name);
        process = life;
        stopping = false;
        joined = false;
        simulation.trace(name, "starts");
        SimMetaClient asking = cluster.meta().client(life);
        client = asking;
        asking.filter = update -> CanaryTap.filter(cluster.canary(), update, this);
        NodeParts parts =
                new NodeParts(
                        NodeConfig.defaults().withScrub(cluster.options().scrubs()),
                        life.loop(),
                        asking,
                        cluster.net().dialer(life),
                        life.frames(),
                        life.bufs(),
                        life.events(cluster::event),
                        new SkewedClock(simulation, name));
        NodeServer serving = new NodeServer(parts);
        server = serving;
        String address = name + ":1";
        cluster.net().listen(life, address, serving);
        asking.submit(
                new Command.RegisterNode(name, domain, name, List.of(address)),
                reply -> {
                    Check.that(reply instanceof Reply.Id, "node refused: " + reply);
                    nodeId = (int) ((Reply.Id) reply).id();
                    joined = true;
                    for (SimDisk disk : present()) {
                        disk.start(life, asking, serving, nodeId, domain);
                    }
                });
        asking.beat(() -> {
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
        downSinceNs = simulation.nowNs();
        for (SimDisk disk : disks) {
            disk.died(death);
        }
        server = null;
        cluster.net().died(life, silentNs);
    }

    /// Those that were not removed: an operator takes them out before the next start.
    private List<SimDisk> present() {
        return disks.stream().filter(disk -> !cluster.removed(disk.diskId())).toList();
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
        int count = 0;
        for (SimDisk disk : present()) {
            long known = serving.map().revision();
            DiskServer served = disk.served();
            if (served != null && !served.refused()) {
                simulation.in(0, life.life(), () -> disk.image(life, known, done));
                count++;
            }
        }
        return count;
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
