package comet.store;

import comet.wire.BlockState;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// What a disk should hold, in the plainest way.
final class Model {
    record Key(long volumeId, int chunkIndex) implements Comparable<Key> {
        @Override
        public int compareTo(Key other) {
            int byVolume = Long.compare(volumeId, other.volumeId);
            return byVolume != 0 ? byVolume : Integer.compare(chunkIndex, other.chunkIndex);
        }
    }

    record Block(int state, long version, int crc) {
        static final Block ABSENT = new Block(BlockState.ABSENT, 0, 0);
    }

    /// One chunk: generations with their base, and each one's own blocks.
    static final class Chunk {
        long version;
        final TreeMap<Integer, Integer> bases = new TreeMap<>();
        final TreeMap<Integer, TreeMap<Integer, Block>> blocks = new TreeMap<>();

        Chunk copy() {
            Chunk copy = new Chunk();
            copy.version = version;
            copy.bases.putAll(bases);
            blocks.forEach((generation, map) -> copy.blocks.put(generation, new TreeMap<>(map)));
            return copy;
        }

        void open(int generation, int base) {
            bases.putIfAbsent(generation, base);
            blocks.computeIfAbsent(generation, _ -> new TreeMap<>());
        }

        Block block(int generation, int block) {
            for (int g = generation; g != 0; g = bases.getOrDefault(g, 0)) {
                TreeMap<Integer, Block> own = blocks.get(g);
                Block found = own == null ? null : own.get(block);
                if (found != null) {
                    return found;
                }
            }
            return Block.ABSENT;
        }

        int newest() {
            return bases.isEmpty() ? 0 : bases.lastKey();
        }
    }

    final TreeMap<Key, Chunk> chunks = new TreeMap<>();
    final TreeMap<Long, Long> fences = new TreeMap<>();
    final TreeMap<String, byte[]> notes = new TreeMap<>();

    Model copy() {
        Model copy = new Model();
        chunks.forEach((key, chunk) -> copy.chunks.put(key, chunk.copy()));
        copy.fences.putAll(fences);
        copy.notes.putAll(notes);
        return copy;
    }

    @Nullable Chunk chunk(long volumeId, int chunkIndex) {
        return chunks.get(new Key(volumeId, chunkIndex));
    }

    Chunk make(long volumeId, int chunkIndex) {
        return chunks.computeIfAbsent(new Key(volumeId, chunkIndex), _ -> new Chunk());
    }
}
