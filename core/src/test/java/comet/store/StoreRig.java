package comet.store;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Buf;
import comet.base.BufPool;
import comet.base.Check;
import comet.base.Crc;
import comet.base.Prng;
import comet.base.Sizes;
import comet.port.Events;
import comet.store.fake.MemIndex;
import comet.store.fake.MemMedia;
import comet.store.fake.TestLoop;
import comet.wire.BlockState;
import comet.wire.Frame;
import comet.wire.FramePool;
import comet.wire.ReadReply;
import comet.wire.ReadRequest;
import comet.wire.WriteRequest;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A disk in memory with a model beside it. Each change goes to both; the model's state after every
/// change is kept, because what survives a crash has to be one of them: a prefix of the changes
/// that contains all that were synced.
final class StoreRig {
    static final DiskIdentity IDENTITY = new DiskIdentity(1, 2, 3, 4, 5, 8);

    final StoreConfig config;
    final Prng prng;
    TestLoop loop = new TestLoop();
    MemMedia media;
    MemIndex index;
    BufPool pool = new BufPool(64 << 20);
    FramePool frames = new FramePool();
    final List<String> events = new ArrayList<>();
    final Events eventSink =
            (level, code, details) -> events.add(level + " " + code + " " + details);
    private @Nullable Disk disk;

    Model model = new Model();

    /// States after each change since the last start, the one at the start first.
    List<Model> history = new ArrayList<>();

    List<Long> sequences = new ArrayList<>();
    int syncedChanges;
    private final Crc crc = new Crc();

    StoreRig(StoreConfig config, long seed) {
        this.config = config;
        prng = new Prng(seed);
        media = new MemMedia(loop, prng.fork(), 256L << 20);
        index = new MemIndex(loop, media);
    }

    /// The same folder, after a crash, with another configuration.
    StoreRig with(StoreConfig other) {
        StoreRig rig = new StoreRig(other, prng.nextLong());
        rig.loop = loop;
        rig.media = media;
        rig.index = index;
        rig.model = model;
        return rig;
    }

    StoreRig formatted() {
        String[] error = {"no answer"};
        Disk.format(media, IDENTITY, config, pool, e -> error[0] = e);
        loop.runUntil(() -> !"no answer".equals(error[0]));
        assertThat(error[0]).isNull();
        return this;
    }

    Disk disk() {
        Disk open = disk;
        if (open == null) {
            throw Check.failed("not open");
        }
        return open;
    }

    boolean isOpen() {
        return disk != null;
    }

    /// Opens the disk; the error if it is refused, null if it is open, or the loop died.
    @Nullable String tryOpen() {
        String[] error = new String[1];
        boolean[] answered = new boolean[1];
        Disk.open(
                media,
                index,
                loop,
                pool,
                config,
                IDENTITY,
                eventSink,
                (opened, e) -> {
                    disk = opened;
                    error[0] = e;
                    answered[0] = true;
                });
        loop.runUntil(() -> answered[0]);
        startHistory();
        return error[0];
    }

    StoreRig open() {
        assertThat(tryOpen()).isNull();
        assertThat(disk).isNotNull();
        return this;
    }

    /// The group has given the disk a boot id: from then on a stop can be clean.
    StoreRig registered(long bootId) {
        try {
            disk().setBootId(bootId);
        } catch (comet.port.Media.MediaException e) {
            throw new AssertionError(e);
        }
        return this;
    }

    private void startHistory() {
        history = new ArrayList<>(List.of(model.copy()));
        sequences = new ArrayList<>(List.of(0L));
        syncedChanges = 0;
    }

    private long changed(long sequence) {
        history.add(model.copy());
        sequences.add(sequence);
        return sequence;
    }

    // Changes.

    void content(Buf buf, int offset, long seed) {
        Prng content = new Prng(seed);
        for (int i = 0; i < Sizes.BLOCK_BYTES; i += 8) {
            buf.bytes().putLong(offset + i, content.nextLong());
        }
    }

    /// Writes blocks with content that follows from chunk, version and block.
    long write(long volumeId, int chunk, int op, int first, int count) {
        return write(volumeId, chunk, op, first, count, 1, 0);
    }

    long write(long volumeId, int chunk, int op, int first, int count, int generation, int base) {
        Model.Chunk expected = model.make(volumeId, chunk);
        long version = expected.version + 1;
        Frame frame = WriteRequest.start(frames.take(), 1, op, count);
        WriteRequest.target(frame, volumeId, chunk, 0, 1);
        WriteRequest.versions(frame, expected.version, version, generation, base);
        WriteRequest.firstBlock(frame, first);
        expected.open(generation, base);
        if (op == WriteRequest.OP_DATA) {
            Buf buf = pool.take(count * Sizes.BLOCK_BYTES);
            for (int i = 0; i < count; i++) {
                content(
                        buf,
                        i * Sizes.BLOCK_BYTES,
                        version * 1_000_003 + chunk * 1024L + first + i);
                int blockCrc = crc.of(buf, i * Sizes.BLOCK_BYTES, Sizes.BLOCK_BYTES);
                WriteRequest.crc(frame, i, blockCrc);
                expected.blocks
                        .get(generation)
                        .put(first + i, new Model.Block(BlockState.DATA, version, blockCrc));
            }
            frame.data(buf, 0, count * Sizes.BLOCK_BYTES);
        } else {
            int state = op == WriteRequest.OP_ZERO ? BlockState.ZERO : BlockState.ABSENT;
            for (int i = 0; i < count; i++) {
                expected.blocks.get(generation).put(first + i, new Model.Block(state, version, 0));
            }
        }
        expected.version = version;
        assertThat(WriteRequest.valid(frame)).isTrue();
        long sequence = disk().write(frame);
        frame.release();
        return changed(sequence);
    }

    /// Copies one block as recovery does.
    long copy(long volumeId, int chunk, int generation, int block, int state, long version) {
        Model.Chunk expected = model.make(volumeId, chunk);
        expected.open(generation, 0);
        Buf buf = null;
        int blockCrc = 0;
        if (state == BlockState.DATA) {
            buf = pool.take(Sizes.BLOCK_BYTES);
            content(buf, 0, version * 77 + block);
            blockCrc = crc.of(buf, 0, Sizes.BLOCK_BYTES);
        }
        expected.blocks.get(generation).put(block, new Model.Block(state, version, blockCrc));
        long sequence =
                disk().copyBlock(
                                volumeId,
                                chunk,
                                generation,
                                0,
                                block,
                                state,
                                version,
                                blockCrc,
                                buf,
                                0);
        if (buf != null) {
            buf.release();
        }
        return changed(sequence);
    }

    long setVersion(long volumeId, int chunk, long version) {
        model.make(volumeId, chunk).version = version;
        return changed(disk().setVersion(volumeId, chunk, version));
    }

    long drop(long volumeId, int chunk) {
        model.chunks.remove(new Model.Key(volumeId, chunk));
        return changed(disk().dropChunk(volumeId, chunk));
    }

    long fence(long volumeId, long term) {
        model.fences.merge(volumeId, term, Math::max);
        return changed(disk().setFence(volumeId, term));
    }

    void note(String name, byte[] value) {
        model.notes.put(name, value);
        disk().putNote(name, value);
        changed(disk().appliedSequence());
    }

    // Waiting.

    /// Syncs everything; false where the loop died before the answer.
    boolean sync() {
        int[] result = {1};
        int changes = history.size() - 1;
        disk().sync(disk().appliedSequence(), (token, r) -> result[0] = r, 0);
        loop.runUntil(() -> result[0] <= 0);
        if (result[0] == 0) {
            syncedChanges = Math.max(syncedChanges, changes);
        }
        return result[0] == 0;
    }

    boolean checkpoint() {
        long before = disk().counters().checkpoints;
        disk().startCheckpoint();
        return loop.runUntil(() -> disk().counters().checkpoints > before);
    }

    void awaitRoom(long bytes) {
        while (!disk().hasRoom(bytes) && !loop.isDead()) {
            boolean[] woken = new boolean[1];
            disk().whenRoom(() -> woken[0] = true);
            boolean ran = loop.runUntil(() -> woken[0]);
            Check.that(ran || loop.isDead(), "no room, and nothing goes on");
        }
    }

    boolean close() {
        int[] result = {1};
        int changes = history.size() - 1;
        disk().close((token, r) -> result[0] = r, 0);
        loop.runUntil(() -> result[0] <= 0);
        if (result[0] == 0) {
            syncedChanges = changes;
            disk = null;
        }
        return result[0] == 0;
    }

    // Crashes.

    /// The machine stops and starts again with what was left; the disk is not opened yet.
    void crash(MemMedia.Crash kind) {
        loop.kill();
        Prng chance = prng.fork();
        TestLoop next = new TestLoop();
        MemMedia nextMedia = media.crash(next, chance, kind);
        index = index.crash(next, nextMedia, chance);
        media = nextMedia;
        loop = next;
        pool = new BufPool(64 << 20);
        disk = null;
    }

    /// The process is killed and started anew, the machine goes on; the disk is not opened yet.
    void restart() {
        loop.kill();
        TestLoop next = new TestLoop();
        media = media.restart(next, prng.fork());
        index = index.crash(next, media, prng);
        loop = next;
        pool = new BufPool(64 << 20);
        disk = null;
    }

    /// Finds out which of the changes survived: the state must be the one after some prefix that
    /// contains all synced ones. The model goes back to it.
    ///
    /// @return number of changes that survived
    int adoptSurvivors(List<Model> before, int synced) {
        Observed observed = Observed.of(this);
        String newest = "";
        for (int n = before.size() - 1; n >= synced; n--) {
            String difference = observed.difference(before.get(n));
            if (difference == null) {
                model = before.get(n).copy();
                startHistory();
                return n;
            }
            if (newest.isEmpty() || n == synced) {
                newest += "\n after change " + n + ": " + difference;
            }
        }
        throw new AssertionError(
                "no prefix of the changes from "
                        + synced
                        + " to "
                        + (before.size() - 1)
                        + " fits:"
                        + newest);
    }

    void check() {
        assertThat(Observed.of(this).difference(model)).isNull();
    }

    /// Reads blocks with their versions.
    Frame read(long volumeId, int chunk, int first, int count) {
        Frame reply = frames.take();
        ReadReply.start(reply, 1, 0, 1, 1, count, true);
        assertThat(reply.flags()).isEqualTo(ReadRequest.VERSIONS);
        int[] result = {1};
        disk().read(volumeId, chunk, 0, first, count, reply, (token, r) -> result[0] = r, 0);
        assertThat(result[0]).as("answers later").isEqualTo(1);
        loop.runUntil(() -> result[0] <= 0);
        assertThat(result[0]).isZero();
        assertThat(ReadReply.valid(reply)).isTrue();
        return reply;
    }

    /// What a chunk's generation says of each of its blocks.
    Model.Block[] table(long volumeId, int chunk, int generation) {
        Model.Block[] table = new Model.Block[Sizes.CHUNK_BLOCKS];
        int[] ended = {-1};
        disk().blocks(
                        volumeId,
                        chunk,
                        generation,
                        new ChunkStore.BlocksVisitor() {
                            @Override
                            public void block(int block, int state, long version, int crc) {
                                table[block] = new Model.Block(state, version, crc);
                            }

                            @Override
                            public void end(int errno) {
                                ended[0] = errno;
                            }
                        });
        loop.runUntil(() -> ended[0] >= 0);
        assertThat(ended[0]).isZero();
        return table;
    }

    int state(long volumeId, int chunk, int block) {
        Frame reply = read(volumeId, chunk, block, 1);
        int state = ReadReply.state(reply, 0);
        reply.release();
        return state;
    }
}
