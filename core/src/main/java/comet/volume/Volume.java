package comet.volume;

import comet.base.LongObjectMap;
import comet.base.Sizes;
import comet.cluster.PgConfig;
import comet.cluster.PgHash;
import comet.cluster.VolumeInfo;
import comet.port.Errno;
import comet.volume.VolumePg.Phase;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// One volume at this gateway: the only owner of its versions while it is attached. Holds the state
/// that the verbs share; each verb has a class of its own. All connections to the volume share it,
/// so a flush on one covers what was answered on any.
final class Volume {
    private static final long RETRY_NS = 20_000_000;

    /// What has got no further for so long waits for something.
    private static final long WAITS_NS = 200_000_000;

    private final Gateway gateway;
    private final long id;
    private VolumeInfo info;
    private final VolumeClients clients = new VolumeClients(this);

    private final ChunkTable table = new ChunkTable();
    private final LongObjectMap<VolumePg> pgs = new LongObjectMap<>();
    private final List<VolumePg> pgList = new ArrayList<>();
    private final Attachment attachment;
    private WriteOrder order = new WriteOrder();
    private final WriteSplit split;
    private final WriteFanout fanout;
    private final UnsyncedWrites unsynced;
    private final Flush flush;
    private final ReadPlan reads;
    private final ChunkOpen opening;
    private final Levelling levelling;
    private final BlockMaps maps;
    private final VolumeStats stats = new VolumeStats();
    private final RateLimit limit;

    /// Requests that were not begun yet.
    private final ArrayDeque<Request> queue = new ArrayDeque<>();

    /// Those of them that no limit slows down.
    private int freeQueued;

    private @Nullable Request activeFirst;
    private int activeCount;
    private int changingCount;
    private @Nullable ChunkPart liveFirst;
    private final PartQueue retry = new PartQueue();
    private boolean retryScheduled;
    private boolean pumping;
    private final Room.Account room;
    private boolean keptAtTick;

    /// Counts attachments ended: work scheduled in an earlier one is not done.
    private long life;

    Volume(Gateway gateway, VolumeInfo info) {
        this.gateway = gateway;
        this.id = info.volumeId();
        this.info = info;
        room = gateway.room().account(this::pump);
        attachment = new Attachment(this);
        split = new WriteSplit(this);
        unsynced = new UnsyncedWrites(this);
        fanout = new WriteFanout(this);
        flush = new Flush(this);
        reads = new ReadPlan(this);
        opening = new ChunkOpen(this);
        levelling = new Levelling(this);
        maps = new BlockMaps(gateway.config().blockMapsMax());
        limit = new RateLimit(this);
        limit.set(info.limits());
    }

    Gateway gateway() {
        return gateway;
    }

    long id() {
        return id;
    }

    VolumeInfo info() {
        return info;
    }

    long term() {
        return attachment.term();
    }

    int generation() {
        return info.snapshotSequence();
    }

    boolean writesAreDurable() {
        return info.durability() == VolumeInfo.Durability.WRITE;
    }

    ChunkTable table() {
        return table;
    }

    Attachment attachment() {
        return attachment;
    }

    WriteOrder order() {
        return order;
    }

    WriteFanout fanout() {
        return fanout;
    }

    UnsyncedWrites unsynced() {
        return unsynced;
    }

    Flush flush() {
        return flush;
    }

    ReadPlan reads() {
        return reads;
    }

    ChunkOpen opening() {
        return opening;
    }

    Levelling levelling() {
        return levelling;
    }

    BlockMaps maps() {
        return maps;
    }

    VolumeClients clients() {
        return clients;
    }

    RateLimit limit() {
        return limit;
    }

    Room.Account room() {
        return room;
    }

    // Requests.

    void submit(Request request) {
        request.startNs = gateway.loop().nowNs();
        if (request.kind == Request.Kind.FLUSH && attachment.attached()) {
            begin(request);
            return;
        }
        queue.addLast(request);
        freeQueued += RateLimit.isFree(request) ? 1 : 0;
        pump();
    }

    /// Begins requests as long as the attachment and the bounds allow it.
    void pump() {
        if (pumping) {
            return;
        }
        pumping = true;
        for (Request next = queue.peekFirst(); next != null; next = queue.peekFirst()) {
            if (attachment.ended()) {
                takeFirst();
                next.fail(Errno.ESHUTDOWN);
                gateway.answer(next);
            } else if (!attachment.ready(next)) {
                break;
            } else if (!limit.admits(next)) {
                beginFree();
                break;
            } else if (!room.admit(next)) {
                break;
            } else {
                takeFirst();
                limit.took(next);
                begin(next);
            }
        }
        pumping = false;
    }

    private Request takeFirst() {
        Request first = queue.removeFirst();
        freeQueued -= RateLimit.isFree(first) ? 1 : 0;
        return first;
    }

    /// What no limit slows down does not wait behind what one does.
    private void beginFree() {
        for (int left = freeQueued == 0 ? 0 : queue.size(); left > 0; left--) {
            Request request = takeFirst();
            if (RateLimit.isFree(request)) {
                begin(request);
            } else {
                queue.addLast(request);
            }
        }
    }

    private void begin(Request request) {
        request.activePrevious = null;
        request.activeNext = activeFirst;
        if (activeFirst != null) {
            activeFirst.activePrevious = request;
        }
        activeFirst = request;
        activeCount++;
        changingCount += request.kind.changes() ? 1 : 0;
        switch (request.kind) {
            case FLUSH -> flush.request(request);
            case STATUS -> {
                BlockDevice.Extents extents = (BlockDevice.Extents) request.done;
                request.cursor = request.offset;
                StatusScan scan = new StatusScan(this, request, extents);
                addLive(scan);
                scan.next();
            }
            default -> {
                request.cursor = request.offset;
                split.pump(request);
            }
        }
    }

    void partDone(Request request, int errno) {
        if (errno != 0) {
            request.fail(errno);
        }
        request.partsOpen--;
        split.pump(request);
    }

    /// Answers a request that was begun.
    void finish(Request request) {
        if (request.activePrevious == null) {
            activeFirst = request.activeNext;
        } else {
            request.activePrevious.activeNext = request.activeNext;
        }
        if (request.activeNext != null) {
            request.activeNext.activePrevious = request.activePrevious;
        }
        request.activeNext = null;
        request.activePrevious = null;
        activeCount--;
        changingCount -= request.kind.changes() ? 1 : 0;
        long bytes = request.admittedBytes;
        stats.count(request, gateway.loop().nowNs());
        gateway.answer(request);
        room.release(bytes);
        if (!queue.isEmpty()) {
            pump();
        }
        attachment.onProgress();
    }

    /// Fails what waits to change the volume: another gateway holds it.
    void failChanges(int errno) {
        fail(errno, false);
    }

    void failQueued(int errno) {
        fail(errno, true);
    }

    private void fail(int errno, boolean all) {
        for (int left = queue.size(); left > 0; left--) {
            Request request = takeFirst();
            if (all || request.kind.changes()) {
                request.fail(errno);
                gateway.answer(request);
            } else {
                queue.addLast(request);
                freeQueued += RateLimit.isFree(request) ? 1 : 0;
            }
        }
        if (queue.isEmpty()) {
            limit.calledOff();
        }
    }

    /// Whether anything under way changes the volume.
    boolean changing() {
        return changingCount > 0 || unsynced.count() > 0;
    }

    boolean idle() {
        return activeCount == 0;
    }

    // Parts.

    void addLive(ChunkPart part) {
        part.livePrevious = null;
        part.liveNext = liveFirst;
        if (liveFirst != null) {
            liveFirst.livePrevious = part;
        }
        liveFirst = part;
    }

    void removeLive(ChunkPart part) {
        if (part.livePrevious == null) {
            liveFirst = part.liveNext;
        } else {
            part.livePrevious.liveNext = part.liveNext;
        }
        if (part.liveNext != null) {
            part.liveNext.livePrevious = part.livePrevious;
        }
        part.livePrevious = null;
        part.liveNext = null;
    }

    /// Whether a part's chunk can be read and written now; else the part waits, and is resumed.
    boolean chunkReady(ChunkPart part) {
        VolumePg pg = part.pg;
        if (pg.phase != Phase.OPEN) {
            pg.waiting.add(part);
            if (pg.phase == Phase.CLOSED && attachment.holds()) {
                opening.begin(pg);
            }
            return false;
        }
        if (levelling.holds(part.chunkIndex)) {
            levelling.await(part);
            return false;
        }
        return true;
    }

    /// Takes over a chunk's version into the table; 0: it does not exist, or is not known.
    void setVersion(VolumePg pg, int chunkIndex, long version) {
        pg.chunks += (version == 0 ? 0 : 1) - (table.get(chunkIndex) == 0 ? 0 : 1);
        table.set(chunkIndex, version);
    }

    /// The newest version of the chunk whose write is complete, with all before it.
    long completedVersion(int chunkIndex) {
        ActiveChunk chunk = order.chunk(chunkIndex);
        return chunk == null || chunk.sent == 0 ? table.get(chunkIndex) : chunk.completed;
    }

    /// Tries a part again after a short pause, or when a connection is there.
    void retryLater(ChunkPart part) {
        if (part.dead) {
            return;
        }
        retry.add(part);
        if (!retryScheduled) {
            retryScheduled = true;
            gateway.loop()
                    .schedule(
                            RETRY_NS,
                            () -> {
                                retryScheduled = false;
                                retry.resumeAll();
                            });
        }
    }

    /// Runs work later, unless the attachment has ended by then.
    void later(long delayNs, Runnable work) {
        long now = life;
        gateway.loop()
                .schedule(
                        delayNs,
                        () -> {
                            if (life == now) {
                                work.run();
                            }
                        });
    }

    // PGs.

    List<VolumePg> pgs() {
        return pgList;
    }

    @Nullable VolumePg pg(int pg) {
        return pgs.get(pg);
    }

    VolumePg pgOf(int chunkIndex) {
        int number = PgHash.of(id, chunkIndex, gateway.map().pgCount());
        VolumePg pg = pgs.get(number);
        return pg == null ? addPg(number) : pg;
    }

    private VolumePg addPg(int number) {
        VolumePg pg = new VolumePg(this, number);
        pgs.put(number, pg);
        pgList.add(pg);
        return pg;
    }

    /// The attachment has a term: opens every PG that the volume can have chunks in.
    void openAll() {
        int pgCount = gateway.map().pgCount();
        long chunks = info.sizeBytes() + Sizes.CHUNK_BYTES - 1 >>> Sizes.CHUNK_SHIFT;
        if (chunks >= 16L * pgCount) {
            for (int pg = 0; pg < pgCount; pg++) {
                if (pgs.get(pg) == null) {
                    addPg(pg);
                }
            }
        } else {
            for (int chunk = 0; chunk < chunks; chunk++) {
                pgOf(chunk);
            }
        }
        for (VolumePg pg : pgList) {
            opening.begin(pg);
        }
    }

    boolean allOpen() {
        for (VolumePg pg : pgList) {
            if (pg.phase == Phase.OPENING) {
                return false;
            }
        }
        return true;
    }

    void onPg(PgConfig config) {
        VolumePg pg = pgs.get(config.pg());
        if (pg != null && pg.phase != Phase.CLOSED && config.epoch() > pg.epoch) {
            opening.begin(pg);
        }
    }

    void onInfo(VolumeInfo newer) {
        info = newer;
        limit.set(newer.limits());
        VolumeInfo.Attachment held = newer.attachment();
        boolean mine = held != null && held.term() == attachment.term();
        if (attachment.holds() && newer.lastTerm() >= attachment.term() && !mine) {
            attachment.fenced();
        }
    }

    void peerUp(DiskPeer peer, boolean writes) {
        if (writes) {
            opening.peerUp(peer);
        }
        retry.resumeAll();
    }

    /// Flushes what has been kept for a while without anybody asking for it.
    void tick() {
        if (keptAtTick && unsynced.completeCount() > 0) {
            flush.background();
        }
        keptAtTick = unsynced.completeCount() > 0;
    }

    // Ends of an attachment.

    /// The attachment is gone with nothing left to save: reads under way go on with term 0.
    void loosen() {
        for (ChunkPart part = liveFirst; part != null; part = part.liveNext) {
            if (part instanceof ReadPart read) {
                read.loose = true;
            } else if (part instanceof StatusScan scan) {
                scan.loosen();
            }
        }
        PartQueue waiting = levelling.clear();
        forget();
        for (VolumePg pg : pgList) {
            for (ChunkPart part = pg.waiting.poll(); part != null; part = pg.waiting.poll()) {
                waiting.add(part);
            }
        }
        waiting.resumeAll();
    }

    /// The attachment is lost: everything under way fails, nothing is kept.
    void end(int errno) {
        flush.fail(errno);
        List<ChunkPart> parts = new ArrayList<>();
        for (ChunkPart part = liveFirst; part != null; part = part.liveNext) {
            parts.add(part);
        }
        for (ChunkPart part : parts) {
            part.dead = true;
            part.abandon();
        }
        liveFirst = null;
        levelling.clear();
        unsynced.clear();
        order = new WriteOrder();
        forget();
        for (Request request = activeFirst; request != null; request = activeFirst) {
            request.fail(errno);
            finish(request);
        }
        failQueued(errno);
    }

    private void forget() {
        life++;
        table.clear();
        maps.clear();
        opening.clear();
        for (VolumePg pg : pgList) {
            pg.close();
        }
    }

    // For people.

    VolumeStatus status() {
        long now = gateway.loop().nowNs();
        String waitingFor = "";
        long since = now - WAITS_NS;
        for (VolumePg pg : pgList) {
            if (pg.stuckSinceNs(now) < since) {
                since = pg.stuckSinceNs(now);
                waitingFor = pg.waitsFor();
            }
        }
        return new VolumeStatus(
                id,
                info.name(),
                attachment.state().name().toLowerCase(java.util.Locale.ROOT),
                attachment.term(),
                clients.count(),
                clients.pinned(),
                waitingFor,
                waitingFor.isEmpty() ? 0 : since,
                room.inFlightBytes(),
                queue.size(),
                room.unsyncedBytes(),
                unsynced.count(),
                levelling.left(),
                stats,
                limit.throttledNs(),
                limit.throttledRequests());
    }
}
