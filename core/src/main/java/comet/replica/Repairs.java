package comet.replica;

import comet.base.Versions;
import comet.cluster.MapUpdate;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.port.Events.Level;
import comet.replica.ApplyRules.Role;
import comet.wire.BlockState;
import comet.wire.Frame;
import comet.wire.ReadReply;
import comet.wire.ReadRequest;
import comet.wire.Status;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Repair of single blocks.
///
/// Blocks that cannot be read here are copied from another IN_SYNC replica that has exactly their
/// version. Where none has, they rest, longer each time, and are tried again once they were read
/// here once more and found still bad. The second time that all other members say that the block is
/// bad there, too, it is lost: it keeps its version, and only a newer write or a copy that turns up
/// brings it back. A new configuration of the placement group ends the rest.
///
/// Blocks that are whole here and that a recovery found lost at its source are offered to it, as
/// soon as this replica is IN_SYNC: the source is asked for them, finds them bad, and repairs them.
///
/// Both tables are bounded; what they do not take is found again by the next read of it.
final class Repairs {
    /// The bad blocks of one chunk.
    private static final class Bad {
        private final int pg;

        /// To be repaired now, or by the repair under way.
        private final BitSet wanted = new BitSet();

        /// No good copy was found; not again before `untilNs`.
        private final BitSet resting = new BitSet();

        /// Those that were bad everywhere when they began to rest.
        private final BitSet badEverywhere = new BitSet();

        private final BitSet toldLost = new BitSet();
        private boolean running;
        private long pauseNs = Limits.REPAIR_PAUSE_NS;
        private long untilNs;

        Bad(int pg) {
            this.pg = pg;
        }
    }

    /// Blocks of one chunk that are whole here and lost at a source.
    private static final class Offer {
        private final int pg;
        private final int sourceDiskId;
        private final BitSet blocks = new BitSet();

        Offer(int pg, int sourceDiskId) {
            this.pg = pg;
            this.sourceDiskId = sourceDiskId;
        }
    }

    private final DiskServer disk;
    private final LinkedHashMap<ChunkKey, Bad> bad = new LinkedHashMap<>();
    private final LinkedHashMap<ChunkKey, Offer> offers = new LinkedHashMap<>();
    private long offersAtNs = Long.MIN_VALUE;

    Repairs(DiskServer disk) {
        this.disk = disk;
    }

    /// A block could not be read here, or was copied as lost.
    void add(long volumeId, int chunkIndex, int pg, int block, int state) {
        if (disk.readOnly()) {
            return;
        }
        ChunkKey key = new ChunkKey(volumeId, chunkIndex);
        Bad chunk = bad.get(key);
        if (chunk == null) {
            if (bad.size() >= Limits.REPAIRS_MAX && !makeRoom()) {
                return;
            }
            chunk = new Bad(pg);
            bad.put(key, chunk);
        }
        if (chunk.wanted.get(block) || chunk.resting.get(block)) {
            return;
        }
        chunk.wanted.set(block);
        disk.counters().blocksCorrupt++;
        String what = state == BlockState.LOST ? " state=lost" : " state=corrupt";
        disk.event(Level.WARN, "block-corrupt", Pulls.text(key, block) + what);
        if (!chunk.running) {
            start(key, chunk);
        }
    }

    /// Whether a repair of blocks of this chunk is under way, or about to begin.
    boolean busy(ChunkKey key) {
        Bad chunk = bad.get(key);
        return chunk != null && (chunk.running || !chunk.wanted.isEmpty());
    }

    /// Forgets the chunk that has rested longest.
    private boolean makeRoom() {
        ChunkKey eldest = null;
        for (Map.Entry<ChunkKey, Bad> entry : bad.entrySet()) {
            if (!entry.getValue().running) {
                eldest = entry.getKey();
                break;
            }
        }
        return eldest != null && bad.remove(eldest) != null;
    }

    private void begin(ChunkKey key, Bad chunk) {
        if (bad.get(key) == chunk) {
            new Attempt(key, chunk).next();
        }
    }

    /// No other member that could be asked has these blocks either.
    private void rest(ChunkKey key, Bad chunk, BitSet left, BitSet everywhere) {
        chunk.running = false;
        chunk.resting.or(left);
        chunk.badEverywhere.andNot(left);
        chunk.badEverywhere.or(everywhere);
        if (bad.remove(key) != chunk || disk.role(chunk.pg) == Role.NONE) {
            return;
        }
        if (!chunk.wanted.isEmpty()) {
            start(key, chunk);
        } else if (chunk.resting.isEmpty()) {
            return;
        }
        chunk.untilNs = disk.loop().nowNs() + chunk.pauseNs;
        chunk.pauseNs = Math.min(2 * chunk.pauseNs, Limits.REPAIR_PAUSE_NS_MAX);
        // Behind all others: what has rested longest is forgotten first.
        bad.put(key, chunk);
    }

    private void start(ChunkKey key, Bad chunk) {
        chunk.running = true;
        disk.loop().execute(() -> begin(key, chunk));
    }

    void repaired(ChunkKey key, int block, int sourceDiskId) {
        disk.counters().blocksRepaired++;
        String from = " from=" + sourceDiskId;
        disk.event(Level.INFO, "block-repaired", Pulls.text(key, block) + from);
    }

    /// No replica has the block any more.
    void lost(ChunkKey key, int block, long version) {
        Bad chunk = bad.get(key);
        if (chunk == null || !chunk.toldLost.get(block)) {
            String which = " version=" + Versions.text(version);
            disk.event(Level.WARN, "block-lost", Pulls.text(key, block) + which);
        }
        if (chunk != null) {
            chunk.toldLost.set(block);
        }
    }

    // Time, and news.

    void onMap(MapUpdate update) {
        if (bad.isEmpty()) {
            return;
        }
        BitSet changed = new BitSet();
        update.pgs().forEach(config -> changed.set(config.pg()));
        for (Bad chunk : bad.values()) {
            if (changed.get(chunk.pg)) {
                chunk.untilNs = disk.loop().nowNs();
                chunk.pauseNs = Limits.REPAIR_PAUSE_NS;
                chunk.badEverywhere.clear();
            }
        }
    }

    void tick() {
        long now = disk.loop().nowNs();
        List<ChunkKey> due = new ArrayList<>();
        bad.forEach((key, chunk) -> {
            if (!chunk.running && chunk.untilNs <= now) {
                due.add(key);
            }
        });
        for (ChunkKey key : due) {
            Bad chunk = bad.get(key);
            if (chunk != null) {
                chunk.running = true;
                readAgain(key, chunk);
            }
        }
        if (now >= offersAtNs && !offers.isEmpty()) {
            offersAtNs = now + Limits.RETRY_NS;
            for (ChunkKey key : List.copyOf(offers.keySet())) {
                offer(key);
            }
        }
    }

    /// Which of the blocks that rest are still bad? They may have been written since.
    private void readAgain(ChunkKey key, Bad chunk) {
        int first = chunk.resting.nextSetBit(0);
        int count = chunk.resting.length() - first;
        Frame blocks = disk.frames().take();
        ReadReply.start(blocks, 0, Status.OK, 0, 0, count, false);
        disk.store()
                .read(
                        key.volumeId(),
                        key.chunkIndex(),
                        0,
                        first,
                        count,
                        blocks,
                        (_, errno) -> {
                            for (int n = 0; n < count; n++) {
                                int state =
                                        errno < 0 ? BlockState.ABSENT : ReadReply.state(blocks, n);
                                if (!isBad(state)) {
                                    chunk.badEverywhere.clear(first + n);
                                    chunk.toldLost.clear(first + n);
                                } else if (chunk.resting.get(first + n)) {
                                    chunk.wanted.set(first + n);
                                }
                            }
                            blocks.release();
                            chunk.resting.clear();
                            begin(key, chunk);
                        },
                        0);
    }

    static boolean isBad(int state) {
        return state == BlockState.CORRUPT || state == BlockState.LOST;
    }

    void close() {
        bad.clear();
        offers.clear();
    }

    /// One round of asking the other members.
    private final class Attempt implements PullPurpose {
        private final ChunkKey key;
        private final Bad chunk;
        private final ArrayDeque<Integer> sources = new ArrayDeque<>();

        /// Not repaired yet; those of them that all members asked so far found bad, too; and those
        /// that the one being asked does.
        private final BitSet left;

        private final BitSet everywhere;
        private final BitSet there = new BitSet();

        Attempt(ChunkKey key, Bad chunk) {
            this.key = key;
            this.chunk = chunk;
            left = (BitSet) chunk.wanted.clone();
            everywhere = (BitSet) left.clone();
            chunk.wanted.clear();
            for (PgConfig.Member member : disk.view().map().pg(chunk.pg).members()) {
                if (member.diskId() == disk.identity().diskId()) {
                    continue;
                }
                if (member.state() == MemberState.IN_SYNC) {
                    sources.add(member.diskId());
                } else {
                    // It may have a copy; it is asked when it is IN_SYNC.
                    everywhere.clear();
                }
            }
            if (sources.isEmpty()) {
                everywhere.clear();
            }
        }

        void next() {
            Integer source = left.isEmpty() ? null : sources.poll();
            if (source == null || disk.role(chunk.pg) == Role.NONE) {
                rest(key, chunk, left, everywhere);
                return;
            }
            there.clear();
            Pulls pulls = disk.pulls();
            var pull = new ChunkPull(disk, pulls, key, chunk.pg, source, left, this);
            pulls.submit(pull, true);
        }

        @Override
        public void repaired(int block, int sourceDiskId) {
            left.clear(block);
            Repairs.this.repaired(key, block, sourceDiskId);
        }

        @Override
        public boolean isLost(int block) {
            there.set(block);
            return sources.isEmpty() && everywhere.get(block) && chunk.badEverywhere.get(block);
        }

        @Override
        public void ended(ChunkPull.Result result) {
            everywhere.and(there);
            next();
        }
    }

    // Offers.

    /// The source has lost a block that is whole here.
    void offer(ChunkKey key, int pg, int block, int sourceDiskId) {
        Offer offer = offers.get(key);
        if (offer == null || offer.sourceDiskId != sourceDiskId) {
            if (offers.size() >= Limits.OFFERS_MAX) {
                return;
            }
            offer = new Offer(pg, sourceDiskId);
            offers.put(key, offer);
        }
        offer.blocks.set(block);
    }

    /// Has the source read its lost blocks, so that it finds them.
    private void offer(ChunkKey key) {
        Offer offer = offers.get(key);
        if (offer == null) {
            return;
        }
        PgConfig.Member source = disk.view().map().pg(offer.pg).member(offer.sourceDiskId);
        boolean inSync = source != null && source.state() == MemberState.IN_SYNC;
        if (offer.blocks.isEmpty() || !inSync || disk.role(offer.pg) == Role.NONE) {
            offers.remove(key);
            return;
        }
        if (disk.role(offer.pg) != Role.IN_SYNC) {
            return;
        }
        int first = offer.blocks.nextSetBit(0);
        int end = offer.blocks.nextClearBit(first);
        long epoch = disk.epoch(offer.pg);
        Frame f = disk.frames().take();
        ReadRequest.encode(
                f, 0, key.volumeId(), key.chunkIndex(), offer.pg, epoch, 0, 0, first, end - first);
        disk.pulls()
                .links()
                .ask(
                        offer.sourceDiskId,
                        f,
                        reply -> {
                            if (reply != null && reply.status() == Status.OK) {
                                offer.blocks.clear(first, end);
                            }
                        });
    }
}
