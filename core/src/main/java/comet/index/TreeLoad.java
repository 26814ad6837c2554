package comet.index;

import comet.base.Buf;
import comet.base.BufPool;
import comet.base.Bytes;
import comet.base.Check;
import comet.base.Crc;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Reads a tree into memory, level by level from its root, each in order of place with neighbours
/// in one read, and marks all pages that it reaches as in use.
final class TreeLoad {
    /// Told the root (null where the tree is empty), or what is wrong.
    interface Done {
        void loaded(@Nullable Node root, @Nullable String error);
    }

    private static final int READ_PAGES_MAX = 64;
    private static final int READS_MAX = 16;

    private final IndexFiles files;
    private final BufPool pool;
    private final Crc crcs;
    private final Done done;
    private @Nullable Node root;
    private int level;

    // The pages of this level: of the n-th, whose child it is, and where it belongs.
    private int[] pages = {};
    private int[] crcsWanted = {};
    private @Nullable Branch[] parents = {};
    private int[] places = {};

    /// The level's pages by place: page and number.
    private long[] order = {};

    private int next;
    private int readsUnderWay;
    private @Nullable String error;
    private List<BranchPage.Read> branches = new ArrayList<>();

    TreeLoad(IndexFiles files, BufPool pool, Crc crcs, Done done) {
        this.files = files;
        this.pool = pool;
        this.crcs = crcs;
        this.done = done;
    }

    void start(RootSlot slot) {
        level = slot.levels() - 1;
        if (level < 0) {
            done.loaded(null, null);
            return;
        }
        startLevel(
                new int[] {slot.page()},
                new int[] {slot.crc()},
                new @Nullable Branch[1],
                new int[1]);
    }

    private void startLevel(
            int[] ofPages, int[] ofCrcs, @Nullable Branch[] ofParents, int[] ofPlaces) {
        pages = ofPages;
        crcsWanted = ofCrcs;
        parents = ofParents;
        places = ofPlaces;
        branches = new ArrayList<>();
        next = 0;
        order = new long[pages.length];
        for (int n = 0; n < pages.length; n++) {
            if (!files.space().markUsed(pages[n])) {
                damaged(pages[n], "is used twice");
            }
            order[n] = (long) pages[n] << 32 | n;
        }
        Arrays.sort(order);
        more();
    }

    private void damaged(int page, String what) {
        if (error == null) {
            error =
                    "the index is damaged: page "
                            + page
                            + " in "
                            + IndexFiles.name(files.space().fileOf(page) + 1)
                            + " "
                            + what;
        }
    }

    private static int page(long ordered) {
        return (int) (ordered >>> 32);
    }

    private void more() {
        while (error == null && next < order.length && readsUnderWay < READS_MAX) {
            int from = next++;
            int first = page(order[from]);
            while (next < order.length
                    && next - from < READ_PAGES_MAX
                    && page(order[next]) == first + next - from
                    && files.space().fileOf(page(order[next])) == files.space().fileOf(first)) {
                next++;
            }
            read(from, next - from);
        }
        if (readsUnderWay == 0 && (error != null || next == order.length)) {
            levelRead();
        }
    }

    private void read(int from, int count) {
        int length = count << Layout.PAGE_SHIFT;
        Buf buf = pool.take(length);
        int first = page(order[from]);
        readsUnderWay++;
        files.of(first)
                .read(
                        files.space().positionOf(first),
                        buf,
                        0,
                        length,
                        (_, result) -> {
                            readsUnderWay--;
                            if (result != length) {
                                damaged(first, "cannot be read: " + result);
                            }
                            for (int i = 0; i < count && error == null; i++) {
                                take((int) order[from + i], buf, i << Layout.PAGE_SHIFT);
                            }
                            buf.release();
                            more();
                        },
                        0);
    }

    /// Takes over a page that was read.
    private void take(int n, Buf buf, int offset) {
        if (crcs.of(buf, offset, Layout.PAGE_BYTES) != crcsWanted[n]) {
            damaged(pages[n], "has a wrong checksum");
            return;
        }
        byte[] header = new byte[Layout.HEADER_BYTES];
        buf.bytes().get(offset, header);
        if (Bytes.getByte(header, Layout.LEVEL) != level) {
            damaged(pages[n], "has a wrong level");
            return;
        }
        byte[] bytes = new byte[Bytes.getShort(header, Layout.USED)];
        buf.bytes().get(offset, bytes);
        Node node;
        if (level > 0) {
            BranchPage.Read read = BranchPage.decode(bytes, pages[n], crcsWanted[n]);
            branches.add(read);
            node = read.branch();
        } else {
            Leaf leaf = new Leaf(pages[n], crcsWanted[n], bytes);
            markValues(bytes);
            node = leaf;
        }
        Branch parent = parents[n];
        if (parent == null) {
            root = node;
        } else {
            parent.child(places[n], node);
        }
    }

    private void markValues(byte[] leaf) {
        int at = Layout.HEADER_BYTES;
        for (int left = Bytes.getShort(leaf, Layout.ENTRIES); left > 0; left--) {
            at += 2 + Bytes.getByte(leaf, at + 1);
            int valueBytes = Leaf.valueBytes(leaf, at);
            at = Leaf.valueAt(leaf, at);
            for (int i = Layout.refCount(valueBytes); i > 0; i--) {
                int page = Bytes.getInt(leaf, at);
                if (!files.space().markUsed(page)) {
                    damaged(page, "is used twice");
                }
                at += Layout.REF_BYTES;
            }
            at += valueBytes <= Layout.INLINE_BYTES_MAX ? valueBytes : 0;
        }
    }

    private void levelRead() {
        if (error != null || level == 0) {
            done.loaded(error == null ? root : null, error);
            return;
        }
        level--;
        int count = 0;
        for (BranchPage.Read read : branches) {
            count += read.pages().length;
        }
        Check.that(count > 0, "branches without children");
        int[] ofPages = new int[count];
        int[] ofCrcs = new int[count];
        @Nullable Branch[] ofParents = new @Nullable Branch[count];
        int[] ofPlaces = new int[count];
        int n = 0;
        for (BranchPage.Read read : branches) {
            for (int i = 0; i < read.pages().length; i++) {
                ofPages[n] = read.pages()[i];
                ofCrcs[n] = read.crcs()[i];
                ofParents[n] = read.branch();
                ofPlaces[n++] = i;
            }
        }
        startLevel(ofPages, ofCrcs, ofParents, ofPlaces);
    }
}
