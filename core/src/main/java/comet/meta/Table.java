package comet.meta;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Things by id, each with the revision at which it last changed.
final class Table<K extends Comparable<K>, V> {
    private record Entry<V>(V value, long revision) {}

    private final TreeMap<K, Entry<V>> entries = new TreeMap<>();

    void put(K id, V value, long revision) {
        entries.put(id, new Entry<>(value, revision));
    }

    void remove(K id) {
        entries.remove(id);
    }

    @Nullable V get(K id) {
        Entry<V> entry = entries.get(id);
        return entry == null ? null : entry.value;
    }

    int size() {
        return entries.size();
    }

    List<V> values() {
        return changedAfter(-1);
    }

    List<V> changedAfter(long revision) {
        ArrayList<V> changed = new ArrayList<>();
        for (Entry<V> entry : entries.values()) {
            if (entry.revision > revision) {
                changed.add(entry.value);
            }
        }
        return changed;
    }
}
