package comet.index;

import comet.base.Buf;
import comet.base.BufPool;
import comet.base.Check;
import comet.base.Crc;
import comet.port.Errno;
import comet.port.Loop;
import comet.port.MediaFile;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/// One commit on its way, in turns of bounded work between which the loop does other things:
///
/// 1. The changes are sorted.
/// 2. Large values get pages, then the touched leaves and branches are made anew ([TreeEdit]), all
///    in pages that neither the tree before nor a read under way can reach; they are written as
///    they come.
/// 3. When all are written the touched files are synced.
/// 4. The root slot that is not the newest is written and synced: the commit is done, and what only
///    the tree before reached is free.
///
/// A crash before the last step leaves the tree before, whole; a root slot that is found was
/// written after all of its tree was durable. Where no file could be made for want of space a
/// commit ends with ENOSPC, and nothing has happened: it may be tried again.
final class Commit {
    /// Told the outcome, a negated error or 0.
    interface Ended {
        void ended(Commit commit, int result);
    }

    /// What one turn of the loop may take, by our own estimates of the work.
    private static final int TURN_NS = 40_000;

    private static final int SORTED_PER_TURN = 1_000;

    private enum Phase {
        SORT,
        VALUES,
        TREE
    }

    private final IndexFiles files;
    private final MediaFile rootFile;
    private final Loop loop;
    private final BufPool pool;
    private final Crc crcs;
    private final ChangeSet changes;
    private final PageWriter writer;
    private final TreeEdit edit;
    private final RootSlot before;
    private final Ended ended;
    private RootSlot after;
    private Phase phase = Phase.SORT;
    private int syncsUnderWay;
    private int errno;
    private boolean stopped;

    Commit(
            IndexFiles files,
            MediaFile rootFile,
            Loop loop,
            BufPool pool,
            Crc crcs,
            ChangeSet changes,
            PageWriter writer,
            TreeEdit edit,
            RootSlot before,
            Ended ended) {
        this.files = files;
        this.rootFile = rootFile;
        this.loop = loop;
        this.pool = pool;
        this.crcs = crcs;
        this.changes = changes;
        this.writer = writer;
        this.edit = edit;
        this.before = before;
        this.ended = ended;
        after = before;
    }

    RootSlot slot() {
        return after;
    }

    @Nullable Node root() {
        return edit.root();
    }

    int pageCount() {
        return writer.pageCount();
    }

    /// Ends without an answer; what is under way is awaited by the files.
    void stop() {
        stopped = true;
    }

    /// Gives back what only the tree before reached.
    void free(PageSpace space) {
        for (int i = 0; i < edit.freedCount(); i++) {
            space.free(edit.freed(i));
        }
    }

    void turn() {
        int work = TURN_NS;
        while (work > 0) {
            if (stopped) {
                return;
            }
            if (writer.errno() != 0) {
                writer.finish(this::takeBack);
                return;
            }
            if (writer.isFull()) {
                writer.whenRoom(this::turn);
                return;
            }
            if (phase != Phase.SORT && files.space().freePages() < pagesWanted()) {
                files.growThen(this::grown);
                return;
            }
            work -= step();
            if (edit.isDone()) {
                writer.finish(this::written);
                return;
            }
        }
        // Not execute: what is executed still runs in this turn.
        loop.schedule(0, this::turn);
    }

    private void grown(int result) {
        if (result == 0) {
            turn();
        } else if (!stopped) {
            errno = result;
            writer.finish(this::takeBack);
        }
    }

    /// Nothing of it is under way any more: its pages are free again.
    private void takeBack() {
        if (stopped) {
            return;
        }
        for (int n = 0; n < writer.pageCount(); n++) {
            files.space().free(writer.page(n));
        }
        end(writer.errno() == 0 ? -errno : -writer.errno());
    }

    private int pagesWanted() {
        return TreeEdit.pagesPerStep(changes.count());
    }

    private int step() {
        switch (phase) {
            case SORT -> {
                if (!changes.sortSome(SORTED_PER_TURN)) {
                    phase = Phase.VALUES;
                }
                return TURN_NS;
            }
            case VALUES -> {
                int work = changes.placeNext(files.space(), writer);
                if (work == 0) {
                    phase = Phase.TREE;
                }
                return work;
            }
            case TREE -> {
                return edit.step();
            }
        }
        throw Check.failed("phase");
    }

    private void written() {
        if (stopped) {
            return;
        }
        if (writer.errno() != 0) {
            takeBack();
            return;
        }
        BitSet touched = writer.touched();
        if (touched.isEmpty()) {
            writeRoot();
            return;
        }
        syncsUnderWay = touched.cardinality();
        for (int n = touched.nextSetBit(0); n >= 0; n = touched.nextSetBit(n + 1)) {
            files.get(n).sync(this::synced, n);
        }
    }

    private void synced(long token, int result) {
        if (result < 0) {
            errno = Errno.EIO; // whatever it was: nothing is known of what was written
        }
        if (--syncsUnderWay > 0 || stopped) {
            return;
        }
        if (errno != 0) {
            end(-errno);
        } else {
            writeRoot();
        }
    }

    private void writeRoot() {
        Node root = edit.root();
        after =
                new RootSlot(
                        before.commit() + 1,
                        before.pagesPerFile(),
                        files.count(),
                        root == null ? 0 : root.page,
                        root == null ? 0 : root.crc,
                        root == null ? 0 : root.level + 1);
        Buf buf = pool.take(RootSlot.SLOT_BYTES);
        after.encode(buf, 0, crcs);
        rootFile.writeAndSync(
                (long) after.slot() * RootSlot.SLOT_BYTES,
                buf,
                0,
                RootSlot.SLOT_BYTES,
                (_, result) -> {
                    buf.release();
                    if (!stopped) {
                        end(result == RootSlot.SLOT_BYTES ? 0 : -Errno.EIO);
                    }
                },
                0);
    }

    private void end(int result) {
        stopped = true;
        ended.ended(this, result);
    }
}
