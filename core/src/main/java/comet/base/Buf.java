package comet.base;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/// Block data in memory outside the heap: counted references to a pooled buffer whose address is a
/// multiple of 4 KiB (so files can be opened with O_DIRECT).
///
/// Data travels by reference: whoever keeps a buffer beyond a call calls [#retain] and later
/// [#release]; the last release gives it back to its pool. Not safe for several threads: a buffer
/// belongs to one loop. Its bytes may be read or written by an I/O thread while an operation that
/// the loop started is under way.
public final class Buf {
    private final @Nullable BufPool pool;
    private final ByteBuffer bytes;
    private int references = 1;

    /// What a transport likes to keep with the buffer, its own view of the same memory, say.
    public @Nullable Object attachment;

    Buf(@Nullable BufPool pool, ByteBuffer bytes) {
        this.pool = pool;
        this.bytes = bytes;
    }

    public int capacity() {
        return bytes.capacity();
    }

    /// The whole buffer, little-endian. Use absolute gets and puts; position and limit are shared
    /// by everybody on the loop and mean nothing between calls. An I/O thread uses a `slice` made
    /// by the loop.
    public ByteBuffer bytes() {
        return bytes;
    }

    public ByteBuffer slice(int offset, int length) {
        return bytes.slice(offset, length).order(ByteOrder.LITTLE_ENDIAN);
    }

    public Buf retain() {
        Check.that(references > 0, "retained after the last release");
        references++;
        return this;
    }

    public void release() {
        Check.that(references > 0, "released too often");
        if (--references == 0 && pool != null) {
            pool.giveBack(this);
        }
    }

    public int references() {
        return references;
    }

    void reuse() {
        references = 1;
    }

    public void zero(int offset, int length) {
        int end = offset + length;
        int at = offset;
        for (; at + 8 <= end; at += 8) {
            bytes.putLong(at, 0);
        }
        for (; at < end; at++) {
            bytes.put(at, (byte) 0);
        }
    }

    public void copyFrom(int offset, Buf source, int sourceOffset, int length) {
        bytes.put(offset, source.bytes, sourceOffset, length);
    }
}
