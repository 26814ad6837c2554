package comet.replica;

import comet.cluster.DiskFacts;
import comet.cluster.VolumeInfo;
import comet.cluster.VolumeInfo.Durability;
import comet.store.ChunkStore;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/// Who has opened a volume last at this disk, and what the catalogue said of it then: a note beside
/// the fence, in front of it in the journal, so that it is durable whenever the fence is. A
/// metadata group that is made anew learns from it who writes a volume, and of volumes that no copy
/// of the map has yet. Described in `docs/formats.md`.
final class VolumeNotes {
    private static final int HEAD_BYTES = 40;

    private VolumeNotes() {}

    private static String name(long volumeId) {
        return "volume-" + volumeId;
    }

    /// @param info null where the map here is older than the volume
    static void opened(
            ChunkStore store, long volumeId, long term, long gatewayId, @Nullable VolumeInfo info) {
        byte[] text = (info == null ? "" : info.name()).getBytes(StandardCharsets.UTF_8);
        ByteBuffer to =
                ByteBuffer.allocate(HEAD_BYTES + text.length).order(ByteOrder.LITTLE_ENDIAN);
        to.putLong(term).putLong(gatewayId);
        to.putLong(info == null ? 0 : info.sizeBytes());
        to.putLong(info == null ? 0 : info.createdAtMs());
        to.putLong(info == null || info.durability() == Durability.WRITE ? 1 : 0);
        to.put(text);
        store.putNote(name(volumeId), to.array());
    }

    /// The volume is no more.
    static void purged(ChunkStore store, long volumeId) {
        byte[] known = store.note(name(volumeId));
        if (known != null && known.length > 1) {
            store.putNote(name(volumeId), new byte[1]);
        }
    }

    static DiskFacts.@Nullable Opened read(ChunkStore store, long volumeId) {
        byte[] note = store.note(name(volumeId));
        if (note == null || note.length < HEAD_BYTES) {
            return null;
        }
        ByteBuffer from = ByteBuffer.wrap(note).order(ByteOrder.LITTLE_ENDIAN);
        int bytes = note.length - HEAD_BYTES;
        return new DiskFacts.Opened(
                volumeId,
                from.getLong(0),
                from.getLong(8),
                from.getLong(16),
                from.getLong(24),
                from.getLong(32) == 0 ? Durability.FLUSH : Durability.WRITE,
                new String(note, HEAD_BYTES, bytes, StandardCharsets.UTF_8));
    }
}
