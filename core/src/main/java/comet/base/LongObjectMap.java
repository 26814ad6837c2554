package comet.base;

import org.jspecify.annotations.Nullable;

/// A map from longs to objects without boxing: open addressing, linear probing, removal by shifting
/// back (Knuth, "The Art of Computer Programming", volume 3, algorithm 6.4R). The order of [#keyAt]
/// depends only on what was put and removed. Not safe for several threads.
public final class LongObjectMap<V> {
    private static final int SLOTS_MIN = 16;

    private long[] keys = new long[SLOTS_MIN];
    private @Nullable Object[] values = new Object[SLOTS_MIN];
    private int size;

    public int size() {
        return size;
    }

    public boolean isEmpty() {
        return size == 0;
    }

    public @Nullable V get(long key) {
        return valueAt(slotOf(key));
    }

    /// @return what was there before
    public @Nullable V put(long key, V value) {
        int slot = slotOf(key);
        V before = valueAt(slot);
        keys[slot] = key;
        values[slot] = value;
        if (before == null && ++size * 2 > keys.length) {
            grow();
        }
        return before;
    }

    /// @return what was there
    public @Nullable V remove(long key) {
        int hole = slotOf(key);
        V before = valueAt(hole);
        if (before == null) {
            return null;
        }
        int mask = keys.length - 1;
        for (int at = hole + 1 & mask; values[at] != null; at = at + 1 & mask) {
            int home = home(keys[at], mask);
            boolean reachable = (at - home & mask) >= (at - hole & mask);
            if (reachable) {
                keys[hole] = keys[at];
                values[hole] = values[at];
                hole = at;
            }
        }
        values[hole] = null;
        size--;
        return before;
    }

    public void clear() {
        keys = new long[SLOTS_MIN];
        values = new Object[SLOTS_MIN];
        size = 0;
    }

    /// Number of slots, for a walk with [#valueAt] and [#keyAt]. The map must not change meanwhile.
    public int slots() {
        return keys.length;
    }

    /// The value in a slot, or null where the slot is empty.
    @SuppressWarnings("unchecked")
    public @Nullable V valueAt(int slot) {
        return (V) values[slot];
    }

    /// The key in a slot that is not empty.
    public long keyAt(int slot) {
        return keys[slot];
    }

    private int slotOf(long key) {
        int mask = keys.length - 1;
        int slot = home(key, mask);
        while (values[slot] != null && keys[slot] != key) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private static int home(long key, int mask) {
        return (int) Prng.mix(key) & mask;
    }

    private void grow() {
        long[] oldKeys = keys;
        @Nullable Object[] oldValues = values;
        keys = new long[oldKeys.length * 2];
        values = new Object[oldKeys.length * 2];
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldValues[i] != null) {
                int slot = slotOf(oldKeys[i]);
                keys[slot] = oldKeys[i];
                values[slot] = oldValues[i];
            }
        }
    }
}
