package comet.volume;

import comet.base.LongObjectMap;
import comet.base.Sizes;
import comet.wire.BlockState;
import comet.wire.ChunkRequest;
import comet.wire.Frame;
import comet.wire.WriteRequest;
import org.jspecify.annotations.Nullable;

/// The states of blocks (two bits each, as in [BlockState]) of chunks that were asked about lately.
/// Kept up to date by the volume's own writes; the one not asked about for longest goes first.
final class BlockMaps {
    /// One chunk's map; linked from the one asked about last to the one to go next.
    static final class BlockMap {
        private final int chunkIndex;
        private final byte[] states;
        private @Nullable BlockMap newer;
        private @Nullable BlockMap older;

        private BlockMap(int chunkIndex, byte[] states) {
            this.chunkIndex = chunkIndex;
            this.states = states;
        }

        int state(int block) {
            return states[block >>> 2] >>> ((block & 3) << 1) & 3;
        }

        private void set(int block, int state) {
            int shift = (block & 3) << 1;
            states[block >>> 2] = (byte) (states[block >>> 2] & ~(3 << shift) | state << shift);
        }
    }

    private final int keptMax;
    private final LongObjectMap<BlockMap> maps = new LongObjectMap<>();
    private @Nullable BlockMap newest;
    private @Nullable BlockMap oldest;

    BlockMaps(int keptMax) {
        this.keptMax = keptMax;
    }

    static BlockMap of(int chunkIndex, Frame mapReply) {
        BlockMap map = new BlockMap(chunkIndex, new byte[ChunkRequest.MAP_BYTES]);
        for (int block = 0; block < Sizes.CHUNK_BLOCKS; block++) {
            map.set(block, ChunkRequest.mapState(mapReply, block));
        }
        return map;
    }

    @Nullable BlockMap get(int chunkIndex) {
        BlockMap map = maps.get(chunkIndex);
        if (map != null && map != newest) {
            unlink(map);
            link(map);
        }
        return map;
    }

    void put(BlockMap map) {
        BlockMap before = maps.put(map.chunkIndex, map);
        if (before != null) {
            unlink(before);
        }
        link(map);
        if (maps.size() > keptMax && oldest != null) {
            maps.remove(oldest.chunkIndex);
            unlink(oldest);
        }
    }

    /// A write is complete.
    void onWrite(WritePart part) {
        BlockMap map = maps.isEmpty() ? null : maps.get(part.chunkIndex);
        if (map == null) {
            return;
        }
        int state =
                switch (part.op) {
                    case WriteRequest.OP_DATA -> BlockState.DATA;
                    case WriteRequest.OP_ZERO -> BlockState.ZERO;
                    default -> BlockState.ABSENT;
                };
        for (int n = 0; n < part.blockCount; n++) {
            map.set(part.firstBlock + n, state);
        }
    }

    int size() {
        return maps.size();
    }

    void clear() {
        maps.clear();
        newest = null;
        oldest = null;
    }

    private void link(BlockMap map) {
        map.older = newest;
        map.newer = null;
        if (newest != null) {
            newest.newer = map;
        }
        newest = map;
        if (oldest == null) {
            oldest = map;
        }
    }

    private void unlink(BlockMap map) {
        if (map.newer == null) {
            newest = map.older;
        } else {
            map.newer.older = map.older;
        }
        if (map.older == null) {
            oldest = map.newer;
        } else {
            map.older.newer = map.newer;
        }
        map.newer = null;
        map.older = null;
    }
}
