package comet.store;

import static org.assertj.core.api.Assertions.assertThat;

import comet.base.Crc;
import comet.base.Sizes;
import comet.wire.BlockState;
import comet.wire.Frame;
import comet.wire.ReadReply;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Everything that a disk says it holds, found out by its own methods: listings, block tables, and
/// all data read and compared with the table.
final class Observed {
    private static final int WINDOW = 64;

    /// A chunk with the block tables of its generations, newest first.
    private static final class Chunk {
        long version;
        final List<Integer> generations = new ArrayList<>();
        final List<Model.Block[]> tables = new ArrayList<>();
    }

    private final StoreRig rig;
    private final TreeMap<Model.Key, Chunk> chunks = new TreeMap<>();

    private Observed(StoreRig rig) {
        this.rig = rig;
    }

    static Observed of(StoreRig rig) {
        Observed observed = new Observed(rig);
        for (long volume = 1; volume <= 4; volume++) {
            observed.addVolume(volume);
        }
        return observed;
    }

    private void addVolume(long volumeId) {
        List<ChunkStore.Chunk> found = new ArrayList<>();
        rig.disk().chunksOfVolume(volumeId, 0, found::add);
        for (ChunkStore.Chunk chunk : found) {
            Chunk seen = new Chunk();
            seen.version = chunk.version();
            Model.Key key = new Model.Key(volumeId, chunk.chunkIndex());
            chunks.put(key, seen);
            for (int g = chunk.generation(); g != 0; g = chunk.base(g)) {
                seen.generations.add(g);
            }
            for (int generation : seen.generations) {
                seen.tables.add(rig.table(key.volumeId(), key.chunkIndex(), generation));
            }
            if (!seen.tables.isEmpty()) {
                compareData(key, seen.tables.getFirst());
            }
        }
    }

    private void compareData(Model.Key key, Model.Block[] table) {
        Crc crc = new Crc();
        for (int first = 0; first < Sizes.CHUNK_BLOCKS; first += WINDOW) {
            boolean any = false;
            for (int i = 0; i < WINDOW; i++) {
                any |= table[first + i].version() != 0;
            }
            if (!any) {
                continue;
            }
            Frame reply = rig.read(key.volumeId(), key.chunkIndex(), first, WINDOW);
            int at = reply.dataOffset();
            for (int i = 0; i < WINDOW; i++) {
                Model.Block block = table[first + i];
                assertThat(ReadReply.state(reply, i))
                        .as("state of block %s of %s: %s", first + i, key, block)
                        .isEqualTo(block.state());
                assertThat(ReadReply.blockVersion(reply, i)).isEqualTo(block.version());
                if (block.state() == BlockState.DATA) {
                    assertThat(crc.of(reply.data(), at, Sizes.BLOCK_BYTES)).isEqualTo(block.crc());
                    at += Sizes.BLOCK_BYTES;
                }
            }
            reply.release();
        }
    }

    /// What differs from a model, or null.
    @Nullable String difference(Model expected) {
        if (!chunks.keySet().equals(expected.chunks.keySet())) {
            return "chunks " + chunks.keySet() + " instead of " + expected.chunks.keySet();
        }
        for (var entry : expected.chunks.entrySet()) {
            Chunk seen = chunks.get(entry.getKey());
            String difference = seen == null ? "missing" : difference(seen, entry.getValue());
            if (difference != null) {
                return entry.getKey() + ": " + difference;
            }
        }
        for (var fence : expected.fences.entrySet()) {
            if (rig.disk().fence(fence.getKey()) != fence.getValue()) {
                return "fence of " + fence.getKey();
            }
        }
        for (var note : expected.notes.entrySet()) {
            if (!java.util.Arrays.equals(rig.disk().note(note.getKey()), note.getValue())) {
                return "note " + note.getKey();
            }
        }
        return null;
    }

    private static @Nullable String difference(Chunk seen, Model.Chunk expected) {
        if (seen.version != expected.version) {
            return "version " + seen.version + " instead of " + expected.version;
        }
        if (!seen.generations.equals(List.copyOf(expected.bases.descendingKeySet()))) {
            return "generations " + seen.generations + " instead of " + expected.bases;
        }
        for (int n = 0; n < seen.generations.size(); n++) {
            int generation = seen.generations.get(n);
            for (int block = 0; block < Sizes.CHUNK_BLOCKS; block++) {
                Model.Block is = seen.tables.get(n)[block];
                Model.Block wanted = expected.block(generation, block);
                boolean same =
                        is.state() == wanted.state()
                                && is.version() == wanted.version()
                                && (is.state() != BlockState.DATA || is.crc() == wanted.crc());
                if (!same) {
                    return "generation "
                            + generation
                            + " block "
                            + block
                            + " is "
                            + is
                            + " instead of "
                            + wanted;
                }
            }
        }
        return null;
    }
}
