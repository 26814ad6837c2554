package comet.replica;

import comet.base.Sizes;
import comet.base.Versions;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.cluster.PgHash;
import comet.replica.ChunkPull.Result;
import comet.store.ChunkStore;
import comet.wire.ChunkList;
import comet.wire.Fences;
import comet.wire.Frame;
import comet.wire.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// One placement group in which this disk is RECOVERING, in one epoch; a new epoch is a new
/// recovery.
///
/// 1. FENCES: takes over the terms that the source has seen, durably. The source answers only once
///    it knows this epoch, so from here on whatever it applies is sent here, too.
/// 2. LISTING: goes through the chunks of both in order, page by page. A chunk whose version
///    differs, or of which a write was answered here that the source does not have yet, goes to
///    `differing`; all others behind the cursor are known equal.
/// 3. COPYING: makes the differing chunks equal, those written last first. The source's state wins,
///    but never against a write that was answered here in this epoch: for that it waits until the
///    source has it. A chunk is found differing again when a write of it is answered NOTED.
/// 4. READY: nothing differs, and there is room for writers. Writes that would be NOTED are held
///    back from now on, for moments: [Recoveries] collects such groups, syncs and asks for their
///    promotion: ASKED, until the outcome is known.
///
/// An opening of a volume voids what is known of its chunks, for an older client's write may have
/// come to the source and been refused here: the comparison begins again (1), and counts once the
/// source has seen the opener's term as well.
///
/// What never comes to pass because its client is gone (a write that the source does not get, an
/// opening that does not get there) is dropped by a new epoch.
final class Recovery {
    enum Phase {
        WAITING,
        FENCES,
        LISTING,
        COPYING,
        READY,
        ASKED,
        CLOSED
    }

    private record Opening(long volumeId, long term, WriteLane lane, long atNs) {}

    private final DiskServer disk;
    private final Recoveries recoveries;
    private final int pg;
    private final long epoch;
    private final PgConfig config;
    private final Notes notes = new Notes();

    private final Differing differing = new Differing();
    private final TreeMap<ChunkKey, ChunkPull> pulls = new TreeMap<>();

    private final TreeSet<ChunkKey> heldBack = new TreeSet<>();
    private List<Opening> openings = new ArrayList<>();
    private List<Runnable> outcomeWaiters = new ArrayList<>();
    private Phase phase = Phase.WAITING;
    private @Nullable ChunkKey cursor;

    /// Openings that the pass under way will have taken into account.
    private int openingsCovered;

    private boolean listed;
    private int readyCount;
    private boolean asking;
    private int sourceIndex;

    /// Counts the passes, so that answers to an earlier one are dropped.
    private int pass;

    Recovery(DiskServer disk, Recoveries recoveries, PgConfig config) {
        this.disk = disk;
        this.recoveries = recoveries;
        this.config = config;
        pg = config.pg();
        epoch = config.epoch();
    }

    int pg() {
        return pg;
    }

    long epoch() {
        return epoch;
    }

    Phase phase() {
        return phase;
    }

    /// How often it has become READY: what was synced for one time does not hold for another.
    int readyCount() {
        return readyCount;
    }

    /// Chunks known to differ and not yet copied.
    int differingCount() {
        return differing.size();
    }

    int notesCount() {
        return notes.size();
    }

    // What the verbs ask and tell.

    /// Whether writes that would be NOTED are to wait for the outcome.
    boolean holdsBack() {
        return phase == Phase.READY || phase == Phase.ASKED;
    }

    boolean asked() {
        return phase == Phase.ASKED;
    }

    /// The chunk's writes wait for the outcome.
    void holdBack(ChunkKey key) {
        if (heldBack.add(key)) {
            disk.holds().pin(key);
        }
    }

    /// Runs `work` once the promotion is decided, or the epoch has ended.
    void afterOutcome(Runnable work) {
        outcomeWaiters.add(work);
    }

    /// A write of the chunk was answered in this epoch.
    void answered(ChunkKey key, long version, WriteLane lane, boolean noted) {
        notes.add(key, version, lane, disk.loop().nowNs());
        if (phase == Phase.WAITING) {
            recoveries.written(pg);
        }
        if (noted && compared(key)) {
            differing.add(key, version);
            goOn();
        }
    }

    /// The volume is being opened here under a term.
    void opened(long volumeId, long term, WriteLane lane) {
        if (phase == Phase.CLOSED) {
            return;
        }
        // The newest that the pass under way does not cover stands for those before it.
        for (int n = openings.size() - 1; n >= openingsCovered; n--) {
            if (openings.get(n).volumeId == volumeId && openings.get(n).term <= term) {
                openings.remove(n);
            }
        }
        openings.add(new Opening(volumeId, term, lane, disk.loop().nowNs()));
        notReady();
    }

    /// It cannot be promoted as it is: what was held back goes on at once.
    void notReady() {
        if (phase == Phase.READY) {
            phase = Phase.COPYING;
            releaseHeldBack();
            goOn();
        }
    }

    /// Whether the pass under way has come past the chunk.
    private boolean compared(ChunkKey key) {
        return listed || cursor != null && key.compareTo(cursor) <= 0;
    }

    // The life of a pass.

    /// It is this group's turn.
    void start() {
        beginPass();
    }

    private void beginPass() {
        phase = Phase.FENCES;
        pass++;
        cursor = null;
        listed = false;
        asking = false;
        openingsCovered = openings.size();
        askFences(0);
    }

    private int source() {
        List<Integer> sources = new ArrayList<>();
        int leaving = config.move() == null ? 0 : config.move().from();
        boolean leavingFirst = false;
        for (PgConfig.Member member : config.members()) {
            boolean other = member.diskId() != disk.identity().diskId();
            if (other && member.state() == MemberState.IN_SYNC) {
                boolean leaves = member.diskId() == leaving;
                leavingFirst |= leaves;
                sources.add(leaves ? 0 : sources.size(), member.diskId());
            }
        }
        if (sources.isEmpty()) {
            return 0;
        }
        // Whose place it takes is the better source: a block that is bad there is good at those
        // who stay. So that one is asked several times before others are.
        int index =
                leavingFirst ? Math.max(0, sourceIndex - Limits.LEAVING_SOURCE_TRIES) : sourceIndex;
        return sources.get(index % sources.size());
    }

    /// Something did not work: from the beginning, a little later, with the next source.
    private void retry() {
        sourceIndex++;
        phase = Phase.FENCES;
        int of = ++pass;
        asking = false;
        disk.loop()
                .schedule(
                        Limits.RETRY_NS,
                        () -> {
                            if (of == pass && phase != Phase.CLOSED) {
                                beginPass();
                            }
                        });
    }

    private void ask(Frame request, PeerLinks.Answer answer) {
        int of = pass;
        int source = source();
        if (source == 0) {
            request.release();
            retry();
            return;
        }
        recoveries
                .links()
                .ask(
                        source,
                        request,
                        reply -> {
                            if (of == pass && phase != Phase.CLOSED) {
                                answer.answer(reply);
                            }
                        });
    }

    // 1. Fences.

    private void askFences(long afterVolume) {
        Frame f = disk.frames().take();
        ask(Fences.request(f, 0, pg, epoch, afterVolume), this::onFences);
    }

    private void onFences(@Nullable Frame reply) {
        if (reply == null || reply.status() != Status.OK || !Fences.validReply(reply)) {
            if (reply != null) {
                // The source knows of another configuration.
                disk.view().refresh(() -> {});
            }
            retry();
            return;
        }
        long last = 0;
        for (int n = 0; n < Fences.count(reply); n++) {
            last = Fences.volumeId(reply, n);
            long term = Fences.term(reply, n);
            if (last > 0 && term > 0 && term < Versions.TERM_MAX) {
                disk.fences().raise(last, term);
                covers(last, term);
            }
        }
        if (Fences.more(reply) && Fences.count(reply) > 0) {
            askFences(last);
            return;
        }
        int of = pass;
        disk.fences()
                .whenSettled(() -> {
                    if (of == pass && phase == Phase.FENCES) {
                        disk.purge().unknownVolumes();
                        phase = Phase.LISTING;
                        goOn();
                    }
                });
    }

    /// The source has seen this term of the volume: openings under it, or an older one, have got
    /// there before this pass lists anything.
    private void covers(long volumeId, long term) {
        for (int n = openings.size() - 1; n >= 0; n--) {
            Opening opening = openings.get(n);
            if (n < openingsCovered && opening.volumeId == volumeId && opening.term <= term) {
                openings.remove(n);
                openingsCovered--;
            }
        }
    }

    // 2. Listing.

    private void askList() {
        asking = true;
        Frame f = disk.frames().take();
        long afterVolume = cursor == null ? -1 : cursor.volumeId();
        long afterChunk = cursor == null ? -1 : cursor.chunkIndex();
        ask(ChunkList.listPg(f, 0, pg, epoch, afterVolume, afterChunk), this::onList);
    }

    private void onList(@Nullable Frame reply) {
        asking = false;
        if (reply == null || reply.status() != Status.OK || !ChunkList.validReply(reply)) {
            retry();
            return;
        }
        TreeMap<ChunkKey, Long> theirs = new TreeMap<>();
        for (int n = 0; n < ChunkList.count(reply); n++) {
            ChunkKey key =
                    new ChunkKey(ChunkList.volumeId(reply, n), ChunkList.chunkIndex(reply, n));
            theirs.put(key, ChunkList.version(reply, n));
            if (!expected(key)) {
                retry();
                return;
            }
        }
        ChunkKey last = ChunkList.more(reply) && !theirs.isEmpty() ? theirs.lastKey() : null;
        compare(theirs, last);
        cursor = last;
        listed = last == null;
        goOn();
    }

    /// Whether the chunk belongs into this group and behind the cursor.
    private boolean expected(ChunkKey key) {
        return key.volumeId() > 0
                && key.chunkIndex() >= 0
                && key.chunkIndex() < Sizes.VOLUME_CHUNKS_MAX
                && PgHash.of(key.volumeId(), key.chunkIndex(), disk.pgCount()) == pg
                && (cursor == null || key.compareTo(cursor) > 0);
    }

    /// Compares the chunks behind the cursor up to `last` (null: to the end).
    private void compare(SortedMap<ChunkKey, Long> theirs, @Nullable ChunkKey last) {
        TreeMap<ChunkKey, Long> all = new TreeMap<>(theirs);
        long afterVolume = cursor == null ? -1 : cursor.volumeId();
        long afterChunk = cursor == null ? -1 : cursor.chunkIndex();
        TreeSet<ChunkKey> equal = new TreeSet<>();
        disk.store()
                .chunksOfPg(
                        pg,
                        afterVolume,
                        afterChunk,
                        (ChunkStore.Chunk chunk) -> {
                            ChunkKey key = new ChunkKey(chunk.volumeId(), chunk.chunkIndex());
                            if (last != null && key.compareTo(last) > 0) {
                                return false;
                            }
                            long version = all.computeIfAbsent(key, _ -> Versions.NONE);
                            if (version == chunk.version()) {
                                equal.add(key);
                            }
                            return true;
                        });
        notes.between(cursor, last).keySet().forEach(key -> all.putIfAbsent(key, Versions.NONE));
        all.forEach((key, version) -> {
            boolean reached = Versions.compare(version, notes.version(key)) >= 0;
            boolean known = equal.contains(key) || version == Versions.NONE && absent(key);
            if (disk.purge().gone(key.volumeId())) {
                return;
            }
            if (!known || !reached) {
                differing.add(key, version);
            } else if (!pulls.containsKey(key)) {
                differing.remove(key);
                notes.remove(key);
            }
        });
    }

    private boolean absent(ChunkKey key) {
        return disk.store().chunk(key.volumeId(), key.chunkIndex()) == null;
    }

    // 3. Copying.

    /// Does what there is to do next.
    void goOn() {
        if (phase != Phase.LISTING && phase != Phase.COPYING) {
            return;
        }
        pullMore();
        if (!listed) {
            if (!asking && differing.size() < Limits.DIFFERING_MAX) {
                askList();
            }
            return;
        }
        phase = Phase.COPYING;
        if (!differing.isEmpty()) {
            return;
        }
        if (openings.isEmpty()) {
            // Without room for writers the next tick looks again, and nobody waits meanwhile.
            if (recoveries.roomForWriters(this)) {
                phase = Phase.READY;
                readyCount++;
                recoveries.ready(this);
            }
        } else {
            phase = Phase.FENCES;
            again();
        }
    }

    /// Compares again on behalf of openings: at once where there are new ones, later where the
    /// source has not seen one yet.
    private void again() {
        if (openings.size() > openingsCovered) {
            beginPass();
            return;
        }
        int of = ++pass;
        disk.loop()
                .schedule(
                        Limits.RETRY_NS,
                        () -> {
                            if (of == pass && phase != Phase.CLOSED) {
                                beginPass();
                            }
                        });
    }

    private void pullMore() {
        int source = source();
        while (source != 0 && pulls.size() < Limits.PULLS_MAX) {
            ChunkKey next = differing.next();
            if (next == null) {
                return;
            }
            Copy copy = new Copy(next);
            ChunkPull pull = new ChunkPull(disk, disk.pulls(), next, pg, source, null, copy);
            pulls.put(next, pull);
            disk.pulls().submit(pull, false);
        }
    }

    /// One chunk under way.
    private final class Copy implements PullPurpose {
        private final ChunkKey key;

        Copy(ChunkKey key) {
            this.key = key;
        }

        @Override
        public boolean sourceWins() {
            return true;
        }

        @Override
        public long noted() {
            return notes.version(key);
        }

        @Override
        public void ended(Result result) {
            pulls.remove(key);
            if (phase == Phase.CLOSED) {
                return;
            }
            if (result == Result.DONE || disk.purge().gone(key.volumeId())) {
                differing.remove(key);
                notes.remove(key);
            } else {
                boolean full = result == Result.NO_SPACE;
                long pause = full ? Limits.NO_SPACE_RETRY_NS : Limits.RETRY_NS;
                differing.rest(key, disk.loop().nowNs() + pause);
                if (result == Result.UNREACHABLE) {
                    sourceFailed();
                } else if (full) {
                    recoveries.noSpace();
                }
            }
            goOn();
        }
    }

    private void sourceFailed() {
        if (phase == Phase.LISTING || phase == Phase.COPYING) {
            retry();
        }
    }

    // 4. Promotion.

    /// [Recoveries] asks the group now.
    void nowAsked() {
        phase = Phase.ASKED;
    }

    /// The group has answered, and the epoch is still this one: it was refused.
    void notPromoted() {
        if (phase == Phase.ASKED) {
            retry();
            releaseHeldBack();
            outcome();
        }
    }

    private void releaseHeldBack() {
        List<ChunkKey> now = List.copyOf(heldBack);
        heldBack.clear();
        now.forEach(disk.holds()::unpin);
    }

    private void outcome() {
        List<Runnable> now = outcomeWaiters;
        outcomeWaiters = new ArrayList<>();
        now.forEach(Runnable::run);
    }

    // Time and end.

    void tick(long nowNs) {
        if (phase == Phase.CLOSED || phase == Phase.WAITING) {
            return;
        }
        long deadline = disk.parts().config().ioDeadlineNs();
        boolean stuck = false;
        for (ChunkKey key : differing.resting()) {
            Notes.Note note = notes.get(key);
            stuck |=
                    note != null
                            && nowNs - note.atNs() > deadline
                            && gone(note.lane(), key.volumeId(), Versions.term(note.version()));
        }
        for (Opening opening : openings) {
            long age = nowNs - opening.atNs;
            boolean over = gone(opening.lane, opening.volumeId, opening.term);
            stuck |= age > deadline && over || age > Limits.OPENING_PATIENCE * deadline;
        }
        if (stuck && phase != Phase.ASKED) {
            recoveries.newEpoch(this);
        }
        differing.wake(nowNs);
        goOn();
    }

    private boolean gone(WriteLane lane, long volumeId, long term) {
        return lane.closed() || disk.store().fence(volumeId) > term;
    }

    /// The epoch has ended.
    void close() {
        phase = Phase.CLOSED;
        pass++;
        List.copyOf(pulls.values()).forEach(disk.pulls()::cancel);
        pulls.clear();
        releaseHeldBack();
        outcome();
    }
}
