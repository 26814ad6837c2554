package comet.replica;

import comet.base.Buf;
import comet.base.BufPool;
import comet.base.Crc;
import comet.base.Sizes;
import comet.port.Errno;
import comet.port.IoDone;
import comet.store.ChunkStore;
import comet.wire.BlockState;
import comet.wire.Frame;
import comet.wire.ReadReply;
import comet.wire.WriteRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// A disk in memory. Every change is kept in order, so that [#crash] can make the disk as it is
/// after a loss of power: the changes up to a point, at least those that were synced.
final class FakeStore implements ChunkStore {
    private static final class Block {
        int state;
        long version;
        int crc;
        byte @Nullable [] data;
    }

    private static final class FakeChunk implements Chunk {
        final ChunkKey key;
        final int pg;
        long version;
        int generation;
        final Block[] blocks = new Block[Sizes.CHUNK_BLOCKS];

        FakeChunk(ChunkKey key, int pg) {
            this.key = key;
            this.pg = pg;
            for (int n = 0; n < blocks.length; n++) {
                blocks[n] = new Block();
            }
        }

        @Override
        public long volumeId() {
            return key.volumeId();
        }

        @Override
        public int chunkIndex() {
            return key.chunkIndex();
        }

        @Override
        public int pg() {
            return pg;
        }

        @Override
        public long version() {
            return version;
        }

        @Override
        public int generation() {
            return generation;
        }

        @Override
        public int base(int generation) {
            return 0;
        }
    }

    private final TestLoop loop;
    private final BufPool bufs;
    private final int pgCount;
    private final Crc crc = new Crc();
    private final TreeMap<ChunkKey, FakeChunk> chunks = new TreeMap<>();
    private final TreeMap<Long, Long> fences = new TreeMap<>();
    private final TreeMap<String, byte[]> notes = new TreeMap<>();
    private final List<java.util.function.Consumer<FakeStore>> history = new ArrayList<>();
    private List<Runnable> roomWaiters = new ArrayList<>();
    private long durable;
    private long promised;
    long capacityBytes = 64L << 30;
    long roomBytes = Long.MAX_VALUE;
    long syncDelayNs = 100_000;

    /// How long a sync takes that waits for what a disk's book notes: most tests know no such time.
    long noteSyncNs;

    boolean failed;
    int syncs;
    private boolean noteWaits;

    FakeStore(TestLoop loop, BufPool bufs, int pgCount) {
        this.loop = loop;
        this.bufs = bufs;
        this.pgCount = pgCount;
    }

    /// The disk after a loss of power that kept the first `changesKept` changes.
    FakeStore crash(long changesKept) {
        FakeStore after = new FakeStore(loop, bufs, pgCount);
        after.capacityBytes = capacityBytes;
        for (int n = 0; n < changesKept; n++) {
            after.change(history.get(n));
        }
        after.durable = after.history.size();
        return after;
    }

    private long change(java.util.function.Consumer<FakeStore> change) {
        history.add(change);
        change.accept(this);
        return history.size();
    }

    private FakeChunk make(long volumeId, int chunkIndex) {
        ChunkKey key = new ChunkKey(volumeId, chunkIndex);
        return chunks.computeIfAbsent(
                key,
                _ -> new FakeChunk(key, comet.cluster.PgHash.of(volumeId, chunkIndex, pgCount)));
    }

    @Override
    public @Nullable Chunk chunk(long volumeId, int chunkIndex) {
        return chunks.get(new ChunkKey(volumeId, chunkIndex));
    }

    @Override
    public void chunksOfVolume(long volumeId, int fromChunk, ChunkVisitor visitor) {
        for (FakeChunk chunk :
                List.copyOf(chunks.tailMap(new ChunkKey(volumeId, fromChunk)).values())) {
            if (chunk.volumeId() != volumeId || !visitor.chunk(chunk)) {
                return;
            }
        }
    }

    @Override
    public void chunksOfPg(int pg, long afterVolume, long afterChunk, ChunkVisitor visitor) {
        for (FakeChunk chunk : List.copyOf(chunks.values())) {
            boolean behind =
                    chunk.volumeId() > afterVolume
                            || chunk.volumeId() == afterVolume && chunk.chunkIndex() > afterChunk;
            if (chunk.pg == pg && behind && !visitor.chunk(chunk)) {
                return;
            }
        }
    }

    @Override
    public long fence(long volumeId) {
        return fences.getOrDefault(volumeId, 0L);
    }

    @Override
    public void fences(long afterVolume, FenceVisitor visitor) {
        for (var fence : List.copyOf(fences.tailMap(afterVolume, false).entrySet())) {
            if (!visitor.fence(fence.getKey(), fence.getValue())) {
                return;
            }
        }
    }

    @Override
    public boolean hasRoom(long dataBytes) {
        return dataBytes <= roomBytes;
    }

    @Override
    public void whenRoom(Runnable work) {
        roomWaiters.add(work);
    }

    void makeRoom() {
        roomBytes = Long.MAX_VALUE;
        List<Runnable> now = roomWaiters;
        roomWaiters = new ArrayList<>();
        now.forEach(loop::execute);
    }

    @Override
    public long write(Frame f) {
        long volumeId = WriteRequest.volumeId(f);
        int chunkIndex = WriteRequest.chunkIndex(f);
        long version = WriteRequest.version(f);
        int first = WriteRequest.firstBlock(f);
        int count = WriteRequest.blockCount(f);
        int op = WriteRequest.op(f);
        int generation = WriteRequest.generation(f);
        if ((f.flags() & WriteRequest.RESEND) == 0) {
            promised -= op == WriteRequest.OP_DATA ? f.dataBytes() : Sizes.BLOCK_BYTES;
        }
        byte[][] data = new byte[count][];
        int[] crcs = new int[count];
        for (int n = 0; n < count && op == WriteRequest.OP_DATA; n++) {
            data[n] = bytes(f.data(), f.dataOffset() + n * Sizes.BLOCK_BYTES);
            crcs[n] = WriteRequest.crc(f, n);
        }
        return change(store -> {
            FakeChunk chunk = store.make(volumeId, chunkIndex);
            chunk.version = version;
            chunk.generation = generation;
            for (int n = 0; n < count; n++) {
                Block block = chunk.blocks[first + n];
                block.version = version;
                block.data = data[n];
                block.crc = crcs[n];
                block.state =
                        switch (op) {
                            case WriteRequest.OP_DATA -> BlockState.DATA;
                            case WriteRequest.OP_ZERO -> BlockState.ZERO;
                            default -> BlockState.ABSENT;
                        };
            }
        });
    }

    @Override
    public long copyBlock(
            long volumeId,
            int chunkIndex,
            int generation,
            int base,
            int block,
            int state,
            long version,
            int blockCrc,
            @Nullable Buf data,
            int dataOffset) {
        byte[] copied = data == null ? null : bytes(data, dataOffset);
        if (data != null && crc.of(data, dataOffset, Sizes.BLOCK_BYTES) != blockCrc) {
            throw new AssertionError("copied with the checksum of other data: block " + block);
        }
        return change(store -> {
            FakeChunk chunk = store.make(volumeId, chunkIndex);
            chunk.generation = Math.max(chunk.generation, generation);
            Block to = chunk.blocks[block];
            to.state = state;
            to.version = version;
            to.crc = blockCrc;
            to.data = copied;
        });
    }

    @Override
    public long setVersion(long volumeId, int chunkIndex, long version) {
        return change(store -> store.make(volumeId, chunkIndex).version = version);
    }

    @Override
    public long dropChunk(long volumeId, int chunkIndex) {
        return change(store -> store.chunks.remove(new ChunkKey(volumeId, chunkIndex)));
    }

    @Override
    public long setFence(long volumeId, long term) {
        return change(store -> store.fences.put(volumeId, term));
    }

    @Override
    public void sync(long sequence, IoDone done, long token) {
        if (noteWaits) {
            noteWaits = false;
            loop.schedule(noteSyncNs, () -> done.done(token, failed ? -Errno.EIO : 0));
            return;
        }
        syncs++;
        long covered = history.size();
        loop.schedule(
                syncDelayNs,
                () -> {
                    if (failed) {
                        done.done(token, -Errno.EIO);
                        return;
                    }
                    durable = Math.max(durable, covered);
                    done.done(token, 0);
                });
    }

    @Override
    public long appliedSequence() {
        return history.size();
    }

    @Override
    public long durableSequence() {
        return durable;
    }

    @Override
    public void read(
            long volumeId,
            int chunkIndex,
            int snapshot,
            int firstBlock,
            int blockCount,
            Frame reply,
            IoDone done,
            long token) {
        FakeChunk chunk = chunks.get(new ChunkKey(volumeId, chunkIndex));
        Buf out = bufs.take(blockCount * Sizes.BLOCK_BYTES);
        int at = 0;
        for (int n = 0; n < blockCount; n++) {
            Block block = chunk == null ? new Block() : chunk.blocks[firstBlock + n];
            int state = block.state;
            if (state == BlockState.DATA) {
                out.bytes().put(at, block.data);
                if (crc.of(out, at, Sizes.BLOCK_BYTES) == block.crc) {
                    at += Sizes.BLOCK_BYTES;
                } else {
                    state = BlockState.CORRUPT;
                }
            }
            ReadReply.block(reply, n, state, block.crc);
            if (reply.flags() != 0) {
                ReadReply.blockVersion(reply, n, block.version);
            }
        }
        ReadReply.dataBlocks(reply, at / Sizes.BLOCK_BYTES);
        if (at > 0) {
            reply.data(out, 0, at);
        } else {
            out.release();
        }
        loop.execute(() -> done.done(token, 0));
    }

    @Override
    public void blocks(long volumeId, int chunkIndex, int generation, BlocksVisitor visitor) {
        FakeChunk chunk = chunks.get(new ChunkKey(volumeId, chunkIndex));
        loop.execute(() -> {
            for (int n = 0; n < Sizes.CHUNK_BLOCKS; n++) {
                Block block = chunk == null ? new Block() : chunk.blocks[n];
                visitor.block(n, block.state, block.version, block.crc);
            }
            visitor.end(0);
        });
    }

    @Override
    public boolean grant(long bytes, long besideBytes) {
        if (failed || promised + bytes + besideBytes > capacityBytes - usedBytes()) {
            return false;
        }
        promised += bytes;
        return true;
    }

    @Override
    public void giveBack(long bytes) {
        promised -= bytes;
    }

    @Override
    public boolean fits(long bytes, long besideBytes) {
        return promised + bytes + besideBytes <= capacityBytes - usedBytes();
    }

    long promised() {
        return promised;
    }

    @Override
    public long usedBytes() {
        long blocks = 0;
        for (FakeChunk chunk : chunks.values()) {
            for (Block block : chunk.blocks) {
                blocks += block.data == null ? 0 : 1;
            }
        }
        return blocks * Sizes.BLOCK_BYTES;
    }

    @Override
    public long capacityBytes() {
        return capacityBytes;
    }

    @Override
    public void putNote(String name, byte[] value) {
        noteWaits |= name.startsWith("pgs-");
        change(store -> store.notes.put(name, value));
    }

    @Override
    public byte @Nullable [] note(String name) {
        return notes.get(name);
    }

    @Override
    public boolean failed() {
        return failed;
    }

    /// Flips a bit of a block's data under its checksum.
    void rot(long volumeId, int chunkIndex, int block) {
        FakeChunk chunk = Harness.some(chunks.get(new ChunkKey(volumeId, chunkIndex)));
        byte[] data = Harness.some(chunk.blocks[block].data);
        data[17] ^= 4;
    }

    void lose(long volumeId, int chunkIndex, int block) {
        FakeChunk chunk = Harness.some(chunks.get(new ChunkKey(volumeId, chunkIndex)));
        Block lost = chunk.blocks[block];
        lost.state = BlockState.LOST;
        lost.data = null;
    }

    /// Everything of a placement group that a reader could see, as text.
    String picture(int pg) {
        StringBuilder text = new StringBuilder();
        for (FakeChunk chunk : chunks.values()) {
            if (chunk.pg == pg) {
                text.append(chunk.key).append('@').append(Long.toHexString(chunk.version));
                for (int n = 0; n < chunk.blocks.length; n++) {
                    Block block = chunk.blocks[n];
                    if (block.version != 0 || block.state != BlockState.ABSENT) {
                        text.append(' ').append(n).append(':').append(block.state);
                        text.append('/').append(Long.toHexString(block.version));
                        int hash = block.data == null ? 0 : java.util.Arrays.hashCode(block.data);
                        text.append('/').append(Integer.toHexString(hash));
                    }
                }
                text.append('\n');
            }
        }
        return text.toString();
    }

    private static byte[] bytes(Buf data, int offset) {
        byte[] copy = new byte[Sizes.BLOCK_BYTES];
        data.bytes().get(offset, copy);
        return copy;
    }
}
