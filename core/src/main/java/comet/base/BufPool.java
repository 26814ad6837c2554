package comet.base;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.function.IntFunction;

/// Buffers of one loop, in powers of two from 4 KiB to 8 MiB, kept for reuse. The pool counts what
/// is out; the bounds lie with those who take (credits, requests in flight), and [#bytesOut] lets
/// them see it. Not safe for several threads.
public final class BufPool {
    private static final int SMALLEST_SHIFT = 12;
    private static final int LARGEST_SHIFT = 23;

    private final ArrayDeque<Buf>[] free;
    private final IntFunction<ByteBuffer> allocator;
    private long keepBytesMax;
    private long bytesKept;
    private long bytesOut;

    /// @param keepBytesMax bytes kept for reuse at most; what is beyond goes back to the system
    public BufPool(long keepBytesMax) {
        this(keepBytesMax, ByteBuffer::allocateDirect);
    }

    /// @param allocator of memory outside the heap; throws OutOfMemoryError where there is none
    ///   left
    BufPool(long keepBytesMax, IntFunction<ByteBuffer> allocator) {
        this.keepBytesMax = keepBytesMax;
        this.allocator = allocator;
        @SuppressWarnings({"unchecked", "rawtypes"})
        ArrayDeque<Buf>[] lists = new ArrayDeque[LARGEST_SHIFT + 1];
        for (int i = 0; i < lists.length; i++) {
            lists[i] = new ArrayDeque<>();
        }
        free = lists;
    }

    /// Sets another bound; what is kept beyond it goes back to the system.
    public void keepAtMost(long bytes) {
        keepBytesMax = bytes;
        makeRoom(0);
    }

    /// A buffer of at least `length` bytes, 1 to 8 MiB, content unspecified, one reference.
    public Buf take(int length) {
        Check.that(length >= 0 && length <= 1 << LARGEST_SHIFT, "buffer length", length, 0);
        int shift = shift(length);
        Buf buf = free[shift].pollLast();
        if (buf == null) {
            makeRoom(1 << shift);
            buf = new Buf(this, make(1 << shift));
        } else {
            bytesKept -= buf.capacity();
            buf.reuse();
        }
        bytesOut += buf.capacity();
        return buf;
    }

    /// Another size is in use than what is kept: the largest go, so that the new one can be kept.
    private void makeRoom(int bytes) {
        for (int shift = LARGEST_SHIFT; shift >= SMALLEST_SHIFT; shift--) {
            while (bytesKept + bytes > keepBytesMax && !free[shift].isEmpty()) {
                free[shift].removeFirst();
                bytesKept -= 1L << shift;
            }
        }
    }

    /// What a buffer for `length` bytes takes.
    public static int capacity(int length) {
        return 1 << shift(length);
    }

    private static int shift(int length) {
        return Math.max(SMALLEST_SHIFT, 32 - Integer.numberOfLeadingZeros(Math.max(length, 1) - 1));
    }

    public long bytesOut() {
        return bytesOut;
    }

    void giveBack(Buf buf) {
        bytesOut -= buf.capacity();
        if (bytesKept + buf.capacity() <= keepBytesMax) {
            bytesKept += buf.capacity();
            free[Integer.numberOfTrailingZeros(buf.capacity())].addLast(buf);
        }
    }

    /// Where memory is short, what is kept in other sizes goes first.
    private ByteBuffer make(int length) {
        try {
            return allocate(length);
        } catch (OutOfMemoryError e) {
            if (bytesKept == 0) {
                throw e;
            }
            for (ArrayDeque<Buf> kept : free) {
                kept.clear();
            }
            bytesKept = 0;
            return allocate(length);
        }
    }

    private ByteBuffer allocate(int length) {
        return allocator
                .apply(length + Sizes.BLOCK_BYTES)
                .alignedSlice(Sizes.BLOCK_BYTES)
                .slice(0, length)
                .order(ByteOrder.LITTLE_ENDIAN);
    }
}
