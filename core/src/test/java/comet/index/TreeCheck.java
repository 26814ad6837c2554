package comet.index;

import comet.base.Bytes;
import comet.base.Crc;
import comet.store.fake.MemMedia;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/// Checks a tree's inside: order and bounds of keys, checksums of what is on disk, that exactly the
/// pages that it reaches are in use, and that its nodes are not too empty.
final class TreeCheck {
    private final FlatIndex index;
    private final MemMedia media;
    private final BitSet reached = new BitSet();
    private final Crc crcs = new Crc();
    private @Nullable String error;

    private TreeCheck(FlatIndex index, MemMedia media) {
        this.index = index;
        this.media = media;
    }

    /// What is wrong, or null.
    static @Nullable String check(FlatIndex index, MemMedia media) {
        TreeCheck check = new TreeCheck(index, media);
        Node root = index.root();
        if (root != null) {
            check.node(root, null, null, true);
        }
        for (int page = 0; page < index.space().totalPages(); page++) {
            if (index.space().isUsed(page) != check.reached.get(page)) {
                return "page " + page + " used=" + index.space().isUsed(page);
            }
        }
        return check.error;
    }

    /// What is wrong with a tree's pages on disk, or null; also of one that is no more the newest.
    static @Nullable String onDisk(Node root, FlatIndex index, MemMedia media) {
        TreeCheck check = new TreeCheck(index, media);
        check.node(root, null, null, true);
        return check.error;
    }

    private void wrong(String what, Node node) {
        error = what + " page=" + node.page + " level=" + node.level;
    }

    private void node(
            Node node, byte @Nullable [] lower, byte @Nullable [] bound, boolean mayBeSmall) {
        page(node.page, node.crc);
        if (node instanceof Leaf leaf) {
            leaf(leaf, lower, bound, mayBeSmall);
        } else if (node instanceof Branch branch) {
            int bytes = 0;
            for (int i = 0; i < branch.count(); i++) {
                bytes += branch.keys[i].length + 10;
                boolean last = i + 1 == branch.count();
                byte[] from = i == 0 ? lower : branch.keys[i];
                byte[] to = last ? bound : branch.keys[i + 1];
                if (from != null && to != null && Arrays.compareUnsigned(from, to) >= 0) {
                    wrong("order of keys", branch);
                }
                if (branch.child(i).level != branch.level - 1) {
                    wrong("level of a child", branch);
                }
                node(branch.child(i), from, to, last);
            }
            if (bytes < Layout.SMALL_BYTES && !mayBeSmall) {
                wrong("small", branch);
            }
        }
    }

    private void leaf(
            Leaf leaf, byte @Nullable [] lower, byte @Nullable [] bound, boolean mayBeSmall) {
        LeafReader reader = new LeafReader();
        reader.start(leaf);
        byte[] before = lower;
        boolean first = true;
        while (reader.next()) {
            byte[] key = Arrays.copyOf(reader.key, reader.keyBytes);
            int order = before == null ? 1 : Arrays.compareUnsigned(key, before);
            if (first ? order < 0 : order <= 0) {
                wrong("order of rows", leaf);
            }
            if (bound != null && Arrays.compareUnsigned(key, bound) >= 0) {
                wrong("row beyond the bound", leaf);
            }
            before = key;
            first = false;
            for (int i = 0; i < reader.refCount(); i++) {
                page(
                        reader.refPage(i),
                        Bytes.getInt(leaf.bytes, reader.payloadAt + i * Layout.REF_BYTES + 4));
            }
        }
        // A row can be so large that the rows beside it do not fit.
        if (first || leaf.bytes.length < Layout.SMALL_BYTES / 2 && !mayBeSmall) {
            wrong("small", leaf);
        }
    }

    private void page(int page, int crc) {
        if (reached.get(page)) {
            error = "page " + page + " is used twice";
        }
        reached.set(page);
        byte[] bytes =
                media.peek(
                        IndexFiles.name(index.space().fileOf(page) + 1),
                        index.space().positionOf(page),
                        Layout.PAGE_BYTES);
        if (crcs.of(bytes, 0, bytes.length) != crc) {
            error = "page " + page + " has another checksum on disk";
        }
    }
}
