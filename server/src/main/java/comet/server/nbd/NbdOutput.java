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

    /// What is before `cut` is with the channel already.
    private @Nullable ByteBuf small;

    private int cut;

    /// Data that was copied and has not left: still counted as held by the session.
    private int copiedBytes;

    NbdOutput(NbdHandler handler, Channel channel) {
        this.handler = handler;
        this.channel = channel;
    }

    ByteBuf head() {
        return room(HEAD_BYTES_MAX);
    }

    /// Takes over the caller's reference to `buf`.
    void data(Buf buf, int offset, int length) {
        if (length < REFERENCE_BYTES_MIN) {
            ByteBuf out = room(length);
            ByteBuffer bytes = buf.bytes();
            bytes.limit(offset + length).position(offset);
            out.writeBytes(bytes);
            bytes.clear();
            buf.release();
            copiedBytes += length;
        } else {
            if (small != null) {
                cut(small);
            }
            channel.write(DataView.of(buf, handler, offset, length), channel.voidPromise());
        }
    }

    long unsentBytes() {
        ChannelOutboundBuffer queue = channel.unsafe().outboundBuffer();
        long queued = queue == null ? 0 : queue.totalPendingWriteBytes();
        return small == null ? queued : queued + small.writerIndex() - cut;
    }

    /// Writes everything, as far as the socket takes it.
    void flush() {
        ByteBuf out = small;
        if (out != null) {
            if (cut == 0) {
                // The buffer itself, which costs no object; nothing is put behind it before it
                // left.
                if (out.isReadable()) {
                    channel.write(out.retain(), channel.voidPromise());
                    cut = out.writerIndex();
                }
            } else {
                cut(out);
            }
        }
        channel.flush();
        ChannelOutboundBuffer queue = channel.unsafe().outboundBuffer();
        if (queue == null || queue.isEmpty()) {
            left(copiedBytes);
            if (out != null && out.refCnt() == 1) {
                out.clear();
                cut = 0;
                return;
            }
        } else if (copiedBytes > 0) {
            // The socket is full: told when what is queued now has left.
            int bytes = copiedBytes;
            copiedBytes = 0;
            channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(_ -> handler.dataLeft(bytes));
        }
        release();
    }

    /// A connection that rests needs no buffer.
    void rest() {
        if (small != null && small.writerIndex() == 0) {
            release();
        }
    }

    /// The channel is closed: what was copied will not leave.
    void close() {
        release();
        left(copiedBytes);
    }

    private void left(int bytes) {
        if (bytes > 0) {
            copiedBytes -= bytes;
            handler.dataLeft(bytes);
        }
    }

    private void release() {
        if (small != null) {
            small.release();
            small = null;
            cut = 0;
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
        if (bytes > 0) {
            channel.write(out.retainedSlice(cut, bytes), channel.voidPromise());
            cut = out.writerIndex();
        }
    }
}
