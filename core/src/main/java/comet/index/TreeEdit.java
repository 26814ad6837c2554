package comet.index;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Makes the tree of a commit out of the one before and sorted changes: goes through the leaves
/// that are touched in order of their keys, merges their rows with the changes, and makes the
/// branches above them anew, each when all below it is done. What is not touched is shared by both
/// trees.
///
/// New nodes are cut to about the same size; one with less than a quarter of a page takes in the
/// one to its right below the same branch (the last one of a branch stays small); one without
/// anything goes. A step does a bounded amount of work.
final class TreeEdit implements LeafBuilder.Sink {
    private static final int ROWS_PER_STEP = 256;

    private final PageSpace space;
    private final PageWriter writer;
    private final LeafBuilder builder;
    private final LeafReader reader;
    private final ChangeSet changes;
    private final List<Frame> frames = new ArrayList<>();
    private int next;

    // The leaf being merged.
    private boolean inLeaf;
    private boolean hasOld;
    private byte @Nullable [] leafBound;

    private int[] freed = new int[256];
    private int freedCount;
    private boolean done;
    private @Nullable Node root;

    TreeEdit(
            @Nullable Node root,
            ChangeSet changes,
            PageSpace space,
            PageWriter writer,
            LeafBuilder builder,
            LeafReader reader) {
        this.changes = changes;
        this.space = space;
        this.writer = writer;
        this.builder = builder;
        this.reader = reader;
        frames.add(Frame.above(root));
    }

    /// Pages that one step may take at most: rows of 512 bytes go eight to a page, children of 265
    /// bytes fifteen, and a branch has not many more children than it had and leaves were added.
    static int pagesPerStep(int changeCount) {
        return 64 + changeCount / 64;
    }

    boolean isDone() {
        return done;
    }

    /// Of the new tree.
    @Nullable Node root() {
        return root;
    }

    /// Pages that the new tree does not reach.
    int freedCount() {
        return freedCount;
    }

    int freed(int n) {
        return freed[n];
    }

    /// @return about how many nanoseconds of work it was
    int step() {
        if (inLeaf) {
            return mergeRows();
        }
        Frame top = frames.getLast();
        if (next < changes.count() && top.covers(changes.key(next))) {
            return descend(top);
        }
        return finish(top);
    }

    private int descend(Frame top) {
        int child = top.childFor(changes.key(next));
        if (child < 0) {
            builder.start(top.lower);
            inLeaf = true;
            hasOld = false;
            leafBound = null;
            return 100;
        }
        int kept = child - top.at;
        top.keepUntil(child);
        Node node = top.branch().child(child);
        top.at = child + 1;
        if (node instanceof Branch branch) {
            free(branch.page);
            frames.add(new Frame(branch, top.keyAt(child), top.boundAt(child)));
        } else if (node instanceof Leaf leaf) {
            builder.start(top.keyAt(child));
            open(leaf, top.boundAt(child));
        }
        return 200 + 30 * kept;
    }

    private void open(Leaf leaf, byte @Nullable [] bound) {
        free(leaf.page);
        reader.start(leaf);
        hasOld = reader.next();
        leafBound = bound;
        inLeaf = true;
    }

    private int mergeRows() {
        int rows = 0;
        while (rows < ROWS_PER_STEP) {
            boolean change = next < changes.count() && isInLeaf(changes.key(next));
            if (!change && !hasOld) {
                return 40 * rows + endLeaf();
            }
            int order = hasOld ? change ? compare() : -1 : 1;
            if (order < 0) {
                builder.add(
                        reader.key,
                        reader.keyBytes,
                        reader.valueBytes,
                        reader.leaf,
                        reader.payloadAt);
                hasOld = reader.next();
            } else {
                if (order == 0) {
                    freeValue();
                    hasOld = reader.next();
                }
                addChange(next++);
            }
            rows++;
        }
        builder.spill(this);
        return 40 * rows;
    }

    private int compare() {
        byte[] key = changes.key(next);
        return Arrays.compareUnsigned(reader.key, 0, reader.keyBytes, key, 0, key.length);
    }

    private boolean isInLeaf(byte[] key) {
        return leafBound == null || Arrays.compareUnsigned(key, leafBound) < 0;
    }

    private void addChange(int n) {
        if (!changes.deletes(n)) {
            byte[] key = changes.key(n);
            builder.add(
                    key,
                    key.length,
                    changes.value(n).length,
                    changes.payload(n),
                    changes.payloadAt(n));
        }
    }

    private int endLeaf() {
        Frame top = frames.getLast();
        boolean small = builder.total() > 0 && builder.total() < Layout.SMALL_BYTES;
        if (small && top.hasNext() && top.branch().child(top.at) instanceof Leaf neighbour) {
            int child = top.at++;
            open(neighbour, top.boundAt(child));
            return 100;
        }
        builder.finish(this);
        inLeaf = false;
        return 5000;
    }

    @Override
    public void leaf(byte[] lowerKey, byte[] page) {
        int number = space.allocate();
        int crc = writer.put(number, page, 0, page.length);
        frames.getLast().add(lowerKey, new Leaf(number, crc, page));
    }

    private int finish(Frame frame) {
        frame.keepUntil(frame.oldCount());
        if (frames.size() == 1) {
            finishRoot(frame);
            return 5000;
        }
        Frame parent = frames.get(frames.size() - 2);
        if (frame.isSmall()
                && parent.hasNext()
                && parent.branch().child(parent.at) instanceof Branch neighbour) {
            int child = parent.at++;
            free(neighbour.page);
            frame.goOn(neighbour, parent.keyAt(child), parent.boundAt(child));
            return 100;
        }
        frames.removeLast();
        emit(frame, parent);
        return 1000 + 60 * frame.nodes.size();
    }

    /// Makes branches of about the same size out of a frame's children.
    private void emit(Frame frame, Frame parent) {
        int left = frame.bytes();
        int from = 0;
        while (from < frame.nodes.size()) {
            int branches = (left + Layout.ROOM_BYTES - 1) / Layout.ROOM_BYTES;
            int wanted = branches <= 1 ? Layout.ROOM_BYTES : left / branches;
            BranchPage page = BranchPage.encode(frame, from, wanted);
            int number = space.allocate();
            int crc = writer.put(number, page.bytes(), 0, page.used());
            Branch branch = page.branch(frame, from, number, crc);
            parent.add(from == 0 ? frame.lower : frame.keys.get(from), branch);
            from += branch.count();
            left = Math.max(1, left - page.used() + Layout.HEADER_BYTES);
        }
    }

    private void finishRoot(Frame above) {
        Frame top = above;
        while (top.nodes.size() > 1) {
            Frame higher = Frame.empty();
            emit(top, higher);
            top = higher;
        }
        Node node = top.nodes.isEmpty() ? null : top.nodes.getFirst();
        while (node instanceof Branch branch && branch.count() == 1) {
            free(branch.page);
            node = branch.child(0);
        }
        root = node;
        done = true;
    }

    private void freeValue() {
        for (int i = 0; i < reader.refCount(); i++) {
            free(reader.refPage(i));
        }
    }

    private void free(int page) {
        if (freedCount == freed.length) {
            freed = Arrays.copyOf(freed, 2 * freedCount);
        }
        freed[freedCount++] = page;
    }
}
