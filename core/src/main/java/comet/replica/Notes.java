package comet.replica;

import comet.base.Versions;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The writes that a RECOVERING replica has answered in one epoch, per chunk the newest: none of
/// them may be rolled back, or missing, when the replica becomes IN_SYNC. An entry goes once the
/// source was seen to hold the write and the chunk here is equal to the source's. Bounded by the
/// chunks written during the recovery.
final class Notes {
    /// @param version the newest write of the chunk that was answered
    /// @param lane where it came from
    /// @param atNs when
    record Note(long version, WriteLane lane, long atNs) {}

    private final TreeMap<ChunkKey, Note> notes = new TreeMap<>();

    void add(ChunkKey key, long version, WriteLane lane, long nowNs) {
        Note before = notes.get(key);
        long newest =
                before != null && Versions.compare(before.version, version) > 0
                        ? before.version
                        : version;
        notes.put(key, new Note(newest, lane, nowNs));
    }

    /// The newest version answered, 0 where there is none.
    long version(ChunkKey key) {
        Note note = notes.get(key);
        return note == null ? Versions.NONE : note.version;
    }

    @Nullable Note get(ChunkKey key) {
        return notes.get(key);
    }

    void remove(ChunkKey key) {
        notes.remove(key);
    }

    int size() {
        return notes.size();
    }

    /// The notes of chunks behind `after` (null: from the first) up to `last` (null: to the end).
    SortedMap<ChunkKey, Note> between(@Nullable ChunkKey after, @Nullable ChunkKey last) {
        SortedMap<ChunkKey, Note> from = after == null ? notes : notes.tailMap(after, false);
        if (last == null) {
            return from;
        }
        return after == null ? notes.headMap(last, true) : notes.subMap(after, false, last, true);
    }
}
