package comet.sim;

import comet.base.Buf;
import comet.cluster.PgHash;
import comet.port.IoDone;
import comet.store.ChunkStore;
import comet.wire.Frame;
import org.jspecify.annotations.Nullable;

/// A disk's store, watched for what it is told to delete.
final class SimStore implements ChunkStore {
    private final ChunkStore store;
    private final Cluster cluster;
    private final int diskId;

    SimStore(ChunkStore store, Cluster cluster, int diskId) {
        this.store = store;
        this.cluster = cluster;
        this.diskId = diskId;
    }

    @Override
    public long dropChunk(long volumeId, int chunkIndex) {
        int pg = PgHash.of(volumeId, chunkIndex, cluster.options().pgCount());
        cluster.copies().onDrop(diskId, volumeId, chunkIndex, pg, cluster.meta().truth());
        return store.dropChunk(volumeId, chunkIndex);
    }

    @Override
    public @Nullable Chunk chunk(long volumeId, int chunkIndex) {
        return store.chunk(volumeId, chunkIndex);
    }

    @Override
    public void chunksOfVolume(long volumeId, int fromChunk, ChunkVisitor visitor) {
        store.chunksOfVolume(volumeId, fromChunk, visitor);
    }

    @Override
    public void chunksOfPg(int pg, long afterVolume, long afterChunk, ChunkVisitor visitor) {
        store.chunksOfPg(pg, afterVolume, afterChunk, visitor);
    }

    @Override
    public long fence(long volumeId) {
        return store.fence(volumeId);
    }

    @Override
    public void fences(long afterVolume, FenceVisitor visitor) {
        store.fences(afterVolume, visitor);
    }

    @Override
    public boolean hasRoom(long dataBytes) {
        return store.hasRoom(dataBytes);
    }

    @Override
    public void whenRoom(Runnable work) {
        store.whenRoom(work);
    }

    @Override
    public long write(Frame write) {
        return store.write(write);
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
            int crc,
            @Nullable Buf data,
            int dataOffset) {
        return store.copyBlock(
                volumeId,
                chunkIndex,
                generation,
                base,
                block,
                state,
                version,
                crc,
                data,
                dataOffset);
    }

    @Override
    public long setVersion(long volumeId, int chunkIndex, long version) {
        return store.setVersion(volumeId, chunkIndex, version);
    }

    @Override
    public long setFence(long volumeId, long term) {
        return store.setFence(volumeId, term);
    }

    @Override
    public void sync(long sequence, IoDone done, long token) {
        store.sync(sequence, done, token);
    }

    @Override
    public long appliedSequence() {
        return store.appliedSequence();
    }

    @Override
    public long durableSequence() {
        return store.durableSequence();
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
        store.read(volumeId, chunkIndex, snapshot, firstBlock, blockCount, reply, done, token);
    }

    @Override
    public void blocks(long volumeId, int chunkIndex, int generation, BlocksVisitor visitor) {
        store.blocks(volumeId, chunkIndex, generation, visitor);
    }

    @Override
    public boolean grant(long bytes, long besideBytes) {
        return store.grant(bytes, besideBytes);
    }

    @Override
    public void giveBack(long bytes) {
        store.giveBack(bytes);
    }

    @Override
    public boolean fits(long bytes, long besideBytes) {
        return store.fits(bytes, besideBytes);
    }

    @Override
    public boolean spaceIsComing() {
        return store.spaceIsComing();
    }

    @Override
    public void reclaim() {
        store.reclaim();
    }

    @Override
    public long usedBytes() {
        return store.usedBytes();
    }

    @Override
    public long capacityBytes() {
        return store.capacityBytes();
    }

    @Override
    public void putNote(String name, byte[] value) {
        store.putNote(name, value);
    }

    @Override
    public byte @Nullable [] note(String name) {
        boolean forgotten = cluster.canary() == Canary.FORGET_OWN_BOOK && name.startsWith("pgs-");
        return forgotten ? null : store.note(name);
    }

    @Override
    public boolean failed() {
        return store.failed();
    }
}
