package comet.io.file;

import comet.io.loop.EventLoop;
import comet.io.loop.Ring;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// The operations of one disk's files. Where the loop has a ring, the kernel does them while the
/// loop goes on. What would wait in the kernel too (writes into the page cache, folders) and
/// everything where there is no ring goes to file threads. That way and back costs more than most
/// operations: so writes into the page cache that are begun within one turn go over together, and
/// those that ended are put on a list from which the loop takes all at once; only the first one on
/// an empty list wakes it.
final class FileOps {
    private static final int KEPT_MAX = 1024;

    /// Writes that one thread does in one go, one after the other.
    private static final int GROUP_MAX = 32;

    private final EventLoop loop;
    private final FilePool pool;
    private final @Nullable Ring ring;

    /// For calls on the loop's own thread.
    private final Posix posix = new Posix();

    private final UnderWay underWay = new UnderWay();
    private final ArrayDeque<FileOp> free = new ArrayDeque<>();
    private final AtomicReference<@Nullable FileOp> endedList = new AtomicReference<>();
    private final Runnable takeEnded = this::takeEnded;
    private final Runnable handOver = this::handOver;

    /// Writes of this turn, from the last one to the first.
    private @Nullable FileOp group;

    private int groupCount;
    private boolean handOverPlanned;

    /// @param ring the loop's, or null for file threads alone
    FileOps(EventLoop loop, FilePool pool, @Nullable Ring ring) {
        this.loop = loop;
        this.pool = pool;
        this.ring = ring;
    }

    FileOp take() {
        FileOp taken = free.pollLast();
        FileOp op = taken == null ? new FileOp(this) : taken;
        op.slot = underWay.begin();
        return op;
    }

    void giveBack(FileOp op) {
        underWay.end(op.slot);
        if (free.size() < KEPT_MAX) {
            free.addLast(op);
        }
    }

    long oldestNs() {
        return underWay.oldestNs(loop.nowNs());
    }

    void onThread(FilePool.Work work) {
        pool.run(work);
    }

    /// Has the ring do it, or a file thread where there is none.
    void onRing(FileOp op) {
        Ring through = ring;
        if (through == null) {
            pool.run(op);
        } else {
            op.onRing(through);
        }
    }

    /// Reads from the page cache now, answering later in this turn, or has the device asked.
    void readCachedFirst(FileOp op) {
        if (op.readCached(posix)) {
            loop.execute(op);
        } else {
            onRing(op);
        }
    }

    /// Has a file thread do a write that waits for no device, at the end of this turn.
    void inGroup(FileOp op) {
        op.next = group;
        group = op;
        groupCount++;
        if (groupCount == GROUP_MAX) {
            handOver();
        } else if (!handOverPlanned) {
            handOverPlanned = true;
            loop.atTurnEnd(handOver);
        }
    }

    private void handOver() {
        handOverPlanned = false;
        FileOp first = group;
        group = null;
        groupCount = 0;
        if (first != null) {
            pool.run(first);
        }
    }

    /// From a file thread: those from `first` to `last` have ended.
    void ended(FileOp first, FileOp last) {
        FileOp before;
        do {
            before = endedList.get();
            last.next = before;
        } while (!endedList.compareAndSet(before, first));
        if (before == null) {
            loop.wake(takeEnded);
        }
    }

    EventLoop loop() {
        return loop;
    }

    private void takeEnded() {
        FileOp newestFirst = endedList.getAndSet(null);
        FileOp oldestFirst = null;
        while (newestFirst != null) {
            FileOp next = newestFirst.next;
            newestFirst.next = oldestFirst;
            oldestFirst = newestFirst;
            newestFirst = next;
        }
        while (oldestFirst != null) {
            FileOp op = oldestFirst;
            oldestFirst = op.next;
            op.next = null;
            loop.guarded(op);
        }
    }
}
