package comet.store;

import org.jspecify.annotations.Nullable;

/// A hash table from `long` to objects that does not box its keys. Open addressing, linear probing,
/// no removal: what it holds (volumes, fences) is few and lives as long as the disk. It cannot be
/// walked, so its order can matter to nobody.
final class LongTable<V> {
    private long[] keys = new long[64];
    private @Nullable Object[] values = new @Nullable Object[64];
    private int count;

    @Nullable V get(long key) {
        int mask = keys.length - 1;
        for (int i = slot(key, mask); ; i = i + 1 & mask) {
            Object value = values[i];
            if (value == null) {
                return null;
            }
            if (keys[i] == key) {
                @SuppressWarnings("unchecked")
                V found = (V) value;
                return found;
            }
        }
    }

    void put(long key, V value) {
        if (2 * (count + 1) > keys.length) {
            grow();
        }
        insert(key, value);
    }

    private void insert(long key, Object value) {
        int mask = keys.length - 1;
        int i = slot(key, mask);
        while (values[i] != null && keys[i] != key) {
            i = i + 1 & mask;
        }
        if (values[i] == null) {
            count++;
        }
        keys[i] = key;
        values[i] = value;
    }

    private void grow() {
        long[] oldKeys = keys;
        @Nullable Object[] oldValues = values;
        keys = new long[oldKeys.length * 2];
        values = new @Nullable Object[oldKeys.length * 2];
        count = 0;
        for (int i = 0; i < oldKeys.length; i++) {
            Object value = oldValues[i];
            if (value != null) {
                insert(oldKeys[i], value);
            }
        }
    }

    private static int slot(long key, int mask) {
        return (int) comet.base.Prng.mix(key) & mask;
    }
}
