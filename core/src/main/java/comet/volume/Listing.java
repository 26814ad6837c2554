package comet.volume;

import java.util.Arrays;

/// The chunks of one PG that a member lists, in ascending order, with their versions.
final class Listing {
    private int[] chunks = new int[8];
    private long[] versions = new long[8];
    private int size;

    int size() {
        return size;
    }

    int chunk(int n) {
        return chunks[n];
    }

    long version(int n) {
        return versions[n];
    }

    boolean holds(int chunk) {
        return Arrays.binarySearch(chunks, 0, size, chunk) >= 0;
    }

    void add(int chunk, long version) {
        if (size == chunks.length) {
            chunks = Arrays.copyOf(chunks, size * 2);
            versions = Arrays.copyOf(versions, size * 2);
        }
        chunks[size] = chunk;
        versions[size++] = version;
    }
}
