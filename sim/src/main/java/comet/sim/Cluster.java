package comet.sim;

import comet.base.Prng;
import comet.base.Sizes;
import comet.cluster.ClusterInfo;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.MapUpdate;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.cluster.Reply;
import comet.cluster.VolumeInfo;
import comet.cluster.VolumeInfo.Attachment;
import comet.cluster.VolumeInfo.Durability;
import comet.meta.Heartbeats;
import comet.port.Events.Level;
import comet.sim.check.G2KeepsCopies;
import comet.sim.check.G3NothingStale;
import comet.sim.check.G6OneWriter;
import comet.sim.check.Rotten;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// The whole cluster of a run: group, nodes, gateways, volumes with their guests.
final class Cluster implements Guests.Access {
    /// How a process ends.
    enum Death {
        KILLED,
        POWER,
        STOPPED
    }

    /// An event that was not expected to be one.
    record Report(long atNs, String process, Level level, String code, String details) {}

    private static final int REPLICAS = 2;

    private final Simulation simulation;
    private final Options options;
    private final SimNet net;
    private final SimMeta meta;
    private final Canary canary;
    private final List<SimNode> nodes = new ArrayList<>();
    private final List<SimGateway> gateways = new ArrayList<>();
    private final List<Guests> guests = new ArrayList<>();
    private final Guests.Ids ids = new Guests.Ids();
    private final G3NothingStale stale = new G3NothingStale();
    private final G6OneWriter oneWriter = new G6OneWriter();
    private final G2KeepsCopies copies = new G2KeepsCopies(REPLICAS);
    private final Rotten rotten = new Rotten();
    private final TreeMap<String, Integer> eventCounts = new TreeMap<>();
    private final List<Report> errors = new ArrayList<>();
    private final TreeSet<String> expectedErrors = new TreeSet<>();

    /// Which gateway's life holds a term, by volume and term: for telling lives with one gateway id
    /// apart.
    private final TreeMap<Long, Integer> homeOf = new TreeMap<>();

    private boolean healed;
    private final Scrubs scrubs;

    private final SimProcess admin;
    private final SimMetaClient adminClient;
    private final Operator operator = new Operator(this);
    private final Mover mover = new Mover(this);
    private final GroupLoss loss;
    private int lives;

    // Calm: everything up, in sync and flushed since the last fault.
    private boolean calm;
    private long settledSinceNs = -1;
    private int probesOut;
    private int probeRound;

    Cluster(Simulation simulation, Options options, Canary canary) {
        this.simulation = simulation;
        this.options = options;
        this.canary = canary;
        net = new SimNet(simulation);
        loss = new GroupLoss(this);
        net.tap(new FrameTap(stale, oneWriter, rotten));
        net.tap(new CanaryTap(this, canary, simulation.fork()));
        meta = new SimMeta(simulation);
        meta.lossPerMille = options.metaLossPerMille();
        meta.prober = this::answers;
        meta.why = word -> probe("unreachable " + word, 1);
        expectError("gateway-cut-off");
        meta.observe(stale::onUpdate);
        meta.observe(copies::onUpdate);
        meta.canary = canary;
        meta.observe(this::countLeftBehind);
        if (options.faults().contains(Options.Fault.DISK_ERROR)) {
            expectError("disk-failed");
        }
        if (options.smallDisk()) {
            expectError("disk-full");
        }
        admin = process("admin");
        adminClient = meta.client(admin);
        scrubs = new Scrubs(simulation, options, meta, adminClient, gateways);
        for (int n = 0; n < options.nodeCount(); n++) {
            nodes.add(new SimNode(this, n));
        }
        for (int g = 0; g < options.gatewayCount(); g++) {
            gateways.add(new SimGateway(this, g));
        }
    }

    SimProcess process(String name) {
        return new SimProcess(simulation, name, new comet.base.BufPool(1 << 20));
    }

    Simulation simulation() {
        return simulation;
    }

    Options options() {
        return options;
    }

    SimNet net() {
        return net;
    }

    SimMeta meta() {
        return meta;
    }

    Canary canary() {
        return canary;
    }

    List<SimNode> nodes() {
        return nodes;
    }

    List<SimGateway> gateways() {
        return gateways;
    }

    List<Guests> guests() {
        return guests;
    }

    Scrubs scrubs() {
        return scrubs;
    }

    G3NothingStale stale() {
        return stale;
    }

    G2KeepsCopies copies() {
        return copies;
    }

    /// Whether the group has removed the disk.
    boolean removed(int diskId) {
        DiskInfo disk = meta.truth().disk(diskId);
        return disk != null && disk.state() == DiskInfo.State.REMOVED;
    }

    GroupLoss loss() {
        return loss;
    }

    Mover mover() {
        return mover;
    }

    G6OneWriter oneWriter() {
        return oneWriter;
    }

    int nextLife() {
        return ++lives;
    }

    /// Whether a disk answers the leader's call.
    private boolean answers(int diskId) {
        SimNode node = nodeOfDisk(diskId);
        return node != null && node.answers(diskId);
    }

    @Nullable SimNode nodeOf(SimProcess process) {
        for (SimNode node : nodes) {
            if (node.process() == process) {
                return node;
            }
        }
        return null;
    }

    List<SimProcess> processes() {
        List<SimProcess> found = new ArrayList<>();
        for (SimNode node : nodes) {
            SimProcess process = node.process();
            if (process != null && process.alive()) {
                found.add(process);
            }
        }
        for (SimGateway gateway : gateways) {
            SimProcess process = gateway.process();
            if (process != null && process.alive()) {
                found.add(process);
            }
        }
        return found;
    }

    comet.volume.GatewayConfig gatewayConfig() {
        return options.gateway();
    }

    // Events.

    void event(String process, Level level, String code, String details) {
        eventCounts.merge(level + " " + code, 1, Integer::sum);
        if (level == Level.ERROR && !expectedErrors.contains(code)) {
            errors.add(new Report(simulation.nowNs(), process, level, code, details));
        }
    }

    /// Something that runs are to reach now and then, counted with the events.
    void probe(String name, int count) {
        if (count > 0) {
            eventCounts.merge("PROBE " + name, count, Integer::sum);
        }
    }

    void expectError(String code) {
        expectedErrors.add(code);
    }

    List<Report> errors() {
        return errors;
    }

    SortedMap<String, Integer> eventCounts() {
        return eventCounts;
    }

    SimMetaClient admin() {
        return adminClient;
    }

    boolean healed() {
        return healed;
    }

    Operator operator() {
        return operator;
    }

    // Setting up.

    /// Creates the cluster, starts nodes and gateways, makes the volumes, then runs `ready`.
    void create(Runnable ready) {
        ClusterInfo info = new ClusterInfo(1, 2, options.pgCount(), REPLICAS);
        adminClient.submit(
                new Command.CreateCluster(info),
                reply -> {
                    mover.slowForSeconds();
                    if (options.rebuildAfterSeconds() > 0) {
                        mover.rebuildAfter(options.rebuildAfterSeconds());
                    }
                    nodes.forEach(SimNode::start);
                    gateways.forEach(SimGateway::start);
                    whenServing(() -> createVolume(0, ready));
                });
    }

    private void whenServing(Runnable work) {
        boolean all = meta.truth().disks().size() == options.nodeCount() * options.disksPerNode();
        for (DiskInfo disk : meta.truth().disks()) {
            all &= disk.bootId() != 0;
        }
        for (SimGateway gateway : gateways) {
            all &= gateway.up();
        }
        if (all) {
            work.run();
        } else {
            simulation.in(10_000_000, () -> whenServing(work));
        }
    }

    private void createVolume(int n, Runnable ready) {
        if (n == options.volumeCount()) {
            scrubs.start();
            ready.run();
            return;
        }
        boolean durable = options.durableVolume() && n == 0;
        long bytes = (long) options.volumeChunks() * Sizes.CHUNK_BYTES;
        Command command =
                new Command.CreateVolume(
                        "v" + n, bytes, durable ? Durability.WRITE : Durability.FLUSH, 1);
        adminClient.submit(
                command,
                reply -> {
                    if (!(reply instanceof Reply.Id id)) {
                        throw new IllegalStateException("no volume: " + reply);
                    }
                    addGuests(id.id(), bytes, durable);
                    createVolume(n + 1, ready);
                });
    }

    private void addGuests(long volumeId, long bytes, boolean durable) {
        Cells cells =
                Cells.of(bytes, options.windowBytes(), options.cellBytes(), options.cellShift());
        guests.add(
                new Guests(
                        simulation,
                        this,
                        ids,
                        volumeId,
                        cells,
                        durable,
                        options.habits(),
                        options.opsPerVolume()));
        homeOf.put(volumeId, guests.size() % gateways.size());
    }

    // Guests.

    @Override
    public Guests.@Nullable Served device(long volumeId) {
        if (healed) {
            followHolder(volumeId);
        }
        int home = homeOf.getOrDefault(volumeId, 0);
        return gateways.get(home).served(volumeId);
    }

    @Override
    public long heldTerm(long volumeId, Guests.Served served) {
        Attachment held = attachment(volumeId);
        SimGateway gateway = gatewayOf(served);
        return held != null && gateway != null && held.gatewayId() == gateway.gatewayId()
                ? held.term()
                : 0;
    }

    @Override
    public long lastTerm(long volumeId, Guests.Served served) {
        SimGateway gateway = gatewayOf(served);
        return gateway == null ? 0 : meta.lastTerm(volumeId, gateway.gatewayId());
    }

    @Override
    public boolean heldElsewhere(long volumeId, Guests.Served served) {
        Attachment held = attachment(volumeId);
        SimGateway gateway = gatewayOf(served);
        return gateway == null || (held != null && held.gatewayId() != gateway.gatewayId());
    }

    @Override
    public void ended(long volumeId, Guests.Served served) {
        SimGateway gateway = gatewayOf(served);
        if (gateway != null) {
            gateway.forget(volumeId);
        }
    }

    private @Nullable Attachment attachment(long volumeId) {
        VolumeInfo volume = meta.truth().volume(volumeId);
        return volume == null ? null : volume.attachment();
    }

    private @Nullable SimGateway gatewayOf(Guests.Served served) {
        for (SimGateway gateway : gateways) {
            if (gateway.life() == served.life()) {
                return gateway;
            }
        }
        return null;
    }

    void gatewayDied(int life) {
        guests.forEach(g -> g.gatewayDied(life));
    }

    /// Moves the guests of a volume to another gateway, by the operator's word.
    boolean takeover(Prng prng) {
        if (gateways.size() < 2 || guests.isEmpty()) {
            return false;
        }
        Guests moved = guests.get(prng.nextInt(guests.size()));
        int home = homeOf.getOrDefault(moved.volumeId(), 0);
        int to = (home + 1 + prng.nextInt(gateways.size() - 1)) % gateways.size();
        SimGateway target = gateways.get(to);
        if (!target.up()) {
            return false;
        }
        disturbed();
        return target.takeOver(moved, () -> homeOf.put(moved.volumeId(), to));
    }

    // Losses of power, for the histories.

    void noteBlackout() {
        long moment = ids.moment();
        guests.forEach(g -> g.history().blackout(moment));
    }

    void noteNodeBlackout() {
        long moment = ids.moment();
        guests.forEach(g -> g.history().nodeBlackout(moment));
    }

    // Small faults.

    /// Flips a bit in a segment. Always of the same disk: of each block one copy stays good.
    boolean rot(Prng prng) {
        SimDisk disk = nodes.getFirst().disks().getFirst();
        List<SimFile> segments = disk.media().filesIn("segments");
        if (!calm || segments.isEmpty()) {
            return false;
        }
        SimFile segment = segments.get(prng.nextInt(segments.size()));
        List<Long> pages = segment.pages();
        if (pages.isEmpty()) {
            return false;
        }
        long page = pages.get(prng.nextInt(pages.size()));
        rotten.happened();
        segment.rot(page * Sizes.BLOCK_BYTES + prng.nextInt(Sizes.BLOCK_BYTES), prng.nextInt(8));
        return true;
    }

    // The end of a run.

    /// No faults any more: whatever is down comes up, whatever stalls goes on.
    void healEverything() {
        net.heal();
        for (SimNode node : nodes) {
            node.heal();
            if (!node.up()) {
                node.start();
            }
        }
        gateways.forEach(SimGateway::start);
        operator.lift();
        healed = true;
        scrubs.heal();
        mover.resume();
    }

    /// What an operator would do for guests whose volume went elsewhere: moves them there. A
    /// takeover that was asked for may end at any time, so this is looked at whenever a guest looks
    /// for its volume.
    private void followHolder(long volumeId) {
        Attachment held = attachment(volumeId);
        for (int g = 0; held != null && g < gateways.size(); g++) {
            if (gateways.get(g).gatewayId() == held.gatewayId()) {
                homeOf.put(volumeId, g);
            }
        }
    }

    /// New lives of all gateways, so that nothing is answered from what an old one remembers.
    void renewGateways() {
        for (SimGateway gateway : gateways) {
            gateway.kill(0);
            gateway.start();
        }
    }

    Rotten rotten() {
        return rotten;
    }

    // Calm.

    boolean calm() {
        return calm;
    }

    /// Something has happened that may leave completed writes in few places.
    void disturbed() {
        calm = false;
        settledSinceNs = -1;
        probeRound++;
    }

    private void countLeftBehind(MapUpdate update) {
        for (PgConfig pg : update.pgs()) {
            for (PgConfig.Member member : pg.members()) {
                if (member.state() == MemberState.STALE) {
                    probe("left-behind", 1);
                    disturbed();
                }
            }
            // A group that was made anew waits for disks that it could not look at.
            copies.onConfiguration(pg, disk -> update.cluster() != null || mayLive(disk));
        }
    }

    /// Whether the group can think that the disk lives: its process does, or did until lately.
    private boolean mayLive(int diskId) {
        SimNode node = nodeOfDisk(diskId);
        return node == null
                || node.up()
                || simulation.nowNs() - node.downSinceNs() < 2 * Heartbeats.TIMEOUT_NS;
    }

    private @Nullable SimNode nodeOfDisk(int diskId) {
        for (SimNode node : nodes) {
            for (SimDisk disk : node.disks()) {
                if (disk.diskId() == diskId) {
                    return node;
                }
            }
        }
        return null;
    }

    /// Domains with copies that are not in sync.
    TreeSet<String> behindDomains() {
        TreeSet<String> domains = new TreeSet<>();
        for (int pg = 0; pg < meta.truth().pgCount(); pg++) {
            for (PgConfig.Member member : meta.truth().pg(pg).members()) {
                DiskInfo disk = meta.truth().disk(member.diskId());
                boolean joins = joinsOnly(meta.truth().pg(pg), member);
                if (member.state() != MemberState.IN_SYNC && disk != null && !joins) {
                    domains.add(disk.domain());
                }
            }
        }
        return domains;
    }

    /// Whether the member is one more than there should be: the others hold everything.
    private static boolean joinsOnly(PgConfig pg, PgConfig.Member member) {
        return pg.joins(member.diskId()) && pg.inSyncCount() >= REPLICAS;
    }

    /// Everything is up and in sync, as the group has it.
    boolean settled() {
        if (loss.lost()) {
            return false;
        }
        for (SimNode node : nodes) {
            if (!node.serving()) {
                return false;
            }
        }
        for (SimGateway gateway : gateways) {
            if (!gateway.up() || gateway.takingOver()) {
                return false;
            }
        }
        for (int pg = 0; pg < meta.truth().pgCount(); pg++) {
            for (PgConfig.Member member : meta.truth().pg(pg).members()) {
                DiskInfo disk = meta.truth().disk(member.diskId());
                boolean wrong =
                        member.state() != MemberState.IN_SYNC
                                || disk == null
                                || disk.bootId() != member.bootId();
                if (wrong && !joinsOnly(meta.truth().pg(pg), member)) {
                    return false;
                }
            }
        }
        return true;
    }

    /// Looks again and again whether it is calm: settled for a while, then every volume flushed.
    void watch() {
        if (!settled()) {
            settledSinceNs = -1;
        } else if (settledSinceNs < 0) {
            settledSinceNs = simulation.nowNs();
        } else if (!calm && probesOut == 0 && simulation.nowNs() - settledSinceNs > 300_000_000L) {
            probe();
        }
        simulation.in(50_000_000, this::watch);
    }

    private void probe() {
        int round = probeRound;
        int[] left = new int[] {guests.size()};
        probesOut = guests.size();
        for (Guests g : guests) {
            g.flushOnce(flushed -> {
                probesOut--;
                left[0] -= flushed ? 1 : 0;
                if (left[0] == 0 && round == probeRound && settled()) {
                    calm = true;
                }
            });
        }
    }
}
