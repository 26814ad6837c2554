package comet.replica;

import comet.base.Check;
import comet.base.Versions;
import comet.cluster.ClusterMap;
import comet.cluster.DiskInfo;
import comet.cluster.MapUpdate;
import comet.cluster.PgConfig;
import comet.port.Events.Level;
import comet.port.Loop;
import comet.replica.ApplyRules.Outcome;
import comet.replica.ApplyRules.Role;
import comet.store.ChunkStore;
import comet.wire.Frame;
import comet.wire.FramePool;
import comet.wire.Hello;
import comet.wire.Lane;
import comet.wire.Status;
import comet.wire.SyncRequest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// One disk's replicas: the owner of everything that is decided about them. Knows the disk's part
/// in every placement group and has a class per verb that acts on it.
public final class DiskServer {
    private final NodeParts parts;
    private final MapView view;
    private final DiskIdentity identity;
    private final ChunkStore store;
    private final BootIdSink folder;
    private final Space space;
    private final CreditShare creditShare = new CreditShare(this);
    private final FenceBook fences;
    private final Holds holds;
    private final FairShare share;
    private final ReplicaCounters counters = new ReplicaCounters();

    private final WriteVerb writes = new WriteVerb(this);
    private final SyncVerb syncs = new SyncVerb(this);
    private final OpenVerb openings = new OpenVerb(this);
    private final ReadVerb reads = new ReadVerb(this);
    private final LevelVerb levels = new LevelVerb(this);
    private final PeerVerb peers = new PeerVerb(this);
    private final Pulls pulls;
    private final PeerLinks links;
    private final Recoveries recoveries;
    private final ComeBack comeBack = new ComeBack(this);
    private final Purge purge;
    private final Leftovers leftovers = new Leftovers(this);
    private final Repairs repairs;
    private final MapNotes mapNotes;
    private final PgBook book;
    private final Scrub scrub;

    private final LinkedHashSet<WriteLane> writeLanes = new LinkedHashSet<>();
    private final LinkedHashSet<ReadLane> readLanes = new LinkedHashSet<>();

    /// Per placement group: its epoch as known here, and this disk's part in it in this boot.
    private long[] epochs = new long[0];

    private Role[] roles = new Role[0];

    private List<Runnable> roomWaiters = new ArrayList<>();
    private boolean roomAsked;
    private long bootId;
    private boolean serving;
    private boolean failed;
    private boolean closed;
    private String unavailableWhy = "starting";
    private boolean refused;
    private Loop.@Nullable Timer ticker;

    DiskServer(
            NodeParts parts,
            MapView view,
            DiskIdentity identity,
            ChunkStore store,
            BootIdSink folder) {
        this.parts = parts;
        this.view = view;
        this.identity = identity;
        this.store = store;
        this.folder = folder;
        space = new Space(store);
        fences = new FenceBook(store, () -> failed(-comet.port.Errno.EIO));
        holds = new Holds(writes::apply);
        share = new FairShare(parts.loop(), () -> view.map().settings());
        links = new PeerLinks(parts, view, identity);
        pulls = new Pulls(this, links);
        recoveries = new Recoveries(this, links);
        purge = new Purge(this);
        repairs = new Repairs(this);
        mapNotes = new MapNotes(this);
        book = new PgBook(this, this::noted);
        scrub = new Scrub(this);
    }

    // State.

    public DiskIdentity identity() {
        return identity;
    }

    public ChunkStore store() {
        return store;
    }

    public ReplicaCounters counters() {
        return counters;
    }

    public long bootId() {
        return bootId;
    }

    /// Whether it takes connections: registered, and the map known.
    public boolean serving() {
        return serving && !failed && !closed;
    }

    /// Whether it takes connections for reading: a disk that has failed writes nothing any more,
    /// and may hold the only copy.
    boolean readable() {
        return serving && !closed;
    }

    /// The disk has failed: what would have to be written is refused.
    boolean readOnly() {
        return failed;
    }

    /// Status of the answer to a HELLO while it does not serve.
    int unavailableStatus() {
        return failed ? Status.IO_ERROR : Status.BUSY;
    }

    /// Why it does not serve.
    public String unavailableWhy() {
        return unavailableWhy;
    }

    /// Whether the metadata group has refused this start of it.
    public boolean refused() {
        return refused;
    }

    /// Whether it is no part of the cluster any more, by the operator's word.
    public boolean removed() {
        DiskInfo info = view.map().disk(identity.diskId());
        return info != null && info.state() == DiskInfo.State.REMOVED;
    }

    /// What an operator sees of it.
    public DiskStatus status() {
        return DiskStatus.of(this, recoveries, pulls);
    }

    int pgCount() {
        return epochs.length;
    }

    long epoch(int pg) {
        return epochs[pg];
    }

    Role role(int pg) {
        return roles[pg];
    }

    /// A chunk's version here, 0 where it is absent.
    long version(long volumeId, int chunkIndex) {
        ChunkStore.Chunk chunk = store.chunk(volumeId, chunkIndex);
        return chunk == null ? Versions.NONE : chunk.version();
    }

    BootIdSink folder() {
        return folder;
    }

    MapView view() {
        return view;
    }

    NodeParts parts() {
        return parts;
    }

    Loop loop() {
        return parts.loop();
    }

    FramePool frames() {
        return parts.frames();
    }

    FenceBook fences() {
        return fences;
    }

    Holds holds() {
        return holds;
    }

    /// Of guests and recovery.
    FairShare share() {
        return share;
    }

    CreditShare creditShare() {
        return creditShare;
    }

    Space space() {
        return space;
    }

    WriteVerb writes() {
        return writes;
    }

    SyncVerb syncs() {
        return syncs;
    }

    OpenVerb openings() {
        return openings;
    }

    ReadVerb reads() {
        return reads;
    }

    LevelVerb levels() {
        return levels;
    }

    PeerVerb peers() {
        return peers;
    }

    Pulls pulls() {
        return pulls;
    }

    Purge purge() {
        return purge;
    }

    Leftovers leftovers() {
        return leftovers;
    }

    /// Whether the disk holds a copy of a placement group that nobody may know of, and keeps it.
    public boolean keepsOldCopy(int pg) {
        return leftovers.isKept(pg);
    }

    Repairs repairs() {
        return repairs;
    }

    Collection<WriteLane> writeLanes() {
        return writeLanes;
    }

    int readLaneCount() {
        return readLanes.size();
    }

    /// The recovery of a placement group, where this disk is RECOVERING in it.
    @Nullable Recovery recovery(int pg) {
        return recoveries.of(pg);
    }

    void event(Level level, String code, String details) {
        parts.events().event(level, code, "disk=" + identity.diskId() + " " + details);
    }

    // Life.

    /// Everything is known: takes connections as soon as it is written down.
    void serve(long bootId) {
        if (closed || failed) {
            return;
        }
        this.bootId = bootId;
        ClusterMap map = view.map();
        resize(map.pgCount());
        book.open(map.pgCount());
        String why = book.refusal(map);
        if (why != null) {
            refuse(why, true);
            event(Level.ERROR, "disk-refused", "code=older-group");
            return;
        }
        mapNotes.first();
        for (int pg = 0; pg < map.pgCount(); pg++) {
            remember(map.pg(pg));
        }
        book.whenSettled(this::begin);
    }

    private void begin() {
        if (closed || failed) {
            return;
        }
        serving = true;
        unavailableWhy = "";
        for (int pg = 0; pg < view.map().pgCount(); pg++) {
            see(view.map().pg(pg));
        }
        purge.unknownVolumes();
        event(Level.INFO, "disk-serving", "boot=" + Long.toHexString(bootId));
        tick();
    }

    /// @param forGood in this life of the disk; else it asks again
    void refuse(String why, boolean forGood) {
        unavailableWhy = why;
        refused = forGood;
    }

    /// The disk has failed: in this life it only answers reads, on new connections.
    void failed(int result) {
        if (failed) {
            return;
        }
        failed = true;
        unavailableWhy = "the disk has failed";
        event(Level.ERROR, "disk-failed", "errno=" + -result);
        // Later: the caller is in the middle of an answer, and that one still says why.
        loop().execute(this::stop);
    }

    boolean closed() {
        return closed;
    }

    void close() {
        closed = true;
        stop();
    }

    private void stop() {
        if (ticker != null) {
            ticker.cancel();
        }
        List.copyOf(writeLanes).forEach(lane -> end(lane.session()));
        List.copyOf(readLanes).forEach(lane -> end(lane.session()));
        recoveries.close();
        repairs.close();
        scrub.close();
        pulls.close();
        share.close();
        links.close();
    }

    /// After a failure the last answers, which say so, are still to leave.
    private void end(Session session) {
        if (closed) {
            session.abort("stopping");
        } else {
            session.end("disk-failed");
        }
    }

    private void tick() {
        if (closed || failed) {
            return;
        }
        if (store.failed()) {
            failed(-comet.port.Errno.EIO);
            return;
        }
        for (WriteLane lane : writeLanes) {
            lane.tick();
        }
        creditShare.serve();
        links.tick();
        recoveries.tick();
        comeBack.tick();
        repairs.tick();
        mapNotes.tick();
        scrub.tick();
        ticker = loop().schedule(Limits.TICK_NS, this::tick);
    }

    // The map.

    void onMap(MapUpdate update) {
        if (!readable()) {
            return;
        }
        resize(view.map().pgCount());
        for (PgConfig config : update.pgs()) {
            see(view.map().pg(config.pg()));
        }
        if (failed) {
            return;
        }
        if (update.settings() != null) {
            share.settingsChanged();
        }
        purge.onMap(update);
        repairs.onMap(update);
    }

    private void resize(int pgCount) {
        int before = epochs.length;
        if (before != pgCount) {
            epochs = Arrays.copyOf(epochs, pgCount);
            roles = Arrays.copyOf(roles, pgCount);
            Arrays.fill(roles, before, pgCount, Role.NONE);
        }
    }

    /// Runs `done` once everything is known, and acted upon, that was committed before this call.
    void refresh(Runnable done) {
        view.refresh(() -> book.whenSettled(done));
    }

    /// Runs `done` once the newest that is known of the placement groups is durable here.
    void whenNoted(Runnable done) {
        book.whenSettled(done);
    }

    /// Whether what the disk holds of the placement group stays, although it is no member.
    boolean keeps(PgConfig config) {
        return book.keeps(config);
    }

    /// The group has decided. Where that makes this disk a member in sync, it is so only once it
    /// has written that down; that it is none any more holds at once. (A disk that has failed
    /// writes nothing, and is only read.)
    private void see(PgConfig config) {
        boolean waits = !failed && role(config) == Role.IN_SYNC && !book.holds(config);
        remember(config);
        if (!waits) {
            learn(config);
        }
    }

    private void remember(PgConfig config) {
        boolean own = config.member(identity.diskId()) != null || book.hasPart(config.pg());
        if (own && !failed && !book.keeps(config)) {
            book.put(config);
        }
    }

    private void noted(PgConfig config) {
        if (serving && !closed) {
            learn(config);
        }
    }

    private void learn(PgConfig config) {
        int pg = config.pg();
        if (config.epoch() <= epochs[pg]) {
            return;
        }
        epochs[pg] = config.epoch();
        roles[pg] = role(config);
        if (!failed) {
            recoveries.onEpoch(config, roles[pg]);
            comeBack.onEpoch(config);
            leftovers.onEpoch(config);
        }
    }

    private Role role(PgConfig config) {
        PgConfig.Member member = config.member(identity.diskId());
        if (member == null || member.bootId() != bootId) {
            return Role.NONE;
        }
        return switch (member.state()) {
            case IN_SYNC -> Role.IN_SYNC;
            case RECOVERING -> Role.RECOVERING;
            case STALE -> Role.NONE;
        };
    }

    // Connections.

    /// A HELLO for this disk was accepted.
    void connect(Session session, Hello hello, long requestId) {
        long granted = 0;
        long features = 0;
        if (hello.lane() == Lane.WRITE) {
            Credits credits = new Credits(space, store, parts.config().creditWindowBytes());
            features = hello.features() & Hello.CREDIT_NEEDS;
            WriteLane lane = new WriteLane(this, session, credits, features != 0);
            writeLanes.add(lane);
            granted = credits.granted();
            session.route(lane, hello.clientId());
        } else {
            ReadLane lane = new ReadLane(this, session, hello.lane() == Lane.PEER);
            readLanes.add(lane);
            session.route(lane, hello.clientId());
        }
        Hello.Answer answer =
                new Hello.Answer(Hello.VERSION, identity.diskId(), features, bootId, granted);
        session.send(answer.encode(frames().take(), requestId));
    }

    void laneClosed(WriteLane lane) {
        writeLanes.remove(lane);
    }

    void laneClosed(ReadLane lane) {
        readLanes.remove(lane);
    }

    // What several verbs need.

    /// Whether a request may name this volume at all.
    boolean validChunk(long volumeId) {
        return volumeId > 0;
    }

    /// Whether a SYNC or OPEN is well formed.
    boolean validPgs(Frame f) {
        if (!SyncRequest.valid(f) || f.hasData()) {
            return false;
        }
        for (int n = 0; n < SyncRequest.count(f); n++) {
            int pg = SyncRequest.pg(f, n);
            if (pg < 0 || pg >= pgCount() || SyncRequest.epoch(f, n) < 1) {
                return false;
            }
        }
        return true;
    }

    boolean namesNewerEpoch(Frame f) {
        for (int n = 0; n < SyncRequest.count(f); n++) {
            if (SyncRequest.epoch(f, n) > epochs[SyncRequest.pg(f, n)]) {
                return true;
            }
        }
        return false;
    }

    /// Runs `work` once the ring has room. Who finds it too little asks again, and is asked a
    /// little later.
    void whenRoom(Runnable work) {
        roomWaiters.add(work);
        if (!roomAsked) {
            roomAsked = true;
            store.whenRoom(this::room);
        }
    }

    private void room() {
        List<Runnable> now = roomWaiters;
        roomWaiters = new ArrayList<>();
        now.forEach(Runnable::run);
        if (roomWaiters.isEmpty() || closed) {
            roomAsked = false;
        } else {
            loop().schedule(Limits.ROOM_RETRY_NS, () -> store.whenRoom(this::room));
        }
    }

    static int status(Outcome outcome) {
        return switch (outcome) {
            case APPLY, REPEAT -> Status.OK;
            case NOTE -> Status.NOTED;
            case WRONG_VERSION -> Status.WRONG_VERSION;
            case FENCED -> Status.FENCED;
            case OLD_EPOCH -> Status.OLD_EPOCH;
            case NOT_A_REPLICA -> Status.NOT_A_REPLICA;
            case RAISE_FENCE, FETCH_MAP -> throw Check.failed("no answer yet: " + outcome);
        };
    }
}
