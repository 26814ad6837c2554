package comet.server.nbd;

import comet.base.Buf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.buffer.UnpooledDirectByteBuf;
import org.jspecify.annotations.Nullable;

/// A buffer as Netty sees it on its way out. Made once per buffer and kept with it
/// ([Buf#attachment]), so sending allocates nothing; a buffer is under way once at a time.
final class DataView extends UnpooledDirectByteBuf {
    private final Buf buf;
    private @Nullable NbdOutput owner;
    private int length;

    private DataView(Buf buf) {
        super(UnpooledByteBufAllocator.DEFAULT, buf.slice(0, buf.capacity()), buf.capacity());
        this.buf = buf;
        setRefCnt(0);
    }

    /// Takes over the caller's reference to `buf`.
    ///
    /// @param owner told when the data has left, or null
    static DataView of(Buf buf, @Nullable NbdOutput owner, int offset, int length) {
        DataView view;
        if (buf.attachment instanceof DataView known) {
            view = known;
        } else {
            view = new DataView(buf);
            buf.attachment = view;
        }
        view.resetRefCnt();
        view.setIndex(offset, offset + length);
        view.owner = owner;
        view.length = length;
        return view;
    }

    @Override
    protected void deallocate() {
        NbdOutput told = owner;
        int reserved = buf.capacity();
        int length = this.length;
        owner = null;
        buf.release();
        if (told != null) {
            told.left(reserved, length);
        }
    }
}
