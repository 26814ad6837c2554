package comet.index;

import comet.base.BufPool;
import comet.base.Check;
import comet.base.Crc;
import comet.port.Errno;
import comet.port.Index;
import comet.port.IoDone;
import comet.port.Loop;
import comet.port.Media;
import comet.port.MediaFile;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A disk's index on preallocated files: a copy-on-write tree (a B+tree whose pages are never
/// written over, as Ohad Rodeh describes in "B-trees, shadowing, and clones", 2008), all of whose
/// branches and leaves lie in memory, too: a look-up reads nothing but the value, and that only
/// where it is larger than 256 bytes. The pages are described at [Layout], the root at [RootSlot],
/// a commit at [Commit].
///
/// Every page is known by its place and checksum in the page above, up to the root slot: lost, torn
/// and misdirected writes are found, at start in the tree, later in a value.
///
/// Pages that a commit gives up may be those that a read under way is just reading. So a commit
/// begins when all reads have ended that began before the commit before it ended.
public final class FlatIndex implements Index {
    /// Told the index, or with words for people why it cannot be used.
    public interface Opened {
        void opened(@Nullable FlatIndex index, @Nullable String error);
    }

    private final IndexFiles files;
    private final MediaFile rootFile;
    private final Loop loop;
    private final BufPool pool;
    private final Crc crcs = new Crc();
    private final LeafBuilder builder = new LeafBuilder();
    private final LeafReader reader = new LeafReader();
    private RootSlot slot;
    private @Nullable Node root;
    private @Nullable Commit commit;
    private @Nullable Runnable waiting;

    /// Counts what is visible; of reads, those that began in an even one and in an odd one.
    private int epoch;

    private final int[] readsUnderWay = new int[2];
    private int commitPages;
    private boolean failed;
    private boolean closed;

    FlatIndex(
            IndexFiles files,
            MediaFile rootFile,
            Loop loop,
            BufPool pool,
            RootSlot slot,
            @Nullable Node root) {
        this.files = files;
        this.rootFile = rootFile;
        this.loop = loop;
        this.pool = pool;
        this.slot = slot;
        this.root = root;
    }

    /// Opens the index in the folder `index` of a disk, or makes an empty one where there is
    /// nothing; answers later.
    public static void open(Media media, Loop loop, BufPool pool, Opened done) {
        IndexOpen.open(media, loop, pool, IndexOpen.pagesPerFile(media.freeBytes()), done);
    }

    @Override
    public void get(byte[] key, Row done) {
        Node node = root;
        while (node instanceof Branch branch) {
            node = branch.child(branch.childFor(key));
        }
        Leaf leaf = (Leaf) node;
        int at = leaf == null ? -1 : leaf.find(key);
        if (leaf == null || at < 0) {
            loop.execute(() -> done.row(null, Errno.OK));
            return;
        }
        int valueBytes = Leaf.valueBytes(leaf.bytes, at);
        int valueAt = Leaf.valueAt(leaf.bytes, at);
        if (valueBytes <= Layout.INLINE_BYTES_MAX) {
            byte[] value = Arrays.copyOfRange(leaf.bytes, valueAt, valueAt + valueBytes);
            loop.execute(() -> done.row(value, Errno.OK));
            return;
        }
        int began = beginRead();
        ValueRead.start(
                files,
                pool,
                crcs,
                leaf.bytes,
                valueAt,
                valueBytes,
                (value, errno) -> {
                    endRead(began);
                    done.row(value, errno);
                });
    }

    @Override
    public void scan(byte[] from, byte[] to, Rows rows, IoDone done, long token) {
        int began = beginRead();
        new Scan(
                        files,
                        pool,
                        crcs,
                        loop,
                        from,
                        to,
                        rows,
                        result -> {
                            endRead(began);
                            done.done(token, result);
                        })
                .start(root);
    }

    private int beginRead() {
        readsUnderWay[epoch & 1]++;
        return epoch;
    }

    private void endRead(int began) {
        readsUnderWay[began & 1]--;
        Runnable next = waiting;
        if (next != null && isAllRead()) {
            waiting = null;
            loop.execute(next);
        }
    }

    /// Whether no read can reach what the last commit gave up.
    private boolean isAllRead() {
        return readsUnderWay[epoch + 1 & 1] == 0;
    }

    @Override
    public void commit(List<Change> changes, IoDone done, long token) {
        Check.that(commit == null && waiting == null, "one commit at a time");
        Check.that(!closed, "commit after the end");
        for (Change change : changes) {
            byte[] value = change.value();
            int keyBytes = change.key().length;
            Check.that(
                    keyBytes > 0 && keyBytes <= Layout.KEY_BYTES_MAX,
                    "bytes of a key",
                    keyBytes,
                    0);
            Check.that(value == null || value.length <= Layout.VALUE_BYTES_MAX, "bytes of a value");
        }
        ChangeSet set = new ChangeSet(changes);
        Runnable start = () -> start(set, done, token);
        if (isAllRead()) {
            loop.execute(start);
        } else {
            waiting = start;
        }
    }

    private void start(ChangeSet changes, IoDone done, long token) {
        if (closed) {
            return;
        }
        if (failed) {
            done.done(token, -Errno.EIO);
            return;
        }
        PageWriter writer = new PageWriter(files, pool, crcs);
        Commit next =
                new Commit(
                        files,
                        rootFile,
                        loop,
                        pool,
                        crcs,
                        changes,
                        writer,
                        new TreeEdit(root, changes, files.space(), writer, builder, reader),
                        slot,
                        (ended, result) -> ended(ended, result, done, token));
        commit = next;
        next.turn();
    }

    private void ended(Commit ended, int result, IoDone done, long token) {
        commit = null;
        if (result == 0) {
            root = ended.root();
            slot = ended.slot();
            epoch++;
            ended.free(files.space());
            commitPages = Math.max(commitPages / 2, ended.pageCount());
            files.growAhead(commitPages);
        } else {
            // After any other error nothing is known of what was written.
            failed = result != -Errno.ENOSPC;
        }
        done.done(token, result);
    }

    /// Ends it. A commit under way ends without an answer, and is done or not.
    @Override
    public void close() {
        Check.that(!closed, "closed twice");
        closed = true;
        if (commit != null) {
            commit.stop();
        }
        files.close();
        rootFile.close();
    }

    @Nullable Node root() {
        return root;
    }

    PageSpace space() {
        return files.space();
    }

    /// Pages in use, and all there are.
    public long usedPages() {
        return totalPages() - files.space().freePages();
    }

    public long totalPages() {
        return files.space().totalPages();
    }
}
