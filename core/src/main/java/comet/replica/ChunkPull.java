package comet.replica;

import comet.base.Buf;
import comet.base.Sizes;
import comet.base.Versions;
import comet.port.Events.Level;
import comet.store.ChunkStore;
import comet.wire.BlockState;
import comet.wire.ChunkRequest;
import comet.wire.Frame;
import comet.wire.MessageType;
import comet.wire.ReadRequest;
import comet.wire.Status;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Makes one chunk here what it is at a source, block by block: for recovery, for levelling, and to
/// repair blocks that are bad here.
///
/// 1. Writes of the chunk wait here (not for a repair, which changes no version). The client's next
///    writes wait for those, so the source soon stands still, too. Where recovery finds much to be
///    copied that is done ahead, while writes go on (they are noted here, since the chunk is none
///    that they build on): what the source has meanwhile changed again is left out. A few rounds of
///    that leave little for which writes have to wait.
/// 2. The source tells its version and the versions of all blocks; ours are compared with them.
/// 3. Blocks that differ are read, each in exactly the version that was told; a newer one means
///    that the source has moved on: again from 2.
/// 4. All are here: where the chunk here is still the one that was compared, they are put in its
///    place, as fast as the ring takes them, and the chunk's version becomes the source's. In a
///    recovery the chunk carries, until the last block is in place, a version that no chunk has
///    ([#HALF_COPIED]), so that after a crash in between it is equal to nothing and copied again.
///    In a levelling it carries one below all others and of this disk alone: where it is cut off,
///    some blocks of writes are here that nobody was told are complete, and the chunk is equal to
///    no other replica's, neither to the source's nor to one that is where this one was.
final class ChunkPull {
    /// The version of a chunk while recovery replaces its blocks.
    static final long HALF_COPIED = Versions.of(Versions.TERM_MAX, Versions.COUNT_MAX);

    /// How a pull ended.
    enum Result {
        /// Equal now, or was already.
        DONE,
        /// A write that was answered here has not reached the source.
        NOT_REACHED,
        /// Levelling: the source, or this replica, has another version than the client thinks.
        WRONG_VERSION,
        /// The source does not answer, or not in this epoch.
        UNREACHABLE,
        NO_SPACE,
        /// Somebody with a newer term has opened the volume.
        FENCED,
        /// It kept changing; or what was asked of it is impossible now.
        CHANGED,
        /// Of no interest any more: another epoch, or the volume is purged.
        CANCELLED
    }

    private final DiskServer disk;
    private final Pulls pulls;
    private final ChunkKey key;
    private final int pg;
    private final long epoch;
    private final int sourceDiskId;
    private final PullPurpose purpose;

    /// The blocks to be repaired, or null where the whole chunk is to become equal.
    private final @Nullable BitSet bad;

    private final ChunkDiff diff = new ChunkDiff();
    private final BlockTables theirs = diff.theirs;
    private final BlockTables ours = diff.ours;
    private final BitSet differing = diff.differing;
    private final Finds findings = new Finds();

    /// Runs of blocks that are still to be read, those that are asked for together in one list.
    private final ArrayDeque<List<int[]>> reads = new ArrayDeque<>();

    private final PulledBlocks pulled = new PulledBlocks();
    private int reading;
    private int attempts;

    /// Counts the comparisons: answers to reads of an earlier one are dropped.
    private int round;

    private int probes;

    /// The version that the chunk must have here when blocks are put; the next block to be put.
    private long expected;

    private int nextPut;
    private boolean pinned;
    private boolean ended;

    /// There was no space for all that differs: the rest comes another time.
    private boolean partly;

    /// Rounds of copying while writes go on that may still come; 0: they wait.
    private int aheadRounds;

    ChunkPull(
            DiskServer disk,
            Pulls pulls,
            ChunkKey key,
            int pg,
            int sourceDiskId,
            @Nullable BitSet bad,
            PullPurpose purpose) {
        this.disk = disk;
        this.pulls = pulls;
        this.key = key;
        this.pg = pg;
        this.epoch = disk.epoch(pg);
        this.sourceDiskId = sourceDiskId;
        this.bad = bad;
        this.purpose = purpose;
    }

    ChunkKey key() {
        return key;
    }

    void start() {
        if (bad == null && purpose.sourceWins()) {
            aheadRounds = Limits.PULL_AHEAD_ROUNDS;
            askBlocks(false);
        } else {
            askForGood();
        }
    }

    private boolean isAhead() {
        return aheadRounds > 0;
    }

    /// Writes wait from now on.
    private void askForGood() {
        aheadRounds = 0;
        attempts = 0;
        forget();
        if (bad == null) {
            disk.holds().pin(key);
            pinned = true;
        }
        askBlocks(purpose.noted() != 0);
    }

    void cancel() {
        end(Result.CANCELLED);
    }

    private void askBlocks(boolean versionOnly) {
        if (attempts++ > Limits.PULL_ATTEMPTS_MAX) {
            if (isAhead()) {
                askForGood();
            } else {
                end(Result.CHANGED);
            }
            return;
        }
        round++;
        int of = round;
        if (isAhead()) {
            pulls.share()
                    .ask(Limits.PULL_TABLE_BLOCKS, 0, permit -> askBlocks(versionOnly, of, permit));
        } else {
            askBlocks(versionOnly, of, null);
        }
    }

    private void askBlocks(boolean versionOnly, int of, FairShare.@Nullable Permit permit) {
        if (ended || of != round) {
            end(permit);
            return;
        }
        Frame f = disk.frames().take();
        int type = MessageType.BLOCKS;
        ChunkRequest.encode(f, type, 0, key.volumeId(), key.chunkIndex(), pg, epoch, 0);
        f.flags(versionOnly ? ChunkRequest.VERSION_ONLY : 0);
        pulls.links()
                .ask(
                        sourceDiskId,
                        f,
                        reply -> {
                            end(permit);
                            onBlocks(reply, versionOnly);
                        });
    }

    private static void end(FairShare.@Nullable Permit permit) {
        if (permit != null) {
            permit.end();
        }
    }

    private void onBlocks(@Nullable Frame reply, boolean versionOnly) {
        if (endedOrPurged()) {
            return;
        }
        if (reply == null || reply.status() != Status.OK || !ChunkRequest.validReply(reply)) {
            end(Result.UNREACHABLE);
            return;
        }
        long version = ChunkRequest.replyVersion(reply);
        if (purpose.wanted() != 0 && version != purpose.wanted()) {
            end(Result.WRONG_VERSION);
        } else if (!isAhead() && Versions.compare(version, purpose.noted()) < 0) {
            probeAgain();
        } else if (isAhead() && (version == Versions.NONE || isHere(version))) {
            askForGood();
        } else if (bad == null && isHere(version)) {
            end(Result.DONE);
        } else if (versionOnly) {
            askBlocks(false);
        } else if (version == Versions.NONE) {
            drop();
        } else if (!BlockTables.valid(reply)) {
            end(Result.UNREACHABLE);
        } else {
            theirs.load(reply);
            loadOurs();
        }
    }

    private boolean isHere(long version) {
        return version == disk.version(key.volumeId(), key.chunkIndex());
    }

    /// The source has not got a write yet that was answered here; its client has surely sent it.
    private void probeAgain() {
        if (probes++ >= Limits.PULL_PROBES_MAX) {
            end(Result.NOT_REACHED);
            return;
        }
        attempts = 0;
        disk.loop()
                .schedule(
                        Limits.PULL_PROBE_NS,
                        () -> {
                            if (!ended) {
                                askBlocks(true);
                            }
                        });
    }

    /// The source has no such chunk: neither shall we, where it wins.
    private void drop() {
        if (!purpose.sourceWins()) {
            end(Result.CHANGED);
            return;
        }
        disk.store().dropChunk(key.volumeId(), key.chunkIndex());
        disk.counters().chunksDropped++;
        end(Result.DONE);
    }

    private void loadOurs() {
        ChunkStore.Chunk chunk = disk.store().chunk(key.volumeId(), key.chunkIndex());
        if (chunk == null) {
            ours.clear();
            compare();
            return;
        }
        ours.load(
                disk.store(),
                chunk,
                errno -> {
                    if (ended) {
                        return;
                    }
                    if (errno != 0) {
                        end(Result.CHANGED);
                    } else if (moved()) {
                        askBlocks(false);
                    } else {
                        compare();
                    }
                });
    }

    /// Whether the chunk here is another than the one that was compared.
    private boolean moved() {
        return disk.version(key.volumeId(), key.chunkIndex()) != ours.version;
    }

    private void compare() {
        if (isAhead()) {
            diff.compareData();
        } else if (bad == null) {
            diff.compareAll(findings);
        } else {
            diff.compareBad(bad, findings);
        }
        partly = purpose.sourceWins() && bad == null && diff.fitGrowth(this::fits);
        // So little that writes can wait for it.
        if (isAhead() && differing.cardinality() <= Limits.PULL_AHEAD_BLOCKS) {
            askForGood();
            return;
        }
        if (partly && differing.isEmpty()) {
            end(Result.NO_SPACE);
            return;
        }
        reads.clear();
        reads.addAll(diff.reads());
        readMore();
    }

    private boolean fits(int blocks) {
        long bytes = (long) blocks << Sizes.BLOCK_SHIFT;
        return purpose.sourceWins() ? disk.space().fitsCopy(bytes) : disk.space().fits(bytes);
    }

    private final class Finds implements ChunkDiff.Findings {
        @Override
        public void conflict(int block) {
            pulls.conflict(key, block, theirs.versions[block], sourceDiskId);
        }

        @Override
        public void better(int block) {
            disk.repairs().offer(key, pg, block, sourceDiskId);
        }
    }

    private void readMore() {
        while (!reads.isEmpty() && reading < Limits.PULL_READS_MAX) {
            List<int[]> runs = reads.remove();
            int of = round;
            reading++;
            int blocks = ChunkDiff.blocks(runs);
            if (isAhead()) {
                long bytes = blocks * (long) Sizes.BLOCK_BYTES;
                pulls.share().ask(blocks, bytes, permit -> read(runs, of, permit));
            } else {
                // Guests wait for it.
                read(runs, of, purpose.sourceWins() ? pulls.share().urgent(blocks) : null);
            }
        }
        if (reading == 0) {
            apply();
        }
    }

    /// @param of the round that it belongs to
    private void read(List<int[]> runs, int of, FairShare.@Nullable Permit permit) {
        if (ended || of != round) {
            end(permit);
            return;
        }
        int[] left = {runs.size()};
        for (int[] run : runs) {
            Frame f = disk.frames().take();
            long volumeId = key.volumeId();
            int chunk = key.chunkIndex();
            ReadRequest.encode(f, 0, volumeId, chunk, pg, epoch, 0, 0, run[0], run[1]);
            f.flags(ReadRequest.VERSIONS | (isAhead() ? ReadRequest.MAY_WAIT : 0));
            pulls.links()
                    .ask(
                            sourceDiskId,
                            f,
                            reply -> {
                                if (--left[0] == 0) {
                                    end(permit);
                                }
                                onRead(reply, run, of, left[0] == 0);
                            });
        }
    }

    /// @param last of those that were asked together
    private void onRead(@Nullable Frame reply, int[] range, int of, boolean last) {
        if (ended || of != round) {
            return;
        }
        if (reply == null || reply.status() != Status.OK || !ChunkDiff.valid(reply, range)) {
            end(Result.UNREACHABLE);
            return;
        }
        if (!diff.asTold(reply, range, pulls.crc(), isAhead())) {
            restart();
            return;
        }
        pulled.keep(disk.frames().take(), reply, range);
        if (last) {
            reading--;
            readMore();
        }
    }

    /// Something has moved on: everything read so far is dropped.
    private void restart() {
        forget();
        askBlocks(false);
    }

    // All blocks are here.

    private void apply() {
        expected = ours.version;
        nextPut = 0;
        if (!fits(diff.growing(0, Sizes.CHUNK_BLOCKS))) {
            end(Result.NO_SPACE);
            return;
        }
        putMore();
    }

    /// Puts blocks while the ring has room for them; the rest when it has again. Beside guests in
    /// small steps.
    private void putMore() {
        if (!isAhead() || pulls.share().guestsIdle()) {
            putMore(Sizes.CHUNK_BLOCKS);
            return;
        }
        pulls.share()
                .ask(
                        Limits.PULL_STEP_BLOCKS,
                        0,
                        permit -> {
                            putMore(Limits.PULL_STEP_BLOCKS);
                            // What it took shows in the next turn.
                            disk.loop().schedule(0, permit::end);
                        });
    }

    private void putMore(int most) {
        if (endedOrPurged()) {
            return;
        }
        Result permitted = disk.epoch(pg) == epoch ? purpose.permitted() : Result.CANCELLED;
        if (permitted != Result.DONE) {
            end(permitted);
            return;
        }
        if (disk.version(key.volumeId(), key.chunkIndex()) != expected) {
            restart();
            return;
        }
        int from = nextPut;
        while (differing.nextSetBit(nextPut) >= 0) {
            if (nextPut - from >= most) {
                putMore();
                return;
            }
            if (!disk.store().hasRoom(Limits.PULL_PUT_BYTES)) {
                disk.whenRoom(this::putMore);
                return;
            }
            // Others may have taken the space meanwhile. Only a recovery may stop half-way.
            if (purpose.sourceWins() && !fits(diff.growing(nextPut, Limits.PULL_PUT_BLOCKS))) {
                end(Result.NO_SPACE);
                return;
            }
            putSome();
        }
        if (isAhead()) {
            nextRound();
            return;
        }
        if (partly) {
            end(Result.NO_SPACE);
            return;
        }
        if (bad == null) {
            disk.store().setVersion(key.volumeId(), key.chunkIndex(), theirs.version);
            disk.counters().chunksCopied++;
        }
        end(Result.DONE);
    }

    private void nextRound() {
        if (--aheadRounds == 0 || partly) {
            askForGood();
        } else {
            attempts = 0;
            restart();
        }
    }

    /// Puts as many blocks as fit into what was found free.
    private void putSome() {
        ChunkStore store = disk.store();
        if (nextPut == 0 && bad == null) {
            if (theirs.generation == 0) {
                // The source has a header and no blocks.
                store.dropChunk(key.volumeId(), key.chunkIndex());
                differing.clear();
                return;
            }
            expected =
                    purpose.sourceWins() ? HALF_COPIED : Versions.of(0, disk.identity().diskId());
            store.setVersion(key.volumeId(), key.chunkIndex(), expected);
        }
        int n = differing.nextSetBit(nextPut);
        for (int put = 0; n >= 0 && put < Limits.PULL_PUT_BLOCKS; put++) {
            put(n);
            nextPut = n + 1;
            n = differing.nextSetBit(nextPut);
        }
    }

    private void put(int n) {
        boolean data = theirs.states[n] == BlockState.DATA;
        if (data && pulled.offset(n) >= 0) {
            putBlock(n, BlockState.DATA, pulled.data(n), pulled.offset(n));
            disk.counters().bytesCopied += Sizes.BLOCK_BYTES;
            if (bad != null) {
                purpose.repaired(n, sourceDiskId);
            }
        } else if (bad != null) {
            badThere(n);
        } else if (!data) {
            putBlock(n, theirs.states[n], null, 0);
        } else {
            // Bad at the source, too, and it alone had it: lost.
            putBlock(n, BlockState.LOST, null, 0);
            String from = " from=" + sourceDiskId;
            disk.event(Level.WARN, "block-copied-as-lost", Pulls.text(key, n) + from);
            // Unless the source can read it again one day.
            disk.repairs().add(key.volumeId(), key.chunkIndex(), pg, n, BlockState.LOST);
        }
    }

    /// A block that is to be repaired is bad at the source, too.
    private void badThere(int n) {
        if (!purpose.isLost(n)) {
            return;
        }
        if (ours.states[n] == BlockState.DATA) {
            putBlock(n, BlockState.LOST, null, 0);
        }
        disk.repairs().lost(key, n, ours.versions[n]);
    }

    private void putBlock(int n, int state, @Nullable Buf data, int offset) {
        BlockTables like = bad == null ? theirs : ours;
        disk.store()
                .copyBlock(
                        key.volumeId(),
                        key.chunkIndex(),
                        like.generation,
                        like.base,
                        n,
                        state,
                        theirs.versions[n],
                        theirs.crcs[n],
                        data,
                        offset);
    }

    /// Calls the pull off where the volume has been purged meanwhile: the source may not know it
    /// yet, and nobody would drop here what came from there now.
    private boolean endedOrPurged() {
        if (!ended && disk.purge().gone(key.volumeId())) {
            end(Result.CANCELLED);
        }
        return ended;
    }

    private void forget() {
        reading = 0;
        pulled.clear();
        reads.clear();
    }

    private void end(Result result) {
        if (ended) {
            return;
        }
        ended = true;
        forget();
        purpose.ended(result);
        // Only now: a write that waited may find that the chunk is to be compared again.
        if (pinned) {
            pinned = false;
            disk.holds().unpin(key);
        }
        pulls.ended(this);
    }
}
