package comet.index;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A branch that is being made anew: its old children one after the other, and the new ones so far.
final class Frame {
    private static final byte[] LOWEST = {};

    private @Nullable Branch old;

    /// A lower bound of the old branch's keys, as its parent has it.
    private byte[] oldLower;

    /// Above all keys of the old branch; null: nothing is.
    private byte @Nullable [] bound;

    /// The next old child.
    int at;

    /// Of the first of the old branches whose place this takes.
    final byte[] lower;

    final List<byte[]> keys = new ArrayList<>();
    final List<Node> nodes = new ArrayList<>();
    private int bytes;

    Frame(@Nullable Branch old, byte[] lower, byte @Nullable [] bound) {
        this.old = old;
        this.lower = lower;
        this.bound = bound;
        oldLower = lower;
    }

    /// The place above the root, whose only child the root is.
    static Frame above(@Nullable Node root) {
        Branch above =
                root == null
                        ? null
                        : new Branch(
                                root.level + 1, 0, 0, new byte[][] {LOWEST}, new Node[] {root});
        return new Frame(above, LOWEST, null);
    }

    /// A level that is new.
    static Frame empty() {
        return new Frame(null, LOWEST, null);
    }

    boolean covers(byte[] key) {
        return bound == null || Arrays.compareUnsigned(key, bound) < 0;
    }

    int oldCount() {
        return old == null ? 0 : old.count();
    }

    boolean hasNext() {
        return at < oldCount();
    }

    Branch branch() {
        return java.util.Objects.requireNonNull(old);
    }

    int childFor(byte[] key) {
        return old == null ? -1 : old.childFor(key);
    }

    byte[] keyAt(int child) {
        return child == 0 ? oldLower : branch().keys[child];
    }

    byte @Nullable [] boundAt(int child) {
        return child + 1 < oldCount() ? branch().keys[child + 1] : bound;
    }

    /// Takes over the old children before `child` as they are.
    void keepUntil(int child) {
        while (at < child) {
            add(keyAt(at), branch().child(at));
            at++;
        }
    }

    void add(byte[] key, Node node) {
        int same =
                keys.isEmpty()
                        ? 0
                        : Layout.shared(keys.getLast(), 0, keys.getLast().length, key, key.length);
        bytes += 2 + key.length - same + Layout.REF_BYTES;
        keys.add(key);
        nodes.add(node);
    }

    /// Whether what there is should be put together with the branch beside it.
    boolean isSmall() {
        return !nodes.isEmpty() && bytes < Layout.SMALL_BYTES;
    }

    int bytes() {
        return bytes;
    }

    /// Goes on with the next branch's children.
    void goOn(Branch neighbour, byte[] neighbourLower, byte @Nullable [] neighbourBound) {
        old = neighbour;
        oldLower = neighbourLower;
        bound = neighbourBound;
        at = 0;
    }
}
