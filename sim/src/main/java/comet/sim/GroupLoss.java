package comet.sim;

import comet.base.Check;
import comet.base.Prng;
import comet.cluster.DiskFacts;
import comet.cluster.DiskInfo;
import comet.cluster.Incarnation;
import comet.cluster.MapUpdate;
import comet.cluster.VolumeInfo;
import comet.meta.GroupImage;
import comet.meta.Remake;
import comet.replica.DiskServer;
import comet.replica.MapNotes;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The metadata group is lost with all its members: what it had agreed upon is nowhere but on the
/// disks. After a while the operator stops all nodes, makes a new group from what lies there, and
/// starts them again. Gateways live on, with what they know of the lost group.
final class GroupLoss {
    private static final long LOOK_NS = 10_000_000;

    /// What was noted by then is durable, mostly.
    private static final long SETTLE_NS = 1_000_000_000;

    private final Cluster cluster;
    private final Simulation simulation;
    private boolean lost;
    private long copiedNs = -1;

    /// What the group said that is given up since a disk refuses it.
    private @Nullable MapUpdate export;

    GroupLoss(Cluster cluster) {
        this.cluster = cluster;
        simulation = cluster.simulation();
    }

    /// No node may start: the operator has the disks.
    boolean lost() {
        return lost;
    }

    /// @param down ends all nodes, in some way
    boolean happen(Prng prng, Runnable down) {
        if (lost || !copied()) {
            return false;
        }
        Prng own = prng.fork();
        lost = true;
        cluster.meta().lose();
        // The disks go on, and know no more than they did.
        simulation.in(
                own.nextLong(own.chance(1, 2) ? 20_000_000L : 4_000_000_000L),
                () -> {
                    down.run();
                    whenDown(own);
                });
        return true;
    }

    /// Whether some disk has had a copy of the map with all volumes for a while: one that was lost
    /// before it ever got to a disk is lost.
    private boolean copied() {
        for (SimNode node : cluster.nodes()) {
            for (SimDisk disk : node.disks()) {
                DiskServer served = disk.served();
                MapUpdate copy = served == null ? null : MapNotes.read(served.store());
                if (copiedNs < 0 && copy != null && hasAll(copy)) {
                    copiedNs = simulation.nowNs();
                }
            }
        }
        return copiedNs >= 0 && simulation.nowNs() - copiedNs > SETTLE_NS;
    }

    private boolean hasAll(MapUpdate copy) {
        int volumes = 0;
        for (VolumeInfo volume : copy.volumes()) {
            for (Guests guests : cluster.guests()) {
                volumes += guests.volumeId() == volume.volumeId() ? 1 : 0;
            }
        }
        boolean current =
                Incarnation.of(copy.revision())
                        == Incarnation.of(cluster.meta().truth().revision());
        return current
                && volumes == cluster.guests().size()
                && copy.gateways().size() == cluster.gateways().size();
    }

    private void whenDown(Prng prng) {
        for (SimNode node : cluster.nodes()) {
            if (node.up()) {
                if (node.steady()) {
                    // It was started before the group was lost, and came up since.
                    node.die(Cluster.Death.KILLED, 0);
                }
                simulation.in(LOOK_NS, () -> whenDown(prng));
                return;
            }
        }
        SimNode without =
                export == null && cluster.nodes().size() > 1 && prng.chance(1, 3)
                        ? cluster.nodes().get(prng.nextInt(cluster.nodes().size()))
                        : null;
        List<SimDisk> disks = new ArrayList<>();
        for (SimNode node : cluster.nodes()) {
            disks.addAll(node.disks());
        }
        look(disks, 0, new ArrayList<>(), facts -> remake(facts, without, prng));
    }

    private static int counted(GroupImage image) {
        return (int) image.everything().disks().stream().filter(DiskInfo::counts).count();
    }

    private interface Looked {
        void at(List<DiskFacts> facts);
    }

    private void look(List<SimDisk> disks, int n, List<DiskFacts> facts, Looked done) {
        if (n == disks.size()) {
            done.at(facts);
            return;
        }
        disks.get(n)
                .look(found -> {
                    if (found != null) {
                        facts.add(found);
                    }
                    look(disks, n + 1, facts, done);
                });
    }

    private void remake(List<DiskFacts> facts, @Nullable SimNode without, Prng prng) {
        List<DiskFacts> some = new ArrayList<>(facts);
        if (without != null) {
            for (SimDisk disk : without.disks()) {
                some.removeIf(one -> one.diskId() == disk.diskId());
            }
        }
        Remake.Result result = made(some);
        Remake.Findings findings = result.findings();
        if (findings == null || !findings.untrusted().isEmpty()) {
            // The operator fetches the others' disks, too.
            result = made(facts);
            findings = result.findings();
        } else if (without != null) {
            cluster.probe("group-remade-without-a-node", 1);
        }
        GroupImage image = result.image();
        Check.that(image != null && findings != null, "no group: " + result.refusal());
        cluster.probe("group-remade", 1);
        cluster.probe("group-remade-copy-behind", findings.later() > 0 ? 1 : 0);
        cluster.probe("group-remade-waits", findings.waiting().isEmpty() ? 0 : 1);
        cluster.probe("group-remade-volume-found", findings.found().size());
        simulation.trace("meta", "made anew: " + findings);
        lost = false;
        copiedNs = -1;
        export = null;
        cluster.meta().remade(CanaryTap.wrong(cluster.canary(), image));
        if (findings.examined().size() < counted(image)) {
            cluster.expectError("disk-refused");
            simulation.in(LOOK_NS, () -> heed(prng));
        }
        for (SimNode node : cluster.nodes()) {
            simulation.in(prng.nextLong(1_000_000L << prng.nextInt(13)) + 1, node::start);
        }
    }

    /// A disk that was not looked at may say, once it is back, that the group has to be made anew
    /// with it. The operator does so, with all disks.
    private void heed(Prng prng) {
        boolean serving = !lost;
        boolean refused = false;
        for (SimNode node : cluster.nodes()) {
            serving &= node.serving();
            for (SimDisk disk : node.disks()) {
                DiskServer served = disk.served();
                refused |=
                        served != null
                                && served.refused()
                                && served.unavailableWhy().contains("made anew without this disk");
            }
        }
        if (lost || serving) {
            return;
        }
        if (!refused) {
            simulation.in(LOOK_NS, () -> heed(prng));
            return;
        }
        cluster.probe("group-remade-refused", 1);
        lost = true;
        export = cluster.meta().export();
        cluster.meta().lose();
        cluster.nodes().forEach(node -> node.stop(() -> {}));
        whenDown(prng);
    }

    private Remake.Result made(List<DiskFacts> facts) {
        List<DiskFacts> told = new ArrayList<>();
        for (DiskFacts one : facts) {
            told.add(forgetful(one));
        }
        return Remake.of(told, export == null ? List.of() : List.of(export), 1);
    }

    /// What a canary leaves of what the disk says.
    private DiskFacts forgetful(DiskFacts of) {
        boolean books = cluster.canary() != Canary.FORGET_BOOKS;
        boolean terms = cluster.canary() != Canary.TERMS_GO_BACK;
        return new DiskFacts(
                of.where(),
                of.clusterHigh(),
                of.clusterLow(),
                of.diskId(),
                of.uuidHigh(),
                of.uuidLow(),
                of.pgCount(),
                of.startCount(),
                of.bootId(),
                of.clean(),
                of.damaged(),
                of.copy(),
                books ? of.parts() : List.of(),
                terms ? of.fences() : List.of(),
                terms ? of.opened() : List.of(),
                of.volumes(),
                of.looks());
    }
}
