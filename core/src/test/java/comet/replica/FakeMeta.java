package comet.replica;

import comet.cluster.ClusterInfo;
import comet.cluster.ClusterSettings;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.Incarnation;
import comet.cluster.MapUpdate;
import comet.cluster.MemberState;
import comet.cluster.NodeInfo;
import comet.cluster.PgConfig;
import comet.cluster.Reply;
import comet.cluster.ScrubOrder;
import comet.cluster.Scrubs;
import comet.cluster.SettingValue;
import comet.cluster.VolumeInfo;
import comet.port.MetaClient;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The metadata group as a table in memory: decides the few commands that disks send, by the rules
/// of restarts and promotions, and lets a test edit the rest. Pushes can be held back, so that a
/// node learns late; answers can be held back, as if the group could not be reached.
final class FakeMeta {
    final ClusterInfo cluster;
    private final TestLoop loop;
    private final TreeMap<Long, MapUpdate> updates = new TreeMap<>();
    private final TreeMap<Integer, DiskInfo> disks = new TreeMap<>();
    private final TreeMap<Integer, NodeInfo> nodes = new TreeMap<>();
    private final TreeMap<Long, VolumeInfo> volumes = new TreeMap<>();
    private ClusterSettings settings = ClusterSettings.DEFAULTS;
    private final Scrubs scrubs = new Scrubs();
    private final PgConfig[] pgs;
    private final List<Client> clients = new ArrayList<>();
    private final List<Runnable> stopped = new ArrayList<>();
    final TreeSet<Integer> alive = new TreeSet<>();
    final List<Command> commands = new ArrayList<>();
    private long revision;
    private long nextBoot = 0xB001;
    boolean reachable = true;
    boolean pushes = true;

    /// Is told nothing unless it asks.
    @Nullable MetaClient deaf;

    FakeMeta(TestLoop loop, int pgCount) {
        this.loop = loop;
        cluster = new ClusterInfo(77, 88, pgCount, 2);
        pgs = new PgConfig[pgCount];
        for (int pg = 0; pg < pgCount; pg++) {
            pgs[pg] = new PgConfig(pg, 0, List.of());
        }
        publish(List.of(), List.of());
    }

    MetaClient client() {
        Client client = new Client();
        clients.add(client);
        return client;
    }

    void forget(MetaClient client) {
        clients.remove(client);
    }

    void addDisk(int diskId, String address) {
        nodes.put(diskId, new NodeInfo(diskId, "n" + diskId, "d" + diskId, "h", List.of(address)));
        DiskInfo.State state = DiskInfo.State.ACTIVE;
        disks.put(
                diskId,
                new DiskInfo(diskId, diskId, ~diskId, diskId, "d" + diskId, 1, 0, 0, state));
        publish(List.of(), List.of());
    }

    PgConfig pg(int pg) {
        return pgs[pg];
    }

    long boot(int diskId) {
        return Harness.some(disks.get(diskId)).bootId();
    }

    /// Gives a placement group its members; a new epoch.
    void setPg(int pg, PgConfig.Member... members) {
        setPgs(List.of(new PgConfig(pg, pgs[pg].epoch() + 1, List.of(members))));
    }

    void setPg(PgConfig config) {
        setPgs(List.of(config));
    }

    /// The metadata group was made anew, once more, and has this configuration then.
    void remade(int pg, PgConfig.Member... members) {
        long attempt = Incarnation.attempt(Incarnation.of(revision)) + 1;
        remade(Incarnation.make(attempt, 7), pg, members);
    }

    void remade(long incarnation, int pg, PgConfig.Member... members) {
        revision = Incarnation.first(incarnation, revision);
        long epoch = Incarnation.first(incarnation, pgs[pg].epoch());
        setPg(new PgConfig(pg, epoch, List.of(members)));
    }

    /// It was begun anew, empty, by force.
    void emptied(int pg, PgConfig.Member... members) {
        setPg(new PgConfig(pg, Incarnation.nextLine(pgs[pg].epoch()), List.of(members)));
    }

    private void setPgs(List<PgConfig> changed) {
        for (PgConfig config : changed) {
            pgs[config.pg()] = config;
        }
        publish(changed, List.of());
    }

    void bump(int pg) {
        setPgs(List.of(new PgConfig(pg, pgs[pg].epoch() + 1, pgs[pg].members())));
    }

    void addVolume(long volumeId) {
        putVolume(volumeId, 0, null);
    }

    /// A gateway has attached the volume under this term, and still has it or not.
    void attached(long volumeId, long term, boolean still) {
        putVolume(volumeId, term, still ? new VolumeInfo.Attachment(9, term, 0) : null);
        loop.run();
    }

    private void putVolume(long volumeId, long term, VolumeInfo.@Nullable Attachment attachment) {
        volumes.put(
                volumeId,
                new VolumeInfo(
                        volumeId,
                        "v" + volumeId,
                        1L << 40,
                        VolumeInfo.Durability.FLUSH,
                        1,
                        term,
                        attachment,
                        false,
                        1,
                        0));
        publish(List.of(), List.of());
    }

    void set(String key, String value) {
        settings = settings.with(new SettingValue(key, value));
        publish(List.of(), List.of());
    }

    /// @param pg -1: a disk
    void orderScrub(int pg, int diskId) {
        scrubs.put(new ScrubOrder(scrubs.lastId() + 1, pg, diskId, 1), revision + 1);
        publish(List.of(), List.of());
    }

    void purgeVolume(long volumeId) {
        volumes.remove(volumeId);
        publish(List.of(), List.of(volumeId));
    }

    /// As if the group had been rebuilt from an older copy.
    void loseVolume(long volumeId) {
        volumes.remove(volumeId);
    }

    void reach(boolean reachable) {
        this.reachable = reachable;
        if (reachable) {
            List<Runnable> now = List.copyOf(stopped);
            stopped.clear();
            now.forEach(loop::execute);
        }
    }

    private void publish(List<PgConfig> changed, List<Long> purged) {
        revision++;
        MapUpdate update =
                new MapUpdate(
                        revision - 1,
                        revision,
                        cluster,
                        List.copyOf(nodes.values()),
                        List.copyOf(disks.values()),
                        List.of(),
                        changed,
                        List.copyOf(volumes.values()),
                        purged,
                        settings.set(),
                        scrubs.orders(),
                        scrubs.reports());
        updates.put(revision, update);
        for (Client client : clients) {
            loop.execute(() -> client.push(update));
        }
    }

    private MapUpdate since(long after) {
        List<Long> purged = new ArrayList<>();
        for (MapUpdate update : updates.tailMap(after, false).values()) {
            purged.addAll(update.purgedVolumes());
        }
        return new MapUpdate(
                after,
                revision,
                cluster,
                List.copyOf(nodes.values()),
                List.copyOf(disks.values()),
                List.of(),
                List.of(pgs),
                List.copyOf(volumes.values()),
                purged,
                settings.set(),
                scrubs.orders(),
                scrubs.reports());
    }

    private Reply decide(Command command) {
        commands.add(command);
        switch (command) {
            case Command.RegisterDisk start -> {
                return register(start);
            }
            case Command.InSync inSync -> {
                List<PgConfig> changed = new ArrayList<>();
                for (Command.PgEpoch pg : inSync.pgs()) {
                    PgConfig now = pgs[pg.pg()];
                    if (now.epoch() == pg.epoch()) {
                        changed.add(with(now, inSync.diskId(), MemberState.IN_SYNC, -1));
                    }
                }
                setPgs(changed);
            }
            case Command.NewEpoch epoch -> {
                for (Command.PgEpoch pg : epoch.pgs()) {
                    if (pgs[pg.pg()].epoch() == pg.epoch()) {
                        bump(pg.pg());
                    }
                }
            }
            case Command.Recovering back -> {
                List<PgConfig> changed = new ArrayList<>();
                for (PgConfig pg : pgs) {
                    PgConfig.Member member = pg.member(back.diskId());
                    if (member != null && member.state() == MemberState.STALE) {
                        changed.add(with(pg, back.diskId(), MemberState.RECOVERING, -1));
                    }
                }
                setPgs(changed);
            }
            case Command.Scrubbed scrubbed -> {
                scrubs.put(scrubbed.report(), revision + 1);
                publish(List.of(), List.of());
            }
            default -> throw new AssertionError("a disk does not send " + command);
        }
        return new Reply.Done(revision);
    }

    private Reply register(Command.RegisterDisk start) {
        DiskInfo disk = Harness.some(disks.get(start.diskId()));
        if (start.startCount() <= disk.startCount()) {
            return new Reply.Refused(revision, "older-copy", "an older copy of the disk");
        }
        boolean same = start.clean() && start.bootId() == disk.bootId() && disk.bootId() != 0;
        long boot = same ? disk.bootId() : nextBoot++;
        disks.put(
                disk.diskId(),
                new DiskInfo(
                        disk.diskId(),
                        disk.uuidHigh(),
                        disk.uuidLow(),
                        disk.nodeId(),
                        disk.domain(),
                        disk.weight(),
                        boot,
                        start.startCount(),
                        disk.state()));
        List<PgConfig> changed = new ArrayList<>();
        for (PgConfig pg : pgs) {
            if (!same && pg.member(disk.diskId()) != null) {
                boolean other = false;
                for (PgConfig.Member member : pg.members()) {
                    other |=
                            member.diskId() != disk.diskId()
                                    && member.state() == MemberState.IN_SYNC
                                    && alive.contains(member.diskId());
                }
                MemberState state =
                        other
                                ? MemberState.RECOVERING
                                : Harness.some(pg.member(disk.diskId())).state();
                changed.add(with(pg, disk.diskId(), state, boot));
            }
        }
        alive.add(disk.diskId());
        setPgs(changed);
        return new Reply.DiskStarted(revision, boot);
    }

    private static PgConfig with(PgConfig pg, int diskId, MemberState state, long boot) {
        List<PgConfig.Member> members = new ArrayList<>();
        for (PgConfig.Member member : pg.members()) {
            members.add(
                    member.diskId() != diskId
                            ? member
                            : new PgConfig.Member(
                                    diskId, boot == -1 ? member.bootId() : boot, state));
        }
        return new PgConfig(pg.pg(), pg.epoch() + 1, members);
    }

    private final class Client implements MetaClient {
        private @Nullable Listener listener;

        @Override
        public void submit(Command command, Consumer<Reply> done) {
            ask(() -> {
                Reply reply = decide(command);
                loop.execute(() -> done.accept(reply));
            });
        }

        @Override
        public void fetch(long after, Consumer<MapUpdate> done) {
            ask(() -> {
                MapUpdate update = since(after);
                loop.execute(() -> done.accept(update));
            });
        }

        private void ask(Runnable work) {
            loop.execute(() -> {
                if (!reachable) {
                    stopped.add(work);
                } else if (clients.contains(this)) {
                    work.run();
                }
            });
        }

        @Override
        public void listen(Listener listener) {
            this.listener = listener;
        }

        private void push(MapUpdate update) {
            if (pushes && deaf != this && reachable && listener != null && clients.contains(this)) {
                listener.onUpdate(update);
            }
        }
    }
}
