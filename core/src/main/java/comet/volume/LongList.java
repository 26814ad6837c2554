package comet.volume;

import java.util.Arrays;

/// A growing list of longs.
final class LongList {
    private long[] items = new long[16];
    private int size;

    int size() {
        return size;
    }

    long get(int n) {
        return items[n];
    }

    void add(long item) {
        if (size == items.length) {
            items = Arrays.copyOf(items, size * 2);
        }
        items[size++] = item;
    }
}
