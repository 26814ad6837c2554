package comet.index;

import comet.base.Buf;
import comet.base.BufPool;
import comet.base.Bytes;
import comet.base.Crc;
import comet.port.Errno;
import org.jspecify.annotations.Nullable;

/// Reads a value that lies in pages of its own. Neighbouring pages are read at once.
final class ValueRead {
    /// Told the value, or an error.
    interface Done {
        void read(byte @Nullable [] value, int errno);
    }

    private final IndexFiles files;
    private final Crc crcs;
    private final byte[] leaf;
    private final int refsAt;
    private final int valueBytes;
    private final Done done;
    private final Buf buf;
    private int readsUnderWay;
    private int errno;

    private ValueRead(
            IndexFiles files,
            BufPool pool,
            Crc crcs,
            byte[] leaf,
            int refsAt,
            int valueBytes,
            Done done) {
        this.files = files;
        this.crcs = crcs;
        this.leaf = leaf;
        this.refsAt = refsAt;
        this.valueBytes = valueBytes;
        this.done = done;
        buf = pool.take(Layout.refCount(valueBytes) << Layout.PAGE_SHIFT);
    }

    static void start(
            IndexFiles files,
            BufPool pool,
            Crc crcs,
            byte[] leaf,
            int refsAt,
            int valueBytes,
            Done done) {
        new ValueRead(files, pool, crcs, leaf, refsAt, valueBytes, done).start();
    }

    private int page(int n) {
        return Bytes.getInt(leaf, refsAt + n * Layout.REF_BYTES);
    }

    private void start() {
        int pages = Layout.refCount(valueBytes);
        int from = 0;
        for (int n = 1; n <= pages; n++) {
            boolean follows =
                    n < pages
                            && page(n) == page(n - 1) + 1
                            && files.space().fileOf(page(n)) == files.space().fileOf(page(from));
            if (!follows) {
                read(from, n);
                from = n;
            }
        }
    }

    private void read(int from, int to) {
        int length = to - from << Layout.PAGE_SHIFT;
        readsUnderWay++;
        files.of(page(from))
                .read(
                        files.space().positionOf(page(from)),
                        buf,
                        from << Layout.PAGE_SHIFT,
                        length,
                        (_, result) -> ended(length, result),
                        0);
    }

    private void ended(int length, int result) {
        if (result != length) {
            errno = result < 0 ? -result : Errno.EIO;
        }
        if (--readsUnderWay == 0) {
            byte[] value = errno == 0 ? value() : null;
            buf.release();
            done.read(value, value == null && errno == 0 ? Errno.EIO : errno);
        }
    }

    private byte @Nullable [] value() {
        for (int n = 0; n < Layout.refCount(valueBytes); n++) {
            int crc = Bytes.getInt(leaf, refsAt + n * Layout.REF_BYTES + 4);
            if (crcs.of(buf, n << Layout.PAGE_SHIFT, Layout.PAGE_BYTES) != crc) {
                return null;
            }
        }
        byte[] value = new byte[valueBytes];
        buf.bytes().get(0, value);
        return value;
    }
}
