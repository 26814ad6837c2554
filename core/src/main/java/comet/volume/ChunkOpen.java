package comet.volume;

import comet.base.Check;
import comet.base.Versions;
import comet.cluster.PgConfig;
import comet.cluster.PgHash;
import comet.port.Events.Level;
import comet.volume.VolumePg.Phase;
import comet.volume.VolumePg.Stage;
import comet.wire.ChunkList;
import comet.wire.Frame;
import comet.wire.MessageType;
import comet.wire.Status;
import comet.wire.SyncRequest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Opening the PGs of an attached volume, at attachment and again whenever one has a new epoch: all
/// members fence older terms (one OPEN a disk), the IN_SYNC ones then list their chunks, the
/// versions are compared, and what differs is levelled. A PG that gets a new epoch meanwhile starts
/// again. After it, the kept writes are sent to all members once more.
final class ChunkOpen {
    private static final long TROUBLE_MIN_NS = 20_000_000;
    private static final long TROUBLE_MAX_NS = 2_000_000_000;

    private final Volume volume;
    private final Gateway gateway;
    private final ArrayDeque<VolumePg> queue = new ArrayDeque<>();

    /// Members of PGs before they were opened anew: who waits there for credit may have to wait
    /// elsewhere.
    private final LinkedHashSet<DiskPeer> before = new LinkedHashSet<>();

    private boolean scheduled;
    private int unfenced;

    ChunkOpen(Volume volume) {
        this.volume = volume;
        gateway = volume.gateway();
    }

    /// Whether every member of every PG has fenced older terms.
    boolean allFenced() {
        return unfenced == 0;
    }

    /// Forgets everything: the attachment has ended.
    void clear() {
        queue.clear();
        before.clear();
        unfenced = 0;
    }

    /// Opens a PG under the newest configuration known.
    void begin(VolumePg pg) {
        for (int m = 0; m < pg.members; m++) {
            before.add(pg.peer(m));
        }
        for (WritePart part = pg.keptFirst; part != null; part = part.keptNext) {
            for (MemberWrite copy : part.copies) {
                copy.recall();
            }
        }
        PgConfig config = gateway.map().pg(pg.pg);
        if (pg.phase != Phase.OPENING) {
            pg.sinceNs = gateway.loop().nowNs();
        }
        pg.phase = Phase.OPENING;
        pg.attempt++;
        if (pg.fenced) {
            pg.fenced = false;
            unfenced++;
        }
        pg.blockingLevels = 0;
        volume.levelling().drop(pg);
        pg.configure(config, gateway);
        for (int m = 0; m < pg.members; m++) {
            pg.stages[m] = Stage.NONE;
            pg.listings[m] = null;
            pg.peer(m).connect();
        }
        if (pg.members == 0) {
            trouble(pg);
        }
        enqueue(pg);
    }

    private void enqueue(VolumePg pg) {
        if (!pg.queuedForOpen) {
            pg.queuedForOpen = true;
            queue.addLast(pg);
        }
        if (!scheduled) {
            scheduled = true;
            gateway.loop().execute(this::ask);
        }
    }

    /// Sends OPENs for all that was queued: one to each disk, as far as its connection is up.
    private void ask() {
        scheduled = false;
        List<DiskPeer> released = List.copyOf(before);
        before.clear();
        released.forEach(DiskPeer::releaseWaiting);
        Map<Integer, OpenCall> calls = new TreeMap<>();
        List<OpenCall> all = new ArrayList<>();
        for (VolumePg pg = queue.poll(); pg != null; pg = queue.poll()) {
            pg.queuedForOpen = false;
            if (pg.phase != Phase.OPENING) {
                continue;
            }
            for (int m = 0; m < pg.members; m++) {
                if (pg.stages[m] == Stage.NONE && pg.writable(m)) {
                    DiskPeer peer = pg.peer(m);
                    OpenCall call = calls.get(peer.diskId());
                    if (call == null || call.count() == SyncRequest.PGS_MAX) {
                        call = new OpenCall(peer);
                        calls.put(peer.diskId(), call);
                        all.add(call);
                    }
                    call.add(pg);
                    pg.stages[m] = Stage.ASKED;
                }
            }
        }
        all.forEach(OpenCall::send);
    }

    /// A connection is there: what waited for it goes on, and what it may have lost is sent again.
    void peerUp(DiskPeer peer) {
        for (VolumePg pg : volume.pgs()) {
            int m = pg.memberOf(peer);
            if (m < 0) {
                continue;
            }
            if (pg.phase == Phase.OPENING && pg.stages[m] == Stage.NONE) {
                enqueue(pg);
            } else if (pg.phase == Phase.OPEN) {
                volume.fanout().resend(pg, m);
            }
        }
        volume.flush().sync();
    }

    /// A member refused something: the map is fetched, and unless that brings a new epoch the PG is
    /// opened again after a pause.
    void trouble(VolumePg pg) {
        gateway.keeper().refresh();
        if (pg.troubledAttempt == pg.attempt || pg.phase == Phase.CLOSED) {
            return;
        }
        pg.troubleNs = Math.min(Math.max(pg.troubleNs * 2, TROUBLE_MIN_NS), TROUBLE_MAX_NS);
        long attempt = pg.attempt;
        pg.troubledAttempt = attempt;
        volume.later(
                pg.troubleNs,
                () -> {
                    if (pg.attempt == attempt && pg.phase != Phase.CLOSED) {
                        begin(pg);
                    }
                });
    }

    private void opened(VolumePg pg, int member) {
        pg.stages[member] = pg.inSync[member] ? Stage.OPENED : Stage.DONE;
        boolean fenced = true;
        for (int m = 0; m < pg.members; m++) {
            fenced &= pg.stages[m].compareTo(Stage.OPENED) >= 0;
        }
        if (fenced && !pg.fenced) {
            pg.fenced = true;
            unfenced--;
            volume.attachment().onFenced();
        }
        settle(pg);
    }

    private void settle(VolumePg pg) {
        boolean anyInSync = false;
        for (int m = 0; m < pg.members; m++) {
            if (pg.stages[m] != Stage.DONE) {
                return;
            }
            anyInSync |= pg.inSync[m];
        }
        if (!anyInSync) {
            trouble(pg);
        } else if (compare(pg)) {
            open(pg);
        }
    }

    /// A levelling has ended.
    void levelled(VolumePg pg, boolean blocking) {
        if (blocking && --pg.blockingLevels == 0 && pg.phase == Phase.OPENING) {
            open(pg);
        }
    }

    private void open(VolumePg pg) {
        if (pg.blockingLevels > 0) {
            return;
        }
        pg.phase = Phase.OPEN;
        pg.troubleNs = 0;
        for (int m = 0; m < pg.members; m++) {
            volume.fanout().resend(pg, m);
        }
        volume.flush().sync();
        pg.waiting.resumeAll();
        volume.attachment().onProgress();
    }

    // Comparison.

    /// Brings the chunk table up to what the members list, and has the differences levelled.
    ///
    /// @return false where the members lack what they must have: then the opening is tried again
    private boolean compare(VolumePg pg) {
        int[] at = new int[pg.members];
        int listed = 0;
        for (int chunk = nextChunk(pg, at); chunk >= 0; chunk = nextChunk(pg, at)) {
            if (!compareChunk(pg, at, chunk)) {
                return false;
            }
            listed++;
        }
        if (listed < pg.chunks && !compareUnlisted(pg, at, pg.chunks - listed)) {
            return false;
        }
        pg.known = true;
        for (int m = 0; m < pg.members; m++) {
            pg.listings[m] = null;
        }
        volume.levelling().run();
        return true;
    }

    private static int nextChunk(VolumePg pg, int[] at) {
        long least = Long.MAX_VALUE;
        for (int m = 0; m < pg.members; m++) {
            Listing listing = pg.listings[m];
            if (listing != null && at[m] < listing.size()) {
                least = Math.min(least, listing.chunk(at[m]));
            }
        }
        return least == Long.MAX_VALUE ? -1 : (int) least;
    }

    /// Compares the chunks that are known here and that no member lists. Those that begin with a
    /// write that is sent again may be missing; only where there are others is the table searched.
    private boolean compareUnlisted(VolumePg pg, int[] at, int unlisted) {
        int begun = 0;
        for (WritePart part = pg.keptFirst; part != null; part = part.keptNext) {
            begun += part.previous == Versions.NONE && !listed(pg, part.chunkIndex) ? 1 : 0;
        }
        if (begun == unlisted) {
            return true;
        }
        int pgCount = gateway.map().pgCount();
        ChunkTable table = volume.table();
        for (int chunk = table.next(0); chunk >= 0; chunk = table.next(chunk + 1)) {
            boolean here = PgHash.of(volume.id(), chunk, pgCount) == pg.pg;
            if (here && !listed(pg, chunk) && !compareChunk(pg, at, chunk)) {
                return false;
            }
        }
        return true;
    }

    private static boolean listed(VolumePg pg, int chunk) {
        for (int m = 0; m < pg.members; m++) {
            Listing listing = pg.listings[m];
            if (listing != null && listing.holds(chunk)) {
                return true;
            }
        }
        return false;
    }

    private boolean compareChunk(VolumePg pg, int[] at, int chunk) {
        long[] versions = new long[pg.members];
        int source = -1;
        for (int m = 0; m < pg.members; m++) {
            Listing listing = pg.listings[m];
            if (listing != null && at[m] < listing.size() && listing.chunk(at[m]) == chunk) {
                versions[m] = listing.version(at[m]++);
            }
            if (pg.inSync[m]
                    && (source < 0 || Versions.compare(versions[m], versions[source]) > 0)) {
                source = m;
            }
        }
        long highest = versions[source];
        long mine = volume.table().get(chunk);
        WritePart kept = firstKept(pg, chunk);
        // What every member must have, lest what is sent again does not fit.
        long needed = kept != null ? kept.previous : mine;
        boolean fresh = kept == null && (!pg.known || mine == 0);
        if (fresh) {
            volume.setVersion(pg, chunk, highest);
            needed = highest;
        } else {
            Check.that(Versions.compare(highest, mine) <= 0, "a replica is ahead", highest, mine);
        }
        if (Versions.compare(highest, needed) < 0) {
            behind(pg, chunk, highest, needed);
            return false;
        }
        int lower = 0;
        for (int m = 0; m < pg.members; m++) {
            if (pg.inSync[m] && Versions.compare(versions[m], needed) < 0) {
                lower |= 1 << m;
            }
        }
        if (lower != 0) {
            volume.levelling().add(pg, chunk, highest, source, lower, kept != null, fresh);
            pg.blockingLevels += kept != null ? 1 : 0;
        }
        return true;
    }

    private static @Nullable WritePart firstKept(VolumePg pg, int chunk) {
        for (WritePart part = pg.keptFirst; part != null; part = part.keptNext) {
            if (part.chunkIndex == chunk) {
                return part;
            }
        }
        return null;
    }

    /// No member that counts has what was durable: an operator must bring one back.
    private void behind(VolumePg pg, int chunk, long highest, long needed) {
        gateway.events()
                .event(
                        Level.ERROR,
                        "chunk-behind",
                        "volume="
                                + volume.id()
                                + " chunk="
                                + chunk
                                + " pg="
                                + pg.pg
                                + " found="
                                + Versions.text(highest)
                                + " needed="
                                + Versions.text(needed));
        trouble(pg);
    }

    /// OPEN of some PGs at one disk, and the LISTs that follow it.
    private final class OpenCall implements Pending {
        private final DiskPeer peer;
        private final List<VolumePg> pgs = new ArrayList<>();
        private final List<Long> attempts = new ArrayList<>();
        private long openId = -1;
        private boolean listing;

        OpenCall(DiskPeer peer) {
            this.peer = peer;
        }

        int count() {
            return pgs.size();
        }

        void add(VolumePg pg) {
            pg.calls[pg.memberOf(peer)] = this;
            pgs.add(pg);
            attempts.add(pg.attempt);
        }

        void send() {
            openId = peer.write().register(this);
            Frame frame = gateway.frames().take();
            SyncRequest.start(frame, MessageType.OPEN, openId, volume.id(), pgs.size());
            SyncRequest.term(frame, volume.term());
            for (int n = 0; n < pgs.size(); n++) {
                SyncRequest.entry(frame, n, pgs.get(n).pg, 0, pgs.get(n).epoch);
            }
            peer.write().send(frame);
        }

        /// The member of a PG that this call still speaks for, or -1.
        private int member(int n, Stage stage) {
            VolumePg pg = pgs.get(n);
            if (pg.attempt != attempts.get(n) || pg.phase != Phase.OPENING) {
                return -1;
            }
            int m = pg.memberOf(peer);
            return m >= 0 && pg.stages[m] == stage ? m : -1;
        }

        @Override
        public void onReply(Frame reply) {
            if (reply.status() == Status.FENCED) {
                volume.attachment().fenced();
            } else if (reply.status() != Status.OK) {
                troubleAll();
            } else if (listing) {
                onPage(reply);
            } else {
                onOpened(reply);
            }
        }

        private void onOpened(Frame reply) {
            if (!SyncRequest.valid(reply) || SyncRequest.count(reply) != pgs.size()) {
                peer.write().reconnect("a malformed answer to an open");
                onBroken();
                return;
            }
            boolean list = false;
            for (int n = 0; n < pgs.size(); n++) {
                VolumePg pg = pgs.get(n);
                int m = member(n, Stage.ASKED);
                if (m < 0) {
                    continue;
                }
                if (SyncRequest.pg(reply, n) != pg.pg
                        || SyncRequest.entryStatus(reply, n) != Status.OK) {
                    trouble(pg);
                    continue;
                }
                if (pg.inSync[m]) {
                    list = true;
                    pg.listings[m] = new Listing();
                }
                opened(pg, m);
            }
            if (list && peer.write().up()) {
                list(-1);
            }
        }

        private void list(long after) {
            listing = true;
            long requestId = peer.write().register(this);
            peer.write().send(ChunkList.list(gateway.frames().take(), requestId, openId, after));
        }

        private void onPage(Frame reply) {
            int count = ChunkList.validReply(reply) ? ChunkList.count(reply) : -1;
            if (count < 0 || count == 0 && ChunkList.more(reply)) {
                peer.write().reconnect("a malformed list");
                onBroken();
                return;
            }
            for (int n = 0; n < count; n++) {
                VolumePg pg = volume.pg(ChunkList.pg(reply, n));
                int m = pg == null ? -1 : pg.memberOf(peer);
                if (pg != null && m >= 0 && pg.stages[m] == Stage.OPENED && pg.calls[m] == this) {
                    Listing listing = pg.listings[m];
                    if (listing != null) {
                        listing.add(ChunkList.chunkIndex(reply, n), ChunkList.version(reply, n));
                    }
                }
            }
            if (ChunkList.more(reply)) {
                list(ChunkList.chunkIndex(reply, count - 1));
                return;
            }
            for (int n = 0; n < pgs.size(); n++) {
                int m = member(n, Stage.OPENED);
                if (m >= 0) {
                    pgs.get(n).stages[m] = Stage.DONE;
                    settle(pgs.get(n));
                }
            }
        }

        private void troubleAll() {
            for (int n = 0; n < pgs.size(); n++) {
                if (pgs.get(n).attempt == attempts.get(n)) {
                    trouble(pgs.get(n));
                }
            }
        }

        /// Everything of this call that is not done is asked again when the disk is back.
        @Override
        public void onBroken() {
            for (int n = 0; n < pgs.size(); n++) {
                VolumePg pg = pgs.get(n);
                int m = pg.attempt == attempts.get(n) ? pg.memberOf(peer) : -1;
                if (m >= 0 && pg.stages[m] != Stage.DONE) {
                    pg.stages[m] = Stage.NONE;
                    enqueue(pg);
                }
            }
        }
    }
}
