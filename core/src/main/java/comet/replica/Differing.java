package comet.replica;

import comet.base.Versions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// The chunks of one recovery that are to be compared again or copied: handed out once each, those
/// that were written last, as far as versions tell, first. One that could not be made equal rests
/// for a while. Bounded by [Limits#DIFFERING_MAX] and the chunks written meanwhile.
final class Differing {
    private record Entry(ChunkKey key, long version) {}

    private static final Comparator<Entry> NEWEST_FIRST =
            (a, b) -> {
                int order = Versions.compare(b.version, a.version);
                return order != 0 ? order : a.key.compareTo(b.key);
            };

    private final TreeMap<ChunkKey, Entry> all = new TreeMap<>();
    private final TreeSet<Entry> queue = new TreeSet<>(NEWEST_FIRST);

    /// Chunks that rest, until when.
    private final TreeMap<ChunkKey, Long> resting = new TreeMap<>();

    /// Handed out and not yet back.
    private final TreeSet<ChunkKey> out = new TreeSet<>();

    /// @param version the newest that is known of the chunk, for the order only
    void add(ChunkKey key, long version) {
        Entry entry = new Entry(key, version);
        Entry before = all.put(key, entry);
        if (before != null) {
            queue.remove(before);
        }
        if (!out.contains(key) && !resting.containsKey(key)) {
            queue.add(entry);
        }
    }

    /// The next chunk to be looked at, or null.
    @Nullable ChunkKey next() {
        Entry entry = queue.pollFirst();
        if (entry == null) {
            return null;
        }
        out.add(entry.key);
        return entry.key;
    }

    /// The chunk is equal.
    void remove(ChunkKey key) {
        Entry entry = all.remove(key);
        if (entry != null) {
            queue.remove(entry);
        }
        resting.remove(key);
        out.remove(key);
    }

    /// It could not be made equal: not again before `untilNs`.
    void rest(ChunkKey key, long untilNs) {
        out.remove(key);
        resting.put(key, untilNs);
    }

    /// Ends the rest of those whose time has come.
    void wake(long nowNs) {
        List<ChunkKey> awake = new ArrayList<>();
        resting.forEach((key, until) -> {
            if (until <= nowNs) {
                awake.add(key);
            }
        });
        for (ChunkKey key : awake) {
            resting.remove(key);
            Entry entry = all.get(key);
            if (entry != null) {
                queue.add(entry);
            }
        }
    }

    Set<ChunkKey> resting() {
        return resting.keySet();
    }

    boolean isEmpty() {
        return all.isEmpty();
    }

    int size() {
        return all.size();
    }
}
