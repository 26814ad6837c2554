package comet.io.loop;

import comet.base.Buf;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.lang.foreign.MemorySegment;

/// What this module keeps with a buffer of a pool: the address of its memory and Netty's view of
/// it. Made once per buffer and kept for its life in [Buf#attachment].
public final class BufView {
    private final long address;
    private final ByteBuf netty;

    private BufView(Buf buf) {
        address = MemorySegment.ofBuffer(buf.slice(0, buf.capacity())).address();
        netty = Unpooled.wrappedBuffer(buf.slice(0, buf.capacity()));
    }

    public static BufView of(Buf buf) {
        if (buf.attachment instanceof BufView view) {
            return view;
        }
        BufView view = new BufView(buf);
        buf.attachment = view;
        return view;
    }

    /// Where the buffer's first byte lies.
    public long address() {
        return address;
    }

    /// The whole buffer. The view's own reference is never given back, so a slice that was retained
    /// for a write may be released by whoever wrote it; the owner of the write keeps the [Buf]
    /// until then.
    public ByteBuf netty() {
        return netty;
    }
}
