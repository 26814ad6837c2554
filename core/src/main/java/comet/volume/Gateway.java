package comet.volume;

import comet.base.Buf;
import comet.base.BufPool;
import comet.base.Check;
import comet.base.Crc;
import comet.base.Sizes;
import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.GatewayInfo;
import comet.cluster.MapUpdate;
import comet.cluster.MemberState;
import comet.cluster.NodeInfo;
import comet.cluster.PgConfig;
import comet.cluster.VolumeInfo;
import comet.port.Connection;
import comet.port.Errno;
import comet.port.Events;
import comet.port.Loop;
import comet.port.MetaClient;
import comet.wire.FramePool;
import comet.wire.Lane;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/// The core of a gateway: the map as it knows it, the disks that it talks to, the volumes that it
/// serves, and the bounds that they share. Owner thread of every method: the gateway's loop.
///
/// A process may have several, each on a loop of its own with volumes of its own, all under one id:
/// then each leaves alone what belongs to the others.
public final class Gateway implements MetaClient.Listener {
    private static final long TICK_NS = 500_000_000;

    /// How often to look for reads that wait: guests wait for them.
    private static final long READS_TICK_NS = 100_000_000;

    private static final long OPEN_FETCH_NS = GatewayConfig.SECOND_NS;

    private final GatewayConfig config;
    private final long gatewayId;
    private final LongPredicate owns;
    private final Loop loop;
    private final MetaClient meta;
    private final Connection.Dialer dialer;
    private final FramePool frames;
    private final BufPool bufs;
    private final Events events;
    private final Crc crc = new Crc();
    private final PartPool parts = new PartPool();
    private final MapKeeper keeper;
    private final TreeMap<Integer, DiskPeer> peers = new TreeMap<>();
    private final TreeMap<Long, Volume> volumes = new TreeMap<>();
    private final Room room;
    private final ArrayDeque<Request> answers = new ArrayDeque<>();
    private final SilentDisks silentDisks = new SilentDisks(this);
    private final SlowDisks slowDisks = new SlowDisks(this);
    private final Runnable deliver = this::deliver;
    private boolean delivering;
    private @Nullable Buf zeros;
    private boolean stopping;
    private Loop.@Nullable Timer ticking;
    private int ticks;

    /// Told the outcome of [#find], later, once.
    public interface Found {
        void found(VolumeInfo volume);

        /// @param errno ENOENT: no such export; ESHUTDOWN: the gateway stops
        void failed(int errno, String why);
    }

    /// Told the outcome of [#open], later, once.
    public interface Opened {
        void opened(BlockDevice device);

        /// @param errno ENOENT: no such export; ESHUTDOWN: the gateway stops
        void failed(int errno, String why);
    }

    /// One that owns all volumes.
    ///
    /// @param gatewayId from [Command.RegisterGateway], kept over restarts
    public Gateway(
            GatewayConfig config,
            long gatewayId,
            Loop loop,
            MetaClient meta,
            Connection.Dialer dialer,
            FramePool frames,
            BufPool bufs,
            Events events) {
        this(config, gatewayId, volumeId -> true, loop, meta, dialer, frames, bufs, events);
    }

    /// @param gatewayId from [Command.RegisterGateway], kept over restarts
    /// @param owns which volumes, by their ids, this one serves; the same for ever
    public Gateway(
            GatewayConfig config,
            long gatewayId,
            LongPredicate owns,
            Loop loop,
            MetaClient meta,
            Connection.Dialer dialer,
            FramePool frames,
            BufPool bufs,
            Events events) {
        this.config = config;
        this.gatewayId = gatewayId;
        this.owns = owns;
        this.loop = loop;
        this.meta = meta;
        this.dialer = dialer;
        this.frames = frames;
        this.bufs = bufs;
        this.events = events;
        keeper = new MapKeeper(meta, this::onMap);
        room = new Room(config, loop, this::flushAll);
    }

    /// Begins: learns the map, and takes again what this gateway held before a restart, so that it
    /// is levelled and, without clients, given back.
    public void start() {
        meta.listen(this);
        keeper.refreshThen(this::takeOwnAgain);
        ticking = loop.schedule(READS_TICK_NS, this::tick);
    }

    private void takeOwnAgain() {
        if (!map().exists()) {
            loop.schedule(TICK_NS, () -> keeper.refreshThen(this::takeOwnAgain));
            return;
        }
        for (VolumeInfo info : List.copyOf(map().volumes())) {
            VolumeInfo.Attachment held = info.attachment();
            boolean ours = held != null && held.gatewayId() == gatewayId;
            if (ours && owns(info.volumeId()) && !stopping) {
                Volume volume = volume(info);
                if (volume.attachment().state() == Attachment.State.DETACHED) {
                    volume.attachment().attach(Command.Attach.Mode.NORMAL, why -> {});
                }
            }
        }
    }

    // For front ends.

    /// Whether the volume is this gateway's to serve. Where there are several, a volume that is not
    /// is another one's.
    public boolean owns(long volumeId) {
        return owns.test(volumeId);
    }

    /// Finds an export (the volume's name), whoever owns it. Attaches nothing.
    public void find(String exportName, Found callback) {
        Consumer<Boolean> once =
                new Consumer<>() {
                    private boolean told;

                    @Override
                    public void accept(Boolean fresh) {
                        boolean known = map().volume(exportName) != null;
                        if (!told && (fresh || known)) {
                            told = true;
                            finishFind(exportName, callback);
                        }
                    }
                };
        keeper.refreshThen(() -> once.accept(true));
        // The group may be away: what is known already can be served all the same.
        loop.schedule(OPEN_FETCH_NS, () -> once.accept(false));
    }

    private void finishFind(String exportName, Found callback) {
        VolumeInfo info = map().volume(exportName);
        if (stopping) {
            callback.failed(Errno.ESHUTDOWN, "the gateway is stopping");
        } else if (info == null) {
            callback.failed(Errno.ENOENT, "no volume " + exportName);
        } else {
            callback.found(info);
        }
    }

    /// Opens an export that this gateway owns. Attaches nothing.
    public void open(String exportName, Opened callback) {
        open(exportName, false, callback);
    }

    public void open(String exportName, boolean readOnly, Opened callback) {
        find(
                exportName,
                new Found() {
                    @Override
                    public void found(VolumeInfo volume) {
                        callback.opened(open(volume, readOnly));
                    }

                    @Override
                    public void failed(int errno, String why) {
                        callback.failed(errno, why);
                    }
                });
    }

    /// The same with what [#find] found just now.
    public BlockDevice open(VolumeInfo info, boolean readOnly) {
        return new VolumeDevice(volume(info), readOnly);
    }

    /// The client of a device has left. What it had under way goes on.
    public void close(BlockDevice device) {
        ((VolumeDevice) device).close();
    }

    /// Names of the volumes that can be opened, sorted.
    public List<String> exportNames() {
        List<String> names = new ArrayList<>();
        for (VolumeInfo info : map().volumes()) {
            if (!info.deleted()) {
                names.add(info.name());
            }
        }
        names.sort(null);
        return names;
    }

    // For the admin API.

    /// Attaches a volume and keeps it attached without clients.
    ///
    /// @param done told null, or why not
    public void attach(long volumeId, Command.Attach.Mode mode, Consumer<@Nullable String> done) {
        keeper.refreshThen(() -> {
            VolumeInfo info = map().volume(volumeId);
            if (info == null || info.deleted()) {
                done.accept("no volume " + volumeId);
                return;
            }
            Volume volume = volume(info);
            volume.attachment()
                    .attach(
                            mode,
                            why -> {
                                if (why == null) {
                                    volume.clients().pin(true);
                                }
                                done.accept(why);
                            });
        });
    }

    /// Flushes, levels and detaches. Never by force: to give up what is unsynced is for the group
    /// to decide, which then ends the attachment wherever it is held.
    ///
    /// @param done told null, or why not
    public void detach(long volumeId, Consumer<@Nullable String> done) {
        Volume volume = volumes.get(volumeId);
        if (volume == null) {
            done.accept(null);
            return;
        }
        volume.clients().pin(false);
        volume.attachment().detach(done);
    }

    /// All volumes that this gateway has served since it started.
    public List<VolumeStatus> status() {
        List<VolumeStatus> all = new ArrayList<>();
        volumes.values().forEach(volume -> all.add(volume.status()));
        return all;
    }

    public ClusterMap map() {
        return keeper.map();
    }

    /// Data of requests under way, and data kept until it is durable everywhere.
    public long inFlightBytes() {
        return room.inFlightBytes();
    }

    public long unsyncedBytes() {
        return room.unsyncedBytes();
    }

    /// Detaches everything, cleanly as far as the disks can be reached, then ends all connections.
    public void stop(Runnable done) {
        stopping = true;
        List<Volume> open = new ArrayList<>(volumes.values());
        int[] left = {open.size() + 1};
        Consumer<@Nullable String> one =
                why -> {
                    if (--left[0] == 0) {
                        if (ticking != null) {
                            ticking.cancel();
                        }
                        peers.values().forEach(DiskPeer::close);
                        done.run();
                    }
                };
        for (Volume volume : open) {
            volume.attachment().detach(one);
        }
        one.accept(null);
    }

    // The map.

    @Override
    public void onUpdate(MapUpdate update) {
        keeper.onPush(update);
    }

    @Override
    public void onYieldAsked(long volumeId, long term) {
        if (!owns(volumeId)) {
            return;
        }
        Volume volume = volumes.get(volumeId);
        if (volume == null) {
            // An earlier life holds it, and what that has written nobody knows.
            meta.submit(new Command.AnswerYield(volumeId, gatewayId, term, false), reply -> {});
        } else {
            volume.attachment().onYieldAsked(term);
        }
    }

    private void onMap(MapUpdate update) {
        for (DiskInfo disk : update.disks()) {
            DiskPeer peer = peers.get(disk.diskId());
            if (peer != null) {
                peer.onDisk(disk);
            }
        }
        for (DiskPeer peer : peers.values()) {
            peer.sameHost(isSameHost(peer.diskId()));
        }
        for (VolumeInfo info : update.volumes()) {
            Volume volume = volumes.get(info.volumeId());
            if (volume != null) {
                volume.onInfo(info);
            }
        }
        for (Volume volume : List.copyOf(volumes.values())) {
            for (PgConfig pg : update.pgs()) {
                volume.onPg(pg);
            }
        }
        leftBehind(update).forEach(DiskPeer::leftBehind);
        for (long purged : update.purgedVolumes()) {
            Volume volume = volumes.get(purged);
            if (volume != null && volume.attachment().state() == Attachment.State.DETACHED) {
                volumes.remove(purged);
            }
        }
    }

    private LinkedHashSet<DiskPeer> leftBehind(MapUpdate update) {
        LinkedHashSet<DiskPeer> found = new LinkedHashSet<>();
        for (PgConfig pg : update.pgs()) {
            for (PgConfig.Member member : pg.members()) {
                DiskPeer peer =
                        member.state() == MemberState.STALE ? peers.get(member.diskId()) : null;
                if (peer != null) {
                    found.add(peer);
                }
            }
        }
        return found;
    }

    private boolean isSameHost(int diskId) {
        DiskInfo disk = map().disk(diskId);
        NodeInfo node = disk == null ? null : map().node(disk.nodeId());
        GatewayInfo self = map().gateway(gatewayId);
        return node != null && self != null && Objects.equals(node.hostId(), self.hostId());
    }

    // For the volumes.

    /// The volume; a new life of it where it was fenced.
    private Volume volume(VolumeInfo info) {
        Check.that(owns(info.volumeId()), "a volume of another gateway", info.volumeId(), 0);
        Volume volume = volumes.get(info.volumeId());
        if (volume == null || volume.attachment().ended()) {
            volume = new Volume(this, info);
            volumes.put(info.volumeId(), volume);
        }
        return volume;
    }

    DiskPeer peer(int diskId) {
        DiskPeer peer = peers.get(diskId);
        if (peer == null) {
            peer = new DiskPeer(this, diskId);
            peer.sameHost(isSameHost(diskId));
            peers.put(diskId, peer);
        }
        return peer;
    }

    /// Disks with higher ids.
    java.util.Collection<DiskPeer> peersBehind(int diskId) {
        return peers.tailMap(diskId, false).values();
    }

    void peerUp(DiskPeer peer, Lane lane) {
        for (Volume volume : List.copyOf(volumes.values())) {
            volume.peerUp(peer, lane == Lane.WRITE);
        }
    }

    void peerDown(DiskPeer peer, Lane lane, String why) {
        events.event(
                Events.Level.WARN,
                "disk-connection-lost",
                "disk=" + peer.diskId() + " lane=" + lane + " why=\"" + why + "\"");
    }

    GatewayConfig config() {
        return config;
    }

    long gatewayId() {
        return gatewayId;
    }

    Loop loop() {
        return loop;
    }

    MetaClient meta() {
        return meta;
    }

    Connection.Dialer dialer() {
        return dialer;
    }

    FramePool frames() {
        return frames;
    }

    BufPool bufs() {
        return bufs;
    }

    Events events() {
        return events;
    }

    Crc crc() {
        return crc;
    }

    Room room() {
        return room;
    }

    SlowDisks slowDisks() {
        return slowDisks;
    }

    private void flushAll() {
        volumes.values().forEach(volume -> volume.flush().background());
    }

    PartPool parts() {
        return parts;
    }

    MapKeeper keeper() {
        return keeper;
    }

    /// A chunk of zeros, for zeroes that are written as data.
    Buf zeros() {
        if (zeros == null) {
            zeros = bufs.take(Sizes.CHUNK_BYTES);
            zeros.zero(0, Sizes.CHUNK_BYTES);
        }
        return zeros;
    }

    // Answers: always a later step of the loop, never inside a call of the front end or of a peer.

    void answer(Request request) {
        answers.addLast(request);
        if (!delivering) {
            delivering = true;
            loop.execute(deliver);
        }
    }

    private void deliver() {
        delivering = false;
        for (int left = answers.size(); left > 0; left--) {
            Request request = answers.removeFirst();
            BlockDevice.Done done = request.done;
            int errno = request.errno;
            parts.giveBack(request);
            done.done(errno);
        }
    }

    private void tick() {
        ticking = loop.schedule(READS_TICK_NS, this::tick);
        long now = loop.nowNs();
        peers.values().forEach(peer -> peer.reads().moveSlow(now));
        if (++ticks % (TICK_NS / READS_TICK_NS) != 0) {
            return;
        }
        peers.values().forEach(peer -> peer.tick(now, config.silenceNs()));
        if (ticks % (SlowDisks.INTERVAL_NS / READS_TICK_NS) == 0) {
            slowDisks.tick(peers.values());
        }
        silentDisks.tick(peers.values(), slowDisks.slow());
        List.copyOf(volumes.values()).forEach(Volume::tick);
    }
}
