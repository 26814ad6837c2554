package comet.server.nbd;

import comet.base.Buf;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOutboundBuffer;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/// What a connection has for its client in one turn of the loop: heads and small data copied into
/// one buffer, large data by reference between them; all of it leaves in one gathering write.
///
/// Data stays reserved until it has left. In the clear the view of a buffer says so itself, when
/// the channel lets go of it. Under TLS the channel holds its encrypted copy instead, so there the
/// outcome of the write says it.
@SuppressWarnings("FutureReturnValueIgnored") // a failed write shows as the end of the channel
final class NbdOutput {
    private static final int SMALL_BYTES = 64 << 10;

    /// The longest answer that is not data: an option's reply with name and description.
    private static final int HEAD_BYTES_MAX = 16 << 10;

    /// Data from here on is written from where it lies; below, a copy costs less than an entry of
    /// its own in the gathering write.
    private static final int REFERENCE_BYTES_MIN = 16 << 10;

    private final NbdHandler handler;
    private final Channel channel;
    private boolean encrypted;

    /// What is before `cut` is with the channel already.
    private @Nullable ByteBuf small;

    private int cut;

    /// The channel has `small` itself and not a slice of it: nothing may be put behind it before it
    /// has left.
    private boolean lent;

    /// Data in `small` that was not given to the channel yet, or of which it will not tell: its
    /// length, and what is reserved for it.
    private int copiedBytes;

    private int copiedReserved;

    /// Data among all that has not left; the rest are heads.
    private long dataBytes;

    NbdOutput(NbdHandler handler, Channel channel) {
        this.handler = handler;
        this.channel = channel;
    }

    /// From now on everything is encrypted on its way.
    void encrypt() {
        encrypted = true;
    }

    ByteBuf head() {
        return room(HEAD_BYTES_MAX);
    }

    /// Takes over the caller's reference to `buf`.
    void data(Buf buf, int offset, int length) {
        dataBytes += length;
        if (length < REFERENCE_BYTES_MIN) {
            ByteBuf out = room(length);
            ByteBuffer bytes = buf.bytes();
            bytes.limit(offset + length).position(offset);
            out.writeBytes(bytes);
            bytes.clear();
            copiedBytes += length;
            copiedReserved += buf.capacity();
            buf.release();
            return;
        }
        if (small != null) {
            cut(small);
        }
        if (encrypted) {
            int reserved = buf.capacity();
            channel.write(DataView.of(buf, null, offset, length))
                    .addListener(_ -> left(reserved, length));
        } else {
            channel.write(DataView.of(buf, this, offset, length), channel.voidPromise());
        }
    }

    long unsentBytes() {
        ChannelOutboundBuffer queue = channel.unsafe().outboundBuffer();
        long queued = queue == null ? 0 : queue.totalPendingWriteBytes();
        return small == null ? queued : queued + small.writerIndex() - cut;
    }

    /// Of that, what is no data.
    long unsentHeadBytes() {
        return unsentBytes() - dataBytes;
    }

    /// Writes everything, as far as the socket takes it.
    void flush() {
        ByteBuf out = small;
        if (out != null) {
            if (cut == 0 && queueEmpty() && !encrypted) {
                // The buffer itself, which costs no object.
                if (out.isReadable()) {
                    channel.write(out.retain(), channel.voidPromise());
                    cut = out.writerIndex();
                    lent = true;
                }
            } else {
                cut(out);
            }
        }
        channel.flush();
        if (queueEmpty()) {
            copiedLeft();
            if (out != null && out.refCnt() == 1) {
                out.clear();
                cut = 0;
                lent = false;
            } else {
                release();
            }
            handler.drained();
            return;
        }
        if (lent) {
            release();
        }
        // What comes next goes behind it in the same buffer, so that replies which nobody takes
        // hold no buffer each.
        if (!encrypted && (copiedBytes > 0 || handler.blocked())) {
            // The socket is full: told when what is queued now has left.
            int bytes = copiedBytes;
            int reserved = copiedReserved;
            copiedBytes = 0;
            copiedReserved = 0;
            channel.writeAndFlush(Unpooled.EMPTY_BUFFER)
                    .addListener(_ -> {
                        left(reserved, bytes);
                        handler.drained();
                    });
        }
    }

    /// A connection that rests needs no buffer.
    void rest() {
        if (small != null && small.writerIndex() == cut && queueEmpty()) {
            release();
        }
    }

    /// The channel is closed: what was copied will not leave.
    void close() {
        release();
        copiedLeft();
    }

    /// Data has left, or never will.
    ///
    /// @param reserved what is reserved for it
    void left(int reserved, int length) {
        dataBytes -= length;
        if (reserved > 0) {
            handler.dataLeft(reserved);
        }
    }

    private void copiedLeft() {
        int bytes = copiedBytes;
        int reserved = copiedReserved;
        copiedBytes = 0;
        copiedReserved = 0;
        left(reserved, bytes);
    }

    private boolean queueEmpty() {
        ChannelOutboundBuffer queue = channel.unsafe().outboundBuffer();
        return queue == null || queue.isEmpty();
    }

    private void release() {
        if (small != null) {
            small.release();
            small = null;
            cut = 0;
            lent = false;
        }
    }

    private ByteBuf room(int bytes) {
        ByteBuf out = small;
        if (out != null && out.writableBytes() < bytes) {
            cut(out);
            release();
            out = null;
        }
        if (out == null) {
            out = PooledByteBufAllocator.DEFAULT.directBuffer(SMALL_BYTES, SMALL_BYTES);
            small = out;
            cut = 0;
        }
        return out;
    }

    private void cut(ByteBuf out) {
        int bytes = out.writerIndex() - cut;
        if (bytes == 0) {
            return;
        }
        ByteBuf part = out.retainedSlice(cut, bytes);
        cut = out.writerIndex();
        if (encrypted) {
            int copied = copiedBytes;
            int reserved = copiedReserved;
            copiedBytes = 0;
            copiedReserved = 0;
            channel.write(part)
                    .addListener(_ -> {
                        left(reserved, copied);
                        handler.drained();
                    });
        } else {
            channel.write(part, channel.voidPromise());
        }
    }
}
