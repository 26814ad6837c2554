package comet.replica;

import comet.base.Sizes;
import comet.store.ChunkStore;
import comet.wire.BlockState;
import comet.wire.ChunkRequest;
import comet.wire.Frame;
import java.util.Arrays;

/// What one replica knows of the 1,024 blocks of a chunk: version, state and checksum of each.
final class BlockTables {
    final long[] versions = new long[Sizes.CHUNK_BLOCKS];
    final int[] states = new int[Sizes.CHUNK_BLOCKS];
    final int[] crcs = new int[Sizes.CHUNK_BLOCKS];

    /// The version of the chunk to which it belongs, and its generation.
    long version;

    int generation;
    int base;

    void clear() {
        Arrays.fill(versions, 0);
        Arrays.fill(states, BlockState.ABSENT);
        Arrays.fill(crcs, 0);
        version = 0;
        generation = 0;
        base = 0;
    }

    /// Whether a BLOCKS_REPLY of the right form tells all blocks, in states that there are.
    static boolean valid(Frame reply) {
        for (int n = 0; n < ChunkRequest.blockCount(reply); n++) {
            int state = ChunkRequest.blockState(reply, n);
            if (state < BlockState.ABSENT || state > BlockState.LOST) {
                return false;
            }
        }
        return ChunkRequest.blockCount(reply) == Sizes.CHUNK_BLOCKS;
    }

    /// Takes over a valid BLOCKS_REPLY.
    void load(Frame reply) {
        clear();
        version = ChunkRequest.replyVersion(reply);
        generation = ChunkRequest.replyGeneration(reply);
        base = ChunkRequest.replyBase(reply);
        for (int n = 0; n < ChunkRequest.blockCount(reply); n++) {
            versions[n] = ChunkRequest.blockVersion(reply, n);
            crcs[n] = ChunkRequest.blockCrc(reply, n);
            states[n] = ChunkRequest.blockState(reply, n);
        }
    }

    /// Reads the chunk that is here.
    void load(ChunkStore store, ChunkStore.Chunk chunk, Loaded done) {
        clear();
        version = chunk.version();
        generation = chunk.generation();
        base = generation == 0 ? 0 : chunk.base(generation);
        store.blocks(
                chunk.volumeId(),
                chunk.chunkIndex(),
                0,
                new ChunkStore.BlocksVisitor() {
                    @Override
                    public void block(int block, int state, long blockVersion, int crc) {
                        versions[block] = blockVersion;
                        states[block] = state;
                        crcs[block] = crc;
                    }

                    @Override
                    public void end(int errno) {
                        done.loaded(errno);
                    }
                });
    }

    interface Loaded {
        void loaded(int errno);
    }
}
