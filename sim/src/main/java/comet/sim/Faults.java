package comet.sim;

import comet.base.Prng;
import comet.cluster.DiskInfo;
import comet.meta.Heartbeats;
import comet.sim.Options.Fault;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/// Makes things go wrong at random moments, within what the guarantees allow.
///
/// Never more than that: what guests were told is complete may lie in the memory of both nodes and
/// of the gateway only. So between two calm moments (everything up, in sync and flushed) gateways
/// die, or nodes of more than one domain, never both; except as the end of everything at once,
/// after which only what was flushed has to be there.
final class Faults {
    /// From here on a silence may have a node left behind.
    private static final long SILENCE_NS = Heartbeats.TIMEOUT_NS / 2;

    private final Cluster cluster;
    private final Simulation simulation;
    private final Options options;
    private final Prng prng;
    private final List<Fault> enabled;
    private boolean stopped;
    private int happened;

    /// What the operator has still to do about failed devices.
    private final List<Runnable> replacements = new ArrayList<>();

    // What has happened since the last calm moment.
    private boolean gatewayDied;
    private final TreeSet<String> deadDomains = new TreeSet<>();

    Faults(Cluster cluster, Options options) {
        this.cluster = cluster;
        this.options = options;
        simulation = cluster.simulation();
        prng = simulation.fork();
        enabled = new ArrayList<>(options.faults());
    }

    int happened() {
        return happened;
    }

    void start() {
        if (!enabled.isEmpty()) {
            plan();
        }
    }

    void stop() {
        stopped = true;
        replacements.forEach(Runnable::run);
    }

    private void plan() {
        long waitNs =
                prng.chance(1, 5)
                        ? prng.nextLong(2_000_000)
                        : prng.nextLong(2 * options.faultGapNs());
        simulation.in(
                waitNs,
                () -> {
                    if (!stopped) {
                        next();
                        plan();
                    }
                });
    }

    private void next() {
        if (cluster.calm() && !cluster.loss().lost()) {
            gatewayDied = false;
            deadDomains.clear();
        }
        // Where copies are behind, the other domain holds the only one of what was written since.
        deadDomains.addAll(cluster.behindDomains());
        Fault fault = enabled.get(prng.nextInt(enabled.size()));
        if (happen(fault)) {
            happened++;
            cluster.probe("fault " + fault, 1);
            simulation.trace("fault", fault.toString());
            simulation.note(fault.name().hashCode());
        }
    }

    private boolean happen(Fault fault) {
        return switch (fault) {
            case BREAK_LINK -> breakLink();
            case STALL_LINK -> stallLink();
            case KILL_GATEWAY -> gatewayDown(false);
            case STOP_GATEWAY -> gatewayDown(true);
            case KILL_NODE -> nodeDown(Cluster.Death.KILLED);
            case KILL_ALL_NODES -> allNodesDown(Cluster.Death.KILLED);
            case STOP_NODE -> nodeDown(Cluster.Death.STOPPED);
            case POWER_NODE -> nodeDown(Cluster.Death.POWER);
            case POWER_ALL_NODES -> allNodesDown(Cluster.Death.POWER);
            case KILL_EVERYTHING -> everythingDown(Cluster.Death.KILLED);
            case POWER_EVERYTHING -> everythingDown(Cluster.Death.POWER);
            case PAUSE -> pause();
            case AWAY -> away();
            case LEAVE -> leave();
            case SCRUB -> cluster.scrubs().order(prng);
            case CUT -> cut();
            case HANG_DISK -> hangDisk();
            case META_UNREACHABLE -> metaUnreachable();
            case META_LEADER -> {
                cluster.meta().newLeader();
                yield true;
            }
            case TAKEOVER -> takeover();
            case ROT -> rot();
            case DISK_ERROR -> diskError();
            case SLOW_DISK -> slowDisk();
            case RESIZE -> cluster.operator().resize(prng);
            case VOLUMES -> cluster.operator().passingVolume(prng);
            case OPERATOR -> cluster.operator().turn(prng);
            case WEIGHT -> cluster.mover().reweigh(prng);
            case DRAIN -> cluster.mover().empty(prng, DiskInfo.State.DRAINING);
            case REMOVE_DISK -> cluster.mover().empty(prng, DiskInfo.State.REMOVING);
            case ADD_DISK -> cluster.nodes().get(prng.nextInt(cluster.nodes().size())).addDisk();
            case LOSE_GROUP -> loseGroup();
            case PAUSE_MOVES -> {
                cluster.mover().pause(someTimeNs());
                yield true;
            }
        };
    }

    private boolean breakLink() {
        List<SimLink> links = cluster.net().openLinks();
        if (links.isEmpty()) {
            return false;
        }
        links.get(prng.nextInt(links.size())).breakNow(prng.nextLong(5_000_000), "fault");
        return true;
    }

    private boolean stallLink() {
        List<SimLink> links = cluster.net().openLinks();
        if (links.isEmpty()) {
            return false;
        }
        links.get(prng.nextInt(links.size())).stall(someTimeNs());
        return true;
    }

    /// From a millisecond to a few seconds.
    private long someTimeNs() {
        return prng.nextLong(1_000_000L << prng.nextInt(13)) + 1;
    }

    private boolean gatewayDown(boolean clean) {
        SimGateway gateway = cluster.gateways().get(prng.nextInt(cluster.gateways().size()));
        if (!gateway.up()) {
            return false;
        }
        if (deadDomains.size() > 1) {
            return false;
        }
        gatewayDied = true;
        if (clean) {
            // Stopping takes its time; what it has not flushed by then dies with it.
            gateway.stop(() -> simulation.in(someTimeNs(), gateway::start));
        } else {
            gateway.kill(0);
            simulation.in(someTimeNs(), gateway::start);
        }
        return true;
    }

    private boolean nodeDown(Cluster.Death death) {
        SimNode node = cluster.nodes().get(prng.nextInt(cluster.nodes().size()));
        return nodeDown(node, death);
    }

    private boolean nodeDown(SimNode node, Cluster.Death death) {
        if (!node.up()) {
            return false;
        }
        boolean power = death == Cluster.Death.POWER;
        if (!mayLose(node)) {
            return false;
        }
        if (death == Cluster.Death.STOPPED && !node.steady()) {
            return false;
        }
        if (death == Cluster.Death.STOPPED) {
            node.stop(() -> simulation.in(someTimeNs(), node::start));
        } else {
            node.die(death, power ? prng.nextLong(2_000_000_000L) : 0);
            simulation.in(someTimeNs(), node::start);
        }
        deadDomains.add(node.domain());
        return true;
    }

    /// Ends the old gateway's attachment, and with it what that alone still held.
    private boolean takeover() {
        if (deadDomains.size() > 1) {
            return false;
        }
        boolean happens = cluster.takeover(prng);
        gatewayDied |= happens;
        return happens;
    }

    private boolean allNodesDown(Cluster.Death death) {
        if (gatewayDied) {
            return false;
        }
        cluster.noteNodeBlackout();
        boolean some = false;
        for (SimNode node : cluster.nodes()) {
            some |= nodeDown(node, death);
        }
        return some;
    }

    /// Nodes are stopped by the operator, or killed, or were gone with the group.
    private boolean loseGroup() {
        if (gatewayDied) {
            return false;
        }
        int how = prng.nextInt(3);
        boolean happens =
                cluster.loss()
                        .happen(
                                prng,
                                () -> {
                                    if (how != 0) {
                                        cluster.noteNodeBlackout();
                                    }
                                    for (SimNode node : cluster.nodes()) {
                                        switch (how) {
                                            case 0 -> node.stop(() -> {});
                                            case 1 -> node.die(Cluster.Death.KILLED, 0);
                                            default -> node.die(Cluster.Death.POWER, 0);
                                        }
                                    }
                                });
        if (happens) {
            cluster.disturbed();
            cluster.nodes().forEach(node -> deadDomains.add(node.domain()));
        }
        return happens;
    }

    private boolean everythingDown(Cluster.Death death) {
        cluster.noteBlackout();
        for (SimGateway gateway : cluster.gateways()) {
            gateway.kill(0);
            simulation.in(someTimeNs(), gateway::start);
        }
        for (SimNode node : cluster.nodes()) {
            if (node.up()) {
                node.die(death, 0);
            }
            simulation.in(someTimeNs(), node::start);
            deadDomains.add(node.domain());
        }
        gatewayDied = true;
        return true;
    }

    private boolean pause() {
        List<SimProcess> processes = cluster.processes();
        if (processes.isEmpty()) {
            return false;
        }
        SimProcess process = processes.get(prng.nextInt(processes.size()));
        long pauseNs = someTimeNs();
        SimNode node = cluster.nodeOf(process);
        if (node != null && pauseNs > SILENCE_NS) {
            // The others may go on without it.
            if (!mayLose(node)) {
                return false;
            }
            cluster.disturbed();
            deadDomains.add(node.domain());
        }
        process.life().pauseUntil(simulation.nowNs() + pauseNs);
        return true;
    }

    /// Long enough for the others to go on without it.
    private boolean away() {
        SimNode node = cluster.nodes().get(prng.nextInt(cluster.nodes().size()));
        SimProcess process = node.process();
        if (process == null || !node.steady() || !mayLose(node)) {
            return false;
        }
        cluster.disturbed();
        long awayNs = 2_500_000_000L + prng.nextLong(10_000_000_000L);
        deadDomains.add(node.domain());
        if (prng.chance(1, 6)) {
            // For the rest of the time.
            node.die(Cluster.Death.POWER, 0);
            return true;
        }
        switch (prng.nextInt(3)) {
            case 0 -> process.life().pauseUntil(simulation.nowNs() + awayNs);
            case 1 -> {
                node.die(Cluster.Death.KILLED, prng.chance(1, 2) ? awayNs : 0);
                simulation.in(awayNs, node::start);
            }
            default -> {
                node.die(Cluster.Death.POWER, prng.nextLong(2_000_000_000L));
                simulation.in(awayNs, node::start);
            }
        }
        return true;
    }

    private boolean leave() {
        SimNode node = cluster.nodes().get(prng.nextInt(cluster.nodes().size()));
        if (!node.serving() || !mayLose(node)) {
            return false;
        }
        deadDomains.add(node.domain());
        cluster.disturbed();
        SimDisk disk = node.disks().get(prng.nextInt(node.disks().size()));
        cluster.meta().leave(disk.diskId());
        return true;
    }

    /// Between a gateway and a node, in both directions or in one. Where all gateways are cut off
    /// from it, the others may go on without the node.
    private boolean cut() {
        SimNode node = cluster.nodes().get(prng.nextInt(cluster.nodes().size()));
        if (!node.serving() || !mayLose(node)) {
            return false;
        }
        long cutNs = 500_000_000L + prng.nextLong(10_000_000_000L);
        boolean all = prng.chance(1, 3);
        int way = prng.nextInt(4);
        int chosen = prng.nextInt(cluster.gateways().size());
        for (int g = 0; g < cluster.gateways().size(); g++) {
            if (all || g == chosen) {
                cut(cluster.gateways().get(g).name(), node.name(), way, cutNs);
            }
        }
        deadDomains.add(node.domain());
        cluster.disturbed();
        return true;
    }

    private void cut(String gateway, String node, int way, long cutNs) {
        switch (way) {
            case 0 -> cluster.net().cutTo(gateway, node, cutNs);
            case 1 -> cluster.net().cutTo(node, gateway, cutNs);
            default -> cluster.net().cut(gateway, node, cutNs);
        }
    }

    private boolean hangDisk() {
        SimNode node = cluster.nodes().get(prng.nextInt(cluster.nodes().size()));
        if (!node.serving() || !mayLose(node)) {
            return false;
        }
        SimDisk disk = node.disks().get(prng.nextInt(node.disks().size()));
        disk.media().behaviour.hangsUntilNs =
                simulation.nowNs() + 500_000_000L + prng.nextLong(12_000_000_000L);
        deadDomains.add(node.domain());
        cluster.disturbed();
        return true;
    }

    private boolean metaUnreachable() {
        cluster.meta().unreachable(someTimeNs());
        return true;
    }

    /// What rotted counts as gone: until all is calm again the other copy must stay.
    private boolean rot() {
        boolean happens = cluster.rot(prng);
        if (happens) {
            deadDomains.add(cluster.nodes().getFirst().domain());
        }
        return happens;
    }

    /// A device fails under a node; after a while the operator has the node started again. Never
    /// where the other domain has suffered lately: of each block one copy can be read.
    private boolean diskError() {
        SimNode node = cluster.nodes().get(prng.nextInt(cluster.nodes().size()));
        boolean elsewhere = !Set.of(node.domain()).containsAll(deadDomains);
        if (elsewhere || !node.steady() || !node.serving() || !mayLose(node)) {
            return false;
        }
        cluster.disturbed();
        deadDomains.add(node.domain());
        SimProcess failing = node.process();
        node.disks().get(prng.nextInt(node.disks().size())).fail();
        Runnable replace =
                () -> {
                    if (node.process() == failing) {
                        node.die(Cluster.Death.KILLED, 0);
                        simulation.in(someTimeNs(), node::start);
                    }
                };
        replacements.add(replace);
        simulation.in(someTimeNs(), replace);
        return true;
    }

    /// Whether a device fails somewhere else: then what lies on this node may be all that can be
    /// read.
    private boolean othersFail(SimNode node) {
        for (SimNode other : cluster.nodes()) {
            for (SimMedia media : other.media()) {
                if (other != node && media.behaviour.fails()) {
                    return true;
                }
            }
        }
        return false;
    }

    /// Whether this node may lose what it has not synced, and the others may go on without it.
    private boolean mayLose(SimNode node) {
        if (othersFail(node)) {
            return false;
        }
        return !gatewayDied || deadDomains.isEmpty() || deadDomains.equals(Set.of(node.domain()));
    }

    private boolean slowDisk() {
        SimNode node = cluster.nodes().get(prng.nextInt(cluster.nodes().size()));
        SimMedia.Behaviour behaviour = node.media().getFirst().behaviour;
        // Slow enough, and for long enough, to be left behind for it.
        boolean farSlower = prng.chance(1, 3);
        behaviour.syncNsMax = farSlower ? 2_000_000_000 : 200_000_000;
        long forNs = farSlower ? 6_000_000_000L : someTimeNs();
        simulation.in(forNs, () -> behaviour.syncNsMax = SimMedia.Behaviour.SYNC_NS_MAX);
        return true;
    }
}
