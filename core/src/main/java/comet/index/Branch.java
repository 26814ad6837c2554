package comet.index;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// A page with children. Its keys are kept decoded: there are few branches.
final class Branch extends Node {
    final byte[][] keys;
    private final @Nullable Node[] children;

    Branch(int level, int page, int crc, byte[][] keys, @Nullable Node[] children) {
        super(level, page, crc);
        this.keys = keys;
        this.children = children;
    }

    int count() {
        return keys.length;
    }

    Node child(int n) {
        return Objects.requireNonNull(children[n]);
    }

    /// At start, when a child has been read.
    void child(int n, Node node) {
        children[n] = node;
    }

    /// The child below which `key` is, if it is anywhere.
    int childFor(byte[] key) {
        int low = 0;
        int high = keys.length - 1;
        while (low < high) {
            int middle = low + high + 1 >>> 1;
            if (Arrays.compareUnsigned(keys[middle], key) <= 0) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }
}
