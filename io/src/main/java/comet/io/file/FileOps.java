package comet.io.file;

import comet.io.loop.EventLoop;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// The operations of one disk's files. Those that ended on file threads are put on a list from
/// which the loop takes all at once; only the first one on an empty list wakes it.
final class FileOps {
    private static final int KEPT_MAX = 1024;

    private final EventLoop loop;
    private final FilePool pool;

    /// For calls on the loop's own thread.
    private final Posix posix = new Posix();

    private final ArrayDeque<FileOp> free = new ArrayDeque<>();
    private final AtomicReference<@Nullable FileOp> endedList = new AtomicReference<>();
    private final Runnable takeEnded = this::takeEnded;

    FileOps(EventLoop loop, FilePool pool) {
        this.loop = loop;
        this.pool = pool;
    }

    FileOp take() {
        FileOp op = free.pollLast();
        return op == null ? new FileOp(this) : op;
    }

    void giveBack(FileOp op) {
        if (free.size() < KEPT_MAX) {
            free.addLast(op);
        }
    }

    void onThread(FilePool.Work work) {
        pool.run(work);
    }

    /// Reads from the page cache now, answering later in this turn, or has a file thread read.
    void readCachedFirst(FileOp op) {
        if (op.readCached(posix)) {
            loop.execute(op);
        } else {
            pool.run(op);
        }
    }

    /// From a file thread.
    void ended(FileOp op) {
        FileOp before;
        do {
            before = endedList.get();
            op.next = before;
        } while (!endedList.compareAndSet(before, op));
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
