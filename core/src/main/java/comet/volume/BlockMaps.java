package comet.volume;

import comet.base.Sizes;
import comet.wire.BlockState;
import comet.wire.ChunkRequest;
import comet.wire.Frame;
import comet.wire.WriteRequest;
import java.util.Iterator;
import java.util.LinkedHashMap;
import org.jspecify.annotations.Nullable;

/// The states of blocks (two bits each, as in [BlockState]) of chunks that were asked about lately.
/// Kept up to date by the volume's own writes; the one not used for longest goes first.
final class BlockMaps {
    private final int keptMax;
    private final LinkedHashMap<Integer, byte[]> maps = new LinkedHashMap<>(16, 0.75f, true);

    BlockMaps(int keptMax) {
        this.keptMax = keptMax;
    }

    byte @Nullable [] get(int chunkIndex) {
        return maps.isEmpty() ? null : maps.get(chunkIndex);
    }

    static byte[] of(Frame mapReply) {
        byte[] map = new byte[ChunkRequest.MAP_BYTES];
        for (int block = 0; block < Sizes.CHUNK_BLOCKS; block++) {
            set(map, block, ChunkRequest.mapState(mapReply, block));
        }
        return map;
    }

    void put(int chunkIndex, byte[] map) {
        maps.put(chunkIndex, map);
        if (maps.size() > keptMax) {
            Iterator<byte[]> eldest = maps.values().iterator();
            eldest.next();
            eldest.remove();
        }
    }

    void onWrite(WritePart part) {
        byte[] map = get(part.chunkIndex);
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
            set(map, part.firstBlock + n, state);
        }
    }

    void clear() {
        maps.clear();
    }

    static int state(byte[] map, int block) {
        return map[block >>> 2] >>> ((block & 3) << 1) & 3;
    }

    private static void set(byte[] map, int block, int state) {
        int shift = (block & 3) << 1;
        map[block >>> 2] = (byte) (map[block >>> 2] & ~(3 << shift) | state << shift);
    }
}
