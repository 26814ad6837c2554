package comet.store;

import comet.base.Buf;
import comet.wire.Frame;
import org.jspecify.annotations.Nullable;

/// One disk's chunks as its replicas see them. A change is visible at once and durable after a
/// [#sync]; changes are numbered by the journal, and what is durable is always a prefix.
///
/// Owner thread: the disk's loop. Callbacks come later, never inside the call.
public interface ChunkStore {
    /// A chunk that exists here. Live view: valid until the chunk changes.
    interface Chunk {
        long volumeId();

        int chunkIndex();

        int pg();

        long version();

        /// Newest generation, 0 where there is none yet (only the header exists).
        int generation();

        /// The generation that `generation` was opened from, or 0.
        int base(int generation);
    }

    /// Told chunks in order of (volume, chunk). Returning false ends the walk.
    interface ChunkVisitor {
        boolean chunk(Chunk chunk);
    }

    /// Told fences in order of volume.
    interface FenceVisitor {
        boolean fence(long volumeId, long term);
    }

    /// Told the state of blocks when they are known: one call per block, then one `end`.
    interface BlocksVisitor {
        void block(int block, int state, long version, int crc);

        /// @param errno 0, or positive where the index could not be read
        void end(int errno);
    }

    @Nullable Chunk chunk(long volumeId, int chunkIndex);

    /// Chunks of a volume from `fromChunk` on.
    void chunksOfVolume(long volumeId, int fromChunk, ChunkVisitor visitor);

    /// Chunks of a PG behind (afterVolume, afterChunk); -1, -1 from the start.
    void chunksOfPg(int pg, long afterVolume, long afterChunk, ChunkVisitor visitor);

    /// The newest term seen of a volume, 0 if none.
    long fence(long volumeId);

    void fences(long afterVolume, FenceVisitor visitor);

    /// Whether a change with `dataBytes` of data fits into the ring now. Where not, see
    /// [#whenRoom]. Space in segments is a matter of [#grant].
    boolean hasRoom(long dataBytes);

    /// Runs `work` once when the ring has room again.
    void whenRoom(Runnable work);

    /// Applies a valid WRITE (see [comet.wire.WriteRequest]) to its chunk: blocks, version,
    /// generation. The frame stays the caller's; the store takes references to its data.
    ///
    /// What it takes is deducted from what was promised by [#grant], unless it is flagged as sent
    /// before; the other changes do not touch promises.
    ///
    /// @return the journal's sequence number of the change, for [#sync]; -1 where the disk has
    ///   failed and nothing was applied (so do all changes)
    long write(Frame write);

    /// Recovery: sets one block to what the source has (state, version, crc; data for DATA), in
    /// generation `generation` opened from `base`, without touching the chunk's version.
    long copyBlock(
            long volumeId,
            int chunkIndex,
            int generation,
            int base,
            int block,
            int state,
            long version,
            int crc,
            @Nullable Buf data,
            int dataOffset);

    /// Recovery and levelling: the chunk's version becomes `version`, up or down; makes the chunk
    /// where it does not exist.
    long setVersion(long volumeId, int chunkIndex, long version);

    /// Forgets a chunk and frees its space.
    long dropChunk(long volumeId, int chunkIndex);

    long setFence(long volumeId, long term);

    /// Calls back when every change up to `sequence` is durable; one sync serves all that wait. A
    /// negative result means that the disk has failed.
    void sync(long sequence, comet.port.IoDone done, long token);

    /// The last change applied, and the last one that is durable.
    long appliedSequence();

    long durableSequence();

    /// Reads blocks of the current state (snapshot 0) into a READ_REPLY: fills `reply`'s block
    /// states, crcs (and versions, if it was started with them) and attaches the data, checked
    /// against its checksums. The caller started the reply.
    ///
    /// @param done told 0, or a negative Errno where nothing could be read at all
    void read(
            long volumeId,
            int chunkIndex,
            int snapshot,
            int firstBlock,
            int blockCount,
            Frame reply,
            comet.port.IoDone done,
            long token);

    /// State, version and crc of all 1,024 blocks of a generation (0: the newest).
    void blocks(long volumeId, int chunkIndex, int generation, BlocksVisitor visitor);

    /// Promises `bytes` of space to a client, to be given back by [#giveBack] or used up by writes.
    ///
    /// @param besideBytes what must stay free beside it, also where it still has to be made
    /// @return false where less than that stays free beside what is promised and reserved
    boolean grant(long bytes, long besideBytes);

    default boolean grant(long bytes) {
        return grant(bytes, 0);
    }

    void giveBack(long bytes);

    /// Whether `bytes` find room that nobody was promised here, such as copies, and what was sent
    /// before: half of what is kept back from clients is for that.
    ///
    /// @param besideBytes as above
    boolean fits(long bytes, long besideBytes);

    /// Whether space is being made just now (a new file, a checkpoint that frees some): a grant
    /// that was refused may be given in a moment, so it is too early to say that the disk is full.
    default boolean spaceIsComing() {
        return false;
    }

    /// Space is short: starts to free what changes that are not in their place yet give up.
    default void reclaim() {}

    /// Bytes of segments in use, and in all that the disk may use.
    long usedBytes();

    long capacityBytes();

    /// Small values kept durably beside the chunks (copy of the map). Replaces what was there. Who
    /// puts more than one at a time asks [#hasRoom] for each.
    void putNote(String name, byte[] value);

    /// The value that was put last, or null. Not to be changed.
    default byte @Nullable [] note(String name) {
        return null;
    }

    /// Set once the disk has failed (an I/O or sync error): it applies nothing any more.
    boolean failed();
}
