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
import comet.wire.ReadReply;
import comet.wire.ReadRequest;
import comet.wire.Status;
import java.util.ArrayDeque;
import java.util.BitSet;
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

    /// Why a chunk is pulled. All calls come later, never inside [#start].
    interface Purpose {
        /// The source's state wins, whichever version is higher (recovery).
        default boolean sourceWins() {
            return false;
        }

        /// The version that the source must have reached before it can win; 0: any.
        default long noted() {
            return 0;
        }

        /// The version to be reached; 0: whatever the source has.
        default long wanted() {
            return 0;
        }

        /// Whether the change may still be made: asked at the moment of making it.
        default Result permitted() {
            return Result.DONE;
        }

        /// A block that was bad here is whole again.
        default void repaired(int block, int sourceDiskId) {}

        /// A block that is bad here is bad at the source, too. Whether it is lost then.
        default boolean isLost(int block) {
            return false;
        }

        void ended(Result result);
    }

    private final DiskServer disk;
    private final Pulls pulls;
    private final ChunkKey key;
    private final int pg;
    private final long epoch;
    private final int sourceDiskId;
    private final Purpose purpose;

    /// The blocks to be repaired, or null where the whole chunk is to become equal.
    private final @Nullable BitSet bad;

    private final BlockTables theirs = new BlockTables();
    private final BlockTables ours = new BlockTables();
    private final BitSet differing = new BitSet(Sizes.CHUNK_BLOCKS);
    private final ArrayDeque<int[]> ranges = new ArrayDeque<>();
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

    /// Rounds of copying while writes go on that may still come; 0: they wait.
    private int aheadRounds;

    ChunkPull(
            DiskServer disk,
            Pulls pulls,
            ChunkKey key,
            int pg,
            int sourceDiskId,
            @Nullable BitSet bad,
            Purpose purpose) {
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
        Frame f = disk.frames().take();
        int type = MessageType.BLOCKS;
        ChunkRequest.encode(f, type, 0, key.volumeId(), key.chunkIndex(), pg, epoch, 0);
        f.flags(versionOnly ? ChunkRequest.VERSION_ONLY : 0);
        pulls.links().ask(sourceDiskId, f, reply -> onBlocks(reply, versionOnly));
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
        differing.clear();
        for (int n = 0; n < Sizes.CHUNK_BLOCKS; n++) {
            if (differs(n)) {
                differing.set(n);
            }
        }
        if (isAhead() && !worthAhead()) {
            askForGood();
            return;
        }
        ranges.clear();
        int block = differing.nextSetBit(0);
        while (block >= 0) {
            int from = block;
            while (block < Sizes.CHUNK_BLOCKS
                    && differing.get(block)
                    && theirs.states[block] == BlockState.DATA
                    && block - from < Limits.PULL_READ_BLOCKS) {
                block++;
            }
            if (block > from) {
                ranges.add(new int[] {from, block - from});
            } else {
                block++;
            }
            block = differing.nextSetBit(block);
        }
        readMore();
    }

    /// Leaves only data; whether that is so much that writes should not wait for it.
    private boolean worthAhead() {
        for (int n = differing.nextSetBit(0); n >= 0; n = differing.nextSetBit(n + 1)) {
            if (theirs.states[n] != BlockState.DATA) {
                differing.clear(n);
            }
        }
        return differing.cardinality() > Limits.PULL_AHEAD_BLOCKS;
    }

    private boolean differs(int n) {
        boolean sameVersion = theirs.versions[n] == ours.versions[n];
        boolean bothData = theirs.states[n] == BlockState.DATA && ours.states[n] == BlockState.DATA;
        if (isAhead()) {
            return !sameVersion;
        }
        if (sameVersion && bothData && theirs.crcs[n] != ours.crcs[n]) {
            pulls.conflict(key, n, theirs.versions[n], sourceDiskId);
            return false;
        }
        boolean theirsLost = sameVersion && theirs.states[n] == BlockState.LOST;
        if (theirsLost && ours.states[n] == BlockState.DATA && (bad == null || !bad.get(n))) {
            disk.repairs().offer(key, pg, n, sourceDiskId);
        }
        if (bad != null) {
            return bad.get(n) && sameVersion && (theirsLost || theirs.states[n] == BlockState.DATA);
        }
        if (theirsLost) {
            // Ours is whole, or lost as well.
            return false;
        }
        return !sameVersion || theirs.states[n] != ours.states[n];
    }

    private void readMore() {
        while (!ranges.isEmpty() && reading < Limits.PULL_READS_MAX) {
            int[] range = ranges.remove();
            int of = round;
            reading++;
            long bytes = range[1] * (long) Sizes.BLOCK_BYTES;
            long wait = purpose.sourceWins() ? pulls.throttle(bytes) : 0;
            if (wait == 0 || pinned) {
                // Guests wait for it.
                read(range, of);
            } else {
                disk.loop().schedule(wait, () -> read(range, of));
            }
        }
        if (reading == 0) {
            apply();
        }
    }

    /// @param of the round that it belongs to
    private void read(int[] range, int of) {
        if (ended || of != round) {
            return;
        }
        Frame f = disk.frames().take();
        long volumeId = key.volumeId();
        int chunk = key.chunkIndex();
        ReadRequest.encode(f, 0, volumeId, chunk, pg, epoch, 0, 0, range[0], range[1]);
        f.flags(ReadRequest.VERSIONS);
        pulls.links().ask(sourceDiskId, f, reply -> onRead(reply, range, of));
    }

    private void onRead(@Nullable Frame reply, int[] range, int of) {
        if (ended || of != round) {
            return;
        }
        reading--;
        if (reply == null || reply.status() != Status.OK || !valid(reply, range)) {
            end(Result.UNREACHABLE);
            return;
        }
        if (!asTold(reply, range)) {
            restart();
            return;
        }
        pulled.keep(disk.frames().take(), reply, range);
        readMore();
    }

    private static boolean valid(Frame reply, int[] range) {
        return ReadReply.valid(reply)
                && ReadReply.blockCount(reply) == range[1]
                && (reply.flags() & ReadRequest.VERSIONS) != 0;
    }

    /// Whether the blocks are in the versions that the source told, with the right bytes; or not
    /// readable there any more. Ahead, those that are not are left out.
    private boolean asTold(Frame reply, int[] range) {
        int at = 0;
        for (int n = 0; n < range[1]; n++) {
            int block = range[0] + n;
            int state = ReadReply.state(reply, n);
            boolean told = ReadReply.blockVersion(reply, n) == theirs.versions[block];
            if (state == BlockState.DATA) {
                if (at == ReadReply.dataBlocks(reply)) {
                    return false;
                }
                int offset = reply.dataOffset() + at++ * Sizes.BLOCK_BYTES;
                int crc = pulls.crc().of(reply.data(), offset, Sizes.BLOCK_BYTES);
                told &= crc == theirs.crcs[block];
            } else {
                boolean gone = state == BlockState.CORRUPT || state == BlockState.LOST;
                told &= gone && !isAhead();
            }
            if (!told && !isAhead()) {
                return false;
            }
            if (!told) {
                differing.clear(block);
            }
        }
        return true;
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
        if (!disk.space().fits(pulled.bytes())) {
            end(Result.NO_SPACE);
            return;
        }
        putMore();
    }

    /// Puts blocks while the ring has room for them; the rest when it has again.
    private void putMore() {
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
        while (differing.nextSetBit(nextPut) >= 0) {
            if (!disk.store().hasRoom(Limits.PULL_PUT_BYTES)) {
                disk.whenRoom(this::putMore);
                return;
            }
            putSome();
        }
        if (isAhead()) {
            nextRound();
            return;
        }
        if (bad == null) {
            disk.store().setVersion(key.volumeId(), key.chunkIndex(), theirs.version);
            disk.counters().chunksCopied++;
        }
        end(Result.DONE);
    }

    private void nextRound() {
        if (--aheadRounds == 0) {
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
        ranges.clear();
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
