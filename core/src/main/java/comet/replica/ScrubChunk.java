package comet.replica;

import comet.base.Sizes;
import comet.base.Versions;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.cluster.VolumeInfo;
import comet.port.Events.Level;
import comet.replica.ChunkPull.Result;
import comet.store.ChunkStore;
import comet.wire.BlockState;
import comet.wire.ChunkRequest;
import comet.wire.Frame;
import comet.wire.MessageType;
import comet.wire.ReadReply;
import comet.wire.Status;
import java.util.ArrayDeque;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/// Scrubs one chunk.
///
/// 1. Reads all its data, some blocks at a time, which checks them against their checksums. What is
///    bad goes to [Repairs]; when these have done what they can it is read once more, to tell what
///    is whole again.
/// 2. Where all members of the placement group are IN_SYNC: asks each other one for its version.
///    Where that is ours, the tables of both are of one moment of one history, and must say the
///    same of every block; a block that is lost there and whole here is offered. Anything else is a
///    bug of ours and changes nothing.
/// 3. Where the other's version is higher, and nobody has the volume open, the chunk here becomes
///    equal to it. While somebody has it open writes may be under way, and at its opening it is
///    levelled anyhow.
///
/// Nobody has a volume open where the map shows no attachment, and no term is known here that the
/// map does not know. Who opens it next has its term remembered here before it is told what is
/// here; so it is enough to look at both again at each step that changes the chunk: a levelling
/// that an opening overtakes stops where it is. Half-way the chunk has a version that is lower than
/// all others, as in every levelling: the opener finds it the lower one and levels it, or, where it
/// is the only one left, goes on from it, since what it mixes are two outcomes of writes that
/// nobody was told are complete. A writer that was detached by force and does not know it yet may
/// still write under its old term: its writes of the chunk wait, and are then found done, as if
/// they had come twice.
final class ScrubChunk {
    private final ScrubPg walk;
    private final DiskServer disk;
    private final ChunkKey key;
    private final Runnable done;
    private final BitSet bad = new BitSet();
    private final ArrayDeque<Integer> peers = new ArrayDeque<>();

    /// Reads the bad blocks for the second time.
    private boolean again;

    ScrubChunk(ScrubPg walk, ChunkKey key, Runnable done) {
        this.walk = walk;
        this.disk = walk.disk();
        this.key = key;
        this.done = done;
    }

    void start() {
        ChunkStore.Chunk chunk = disk.store().chunk(key.volumeId(), key.chunkIndex());
        if (chunk == null) {
            compare();
            return;
        }
        walk.tally().chunk();
        walk.ours().load(disk.store(), chunk, errno -> readFrom(errno == 0 ? 0 : -1));
    }

    private void end() {
        disk.loop().execute(done);
    }

    // 1. Reading.

    /// @param from the next block; -1: the index could not be read, and the disk fails by that
    private void readFrom(int from) {
        if (from < 0 || walk.stopped()) {
            end();
            return;
        }
        int[] states = walk.ours().states;
        int first = from;
        while (first < Sizes.CHUNK_BLOCKS && states[first] != BlockState.DATA) {
            if (states[first] == BlockState.LOST) {
                found(first, BlockState.LOST);
            }
            first++;
        }
        int end = first;
        while (end < Sizes.CHUNK_BLOCKS
                && end - first < Limits.SCRUB_READ_BLOCKS
                && states[end] == BlockState.DATA) {
            end++;
        }
        if (first < end) {
            read(first, end - first);
        } else {
            awaitRepairs(0);
        }
    }

    private void read(int first, int count) {
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
                            onRead(blocks, first, count, errno);
                            blocks.release();
                        },
                        0);
    }

    private void onRead(Frame blocks, int first, int count, int errno) {
        if (errno < 0) {
            end();
            return;
        }
        for (int n = 0; n < count; n++) {
            int state = ReadReply.state(blocks, n);
            if (again) {
                lookedAgain(first + n, state);
            } else if (Repairs.isBad(state)) {
                found(first + n, state);
            }
        }
        walk.tally().read(blocks.dataBytes() / Sizes.BLOCK_BYTES);
        Runnable next = again ? this::readBad : () -> readFrom(first + count);
        walk.pace().after(blocks.dataBytes(), next);
    }

    private void found(int block, int state) {
        walk.tally().error();
        bad.set(block);
        disk.repairs().add(key.volumeId(), key.chunkIndex(), walk.pg(), block, state);
    }

    private void awaitRepairs(int polls) {
        if (bad.isEmpty() || walk.stopped()) {
            compare();
        } else if (polls < Limits.SCRUB_REPAIR_POLLS && disk.repairs().busy(key)) {
            disk.loop().schedule(Limits.SCRUB_REPAIR_POLL_NS, () -> awaitRepairs(polls + 1));
        } else {
            again = true;
            readBad();
        }
    }

    private void readBad() {
        int first = bad.nextSetBit(0);
        if (first < 0 || walk.stopped()) {
            compare();
            return;
        }
        int count = bad.nextClearBit(first) - first;
        read(first, Math.min(count, Limits.SCRUB_READ_BLOCKS));
    }

    private void lookedAgain(int block, int state) {
        bad.clear(block);
        if (Repairs.isBad(state)) {
            walk.tally().bad(walk.pg());
        } else {
            walk.tally().repaired();
        }
    }

    // 2. Comparing.

    private void compare() {
        if (!walk.stopped()) {
            peers.addAll(walk.peers());
        }
        nextPeer();
    }

    private void nextPeer() {
        Integer peer = walk.stopped() ? null : peers.poll();
        if (peer == null) {
            end();
        } else {
            ask(peer, true);
        }
    }

    private void ask(int peer, boolean versionOnly) {
        Frame f = disk.frames().take();
        int type = MessageType.BLOCKS;
        long epoch = disk.epoch(walk.pg());
        ChunkRequest.encode(f, type, 0, key.volumeId(), key.chunkIndex(), walk.pg(), epoch, 0);
        f.flags(versionOnly ? ChunkRequest.VERSION_ONLY : 0);
        disk.pulls().links().ask(peer, f, reply -> onReply(peer, reply, versionOnly));
    }

    private void onReply(int peer, @Nullable Frame reply, boolean versionOnly) {
        if (walk.stopped()) {
            end();
            return;
        }
        if (reply == null || reply.status() != Status.OK || !ChunkRequest.validReply(reply)) {
            walk.tally().uncompared();
            nextPeer();
            return;
        }
        long theirs = ChunkRequest.replyVersion(reply);
        long ours = disk.version(key.volumeId(), key.chunkIndex());
        if (theirs != ours) {
            differs(peer, theirs, ours);
        } else if (theirs == Versions.NONE) {
            nextPeer();
        } else if (versionOnly) {
            ask(peer, false);
        } else if (!BlockTables.valid(reply)) {
            walk.tally().uncompared();
            nextPeer();
        } else {
            walk.theirs().load(reply);
            loadOurs(peer);
        }
    }

    private void loadOurs(int peer) {
        ChunkStore.Chunk chunk = disk.store().chunk(key.volumeId(), key.chunkIndex());
        if (chunk == null) {
            nextPeer();
            return;
        }
        walk.ours()
                .load(
                        disk.store(),
                        chunk,
                        errno -> {
                            long now = disk.version(key.volumeId(), key.chunkIndex());
                            // A write may have come between: then it is none of one moment.
                            boolean same =
                                    now == walk.theirs().version && now == walk.ours().version;
                            if (errno == 0 && same && !walk.stopped()) {
                                compareTables(peer);
                            }
                            nextPeer();
                        });
    }

    private void compareTables(int peer) {
        BlockTables ours = walk.ours();
        BlockTables theirs = walk.theirs();
        int conflicts = 0;
        int first = 0;
        for (int n = 0; n < Sizes.CHUNK_BLOCKS; n++) {
            boolean lost = ours.states[n] == BlockState.LOST || theirs.states[n] == BlockState.LOST;
            boolean same =
                    ours.versions[n] == theirs.versions[n]
                            && (lost || ours.states[n] == theirs.states[n])
                            && (lost
                                    || ours.states[n] != BlockState.DATA
                                    || ours.crcs[n] == theirs.crcs[n]);
            if (!same && conflicts++ == 0) {
                first = n;
            }
            if (same && lost && ours.states[n] == BlockState.DATA) {
                disk.repairs().offer(key, walk.pg(), n, peer);
            }
        }
        if (conflicts > 0) {
            walk.tally().conflict();
            walk.tally().bad(walk.pg());
            disk.event(
                    Level.ERROR,
                    "checksum-conflict",
                    Pulls.text(key, first)
                            + " blocks="
                            + conflicts
                            + " version="
                            + Versions.text(ours.version)
                            + " with="
                            + peer);
        }
    }

    // 3. Levelling.

    /// Counted where it is older only, by whom it is to be put right.
    private void differs(int peer, long theirs, long ours) {
        if (!closed() || Versions.compare(theirs, ours) < 0) {
            nextPeer();
            return;
        }
        walk.tally().difference();
        if (theirs == ChunkPull.HALF_COPIED) {
            walk.tally().bad(walk.pg());
            nextPeer();
            return;
        }
        Catch up = new Catch(theirs);
        var pull = new ChunkPull(disk, disk.pulls(), key, walk.pg(), peer, null, up);
        disk.pulls().submit(pull, false);
    }

    /// Whether nobody has the volume open.
    private boolean closed() {
        VolumeInfo volume = disk.view().map().volume(key.volumeId());
        return volume != null
                && volume.attachment() == null
                && disk.store().fence(key.volumeId()) <= volume.lastTerm()
                && disk.fences().settled(key.volumeId());
    }

    /// The chunk becomes equal to a higher version.
    private final class Catch implements PullPurpose {
        private final long version;
        private final long fence;

        Catch(long version) {
            this.version = version;
            fence = disk.store().fence(key.volumeId());
        }

        @Override
        public long wanted() {
            return version;
        }

        @Override
        public Result permitted() {
            long here = disk.version(key.volumeId(), key.chunkIndex());
            boolean lower = Versions.compare(here, version) < 0;
            boolean untouched = fence == disk.store().fence(key.volumeId());
            return lower && untouched && closed() ? Result.DONE : Result.CHANGED;
        }

        @Override
        public void ended(Result result) {
            if (result == Result.DONE) {
                walk.tally().levelled();
                String what = "volume=" + key.volumeId() + " chunk=" + key.chunkIndex();
                String which = " version=" + Versions.text(version);
                disk.event(Level.INFO, "chunk-levelled", what + which);
            } else {
                walk.tally().bad(walk.pg());
            }
            nextPeer();
        }
    }

    /// Members to be compared with, or none where not all are IN_SYNC.
    static ArrayDeque<Integer> peers(DiskServer disk, int pg) {
        ArrayDeque<Integer> others = new ArrayDeque<>();
        PgConfig config = disk.view().map().pg(pg);
        for (PgConfig.Member member : config.members()) {
            if (member.state() != MemberState.IN_SYNC) {
                return new ArrayDeque<>();
            }
            if (member.diskId() != disk.identity().diskId()) {
                others.add(member.diskId());
            }
        }
        return config.epoch() == disk.epoch(pg) ? others : new ArrayDeque<>();
    }
}
