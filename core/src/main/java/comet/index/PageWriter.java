package comet.index;

import comet.base.Buf;
import comet.base.BufPool;
import comet.base.Crc;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/// Writes a commit's pages: collected in buffers, neighbours in one write, and a bounded number of
/// writes and bytes under way.
final class PageWriter {
    private static final int BUF_BYTES = 256 << 10;
    private static final int BYTES_MAX = 1 << 20;
    private static final int WRITES_MAX = 128;

    private final IndexFiles files;
    private final BufPool pool;
    private final Crc crcs;
    private final BitSet touched = new BitSet();
    private @Nullable Buf buf;
    private int filled;
    private int runAt;
    private int runPage;
    private int runPages;
    private int writesUnderWay;
    private int bytesUnderWay;
    private int errno;
    private boolean finishing;
    private @Nullable Runnable waiting;
    private int[] pages = new int[256];
    private int pageCount;

    PageWriter(IndexFiles files, BufPool pool, Crc crcs) {
        this.files = files;
        this.pool = pool;
        this.crcs = crcs;
    }

    /// Whether one should wait before the next page.
    boolean isFull() {
        return bytesUnderWay >= BYTES_MAX || writesUnderWay >= WRITES_MAX;
    }

    int errno() {
        return errno;
    }

    /// Pages written, or given to be.
    int pageCount() {
        return pageCount;
    }

    int page(int n) {
        return pages[n];
    }

    /// Files that were written to.
    BitSet touched() {
        return touched;
    }

    /// Writes a page, its end filled with zeros.
    ///
    /// @return its checksum
    int put(int page, byte[] content, int from, int length) {
        Buf into = buf;
        if (into == null) {
            into = pool.take(BUF_BYTES);
            buf = into;
            filled = 0;
        }
        boolean follows =
                runPages > 0
                        && page == runPage + runPages
                        && files.space().fileOf(page) == files.space().fileOf(runPage);
        if (!follows) {
            endRun(into);
            runAt = filled;
            runPage = page;
        }
        into.bytes().put(filled, content, from, length);
        into.zero(filled + length, Layout.PAGE_BYTES - length);
        int crc = crcs.of(into, filled, Layout.PAGE_BYTES);
        runPages++;
        if (pageCount == pages.length) {
            pages = Arrays.copyOf(pages, 2 * pageCount);
        }
        pages[pageCount++] = page;
        filled += Layout.PAGE_BYTES;
        if (filled == BUF_BYTES) {
            endBuf(into);
        }
        return crc;
    }

    private void endRun(Buf from) {
        if (runPages == 0) {
            return;
        }
        int bytes = runPages << Layout.PAGE_SHIFT;
        runPages = 0;
        from.retain();
        writesUnderWay++;
        bytesUnderWay += bytes;
        touched.set(files.space().fileOf(runPage));
        files.of(runPage)
                .write(
                        files.space().positionOf(runPage),
                        from,
                        runAt,
                        bytes,
                        (_, result) -> ended(from, bytes, result),
                        0);
    }

    private void endBuf(Buf from) {
        endRun(from);
        from.release();
        buf = null;
    }

    private void ended(Buf from, int bytes, int result) {
        from.release();
        writesUnderWay--;
        bytesUnderWay -= bytes;
        if (result != bytes && errno == 0) {
            errno = result < 0 ? -result : comet.port.Errno.EIO;
        }
        boolean enough =
                finishing ? writesUnderWay == 0 : bytesUnderWay <= BYTES_MAX / 2 && !isFull();
        Runnable done = waiting;
        if (done != null && enough) {
            waiting = null;
            done.run();
        }
    }

    /// Runs `done` when it is not full any more; only while it is.
    void whenRoom(Runnable done) {
        waiting = done;
    }

    /// Writes what is left and runs `done`, perhaps now, when all has ended.
    void finish(Runnable done) {
        finishing = true;
        Buf last = buf;
        if (last != null) {
            endBuf(last);
        }
        if (writesUnderWay == 0) {
            done.run();
        } else {
            waiting = done;
        }
    }
}
