package comet.io.net;

import static java.util.Objects.requireNonNull;

import comet.base.Buf;
import comet.io.loop.BufView;
import comet.io.loop.EventLoop;
import comet.wire.Frame;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/// Makes frames of a stream of bytes. Bytes arrive in a buffer of the connection and are copied
/// once, into the frame's head and data; large data is received where it is to lie.
///
/// A frame is believed step by step: its lengths before anything is reserved for it, its head's
/// checksum before its data is. What breaks a rule ends the stream ([#broken] says why).
final class FrameReader implements ReadTargets.Source {
    /// Told every whole frame; returns whether to go on.
    interface Sink {
        boolean frame(Frame frame);
    }

    private final EventLoop loop;
    private final Sink sink;

    /// Read here unless block data is read directly. Kept by this reader until [#close].
    private final ByteBuf received;

    private @Nullable Frame frame;
    private int frameBytes;
    private int headFilled;

    /// The data of [#frame] where its head is whole, and how much of it is there.
    private @Nullable Buf data;

    private int dataFilled;

    /// Netty's view of `data` while the socket fills it.
    private @Nullable ByteBuf direct;

    private @Nullable String broken;
    private final boolean directReads;

    FrameReader(EventLoop loop, boolean directReads, Sink sink) {
        this(loop, directReads, newBuffer(), sink);
    }

    /// @param received what was read already; the reader takes it over
    FrameReader(EventLoop loop, boolean directReads, ByteBuf received, Sink sink) {
        this.loop = loop;
        this.directReads = directReads;
        this.received = received;
        this.sink = sink;
    }

    /// What the bytes of a connection are read into.
    static ByteBuf newBuffer() {
        return Unpooled.directBuffer(Limits.RECEIVE_BYTES);
    }

    @Override
    public ByteBuf target() {
        Buf target = data;
        if (directReads
                && target != null
                && received.readableBytes() == 0
                && dataMissing() >= Limits.DIRECT_READ_BYTES_MIN) {
            ByteBuf view = BufView.of(target).netty();
            ByteBuf slice = view.retainedSlice(dataFilled, dataMissing()).writerIndex(0);
            direct = slice;
            return slice;
        }
        direct = null;
        if (received.readableBytes() == 0) {
            received.clear();
        } else if (received.writableBytes() < received.capacity() / 2) {
            received.discardReadBytes();
        }
        return received.retain();
    }

    /// Bytes have come into what [#target] gave.
    void filled() {
        ByteBuf filled = direct;
        if (filled != null) {
            dataFilled += filled.readableBytes();
            direct = null;
        }
    }

    /// Makes frames of what is here, until it is used up or the sink wants no more.
    ///
    /// @return whether the stream is still sound
    boolean parse() {
        boolean more = broken == null;
        while (more) {
            if (frame == null) {
                more = begin();
            } else if (data == null) {
                more = fillHead(frame);
            } else {
                more = fillData(frame, data);
            }
        }
        return broken == null;
    }

    /// Why the stream was given up.
    @Nullable String broken() {
        return broken;
    }

    /// Whether a frame has begun and is not whole.
    boolean inFrame() {
        return frame != null || received.readableBytes() > 0;
    }

    void close() {
        if (broken == null) {
            broken = "closed";
        }
        if (data != null) {
            data.release();
            data = null;
        }
        if (frame != null) {
            frame.release();
            frame = null;
        }
        received.release();
    }

    private boolean begin() {
        if (received.readableBytes() < Frame.HEADER_BYTES) {
            return false;
        }
        int at = received.readerIndex();
        int bytes = received.getIntLE(at);
        int headBytes = received.getIntLE(at + 4);
        if (headBytes < Frame.HEADER_BYTES || headBytes > Frame.HEAD_BYTES_MAX) {
            return breakOff("head of " + Integer.toUnsignedString(headBytes) + " bytes");
        }
        if (bytes < headBytes || bytes - headBytes > Frame.FRAME_BYTES_MAX - Frame.HEAD_BYTES_MAX) {
            return breakOff("frame of " + Integer.toUnsignedString(bytes) + " bytes");
        }
        frameBytes = bytes;
        headFilled = 0;
        frame = loop.frames().take();
        frame.resizeHead(headBytes);
        return true;
    }

    private boolean fillHead(Frame frame) {
        int count = Math.min(received.readableBytes(), frame.headBytes() - headFilled);
        received.readBytes(frame.head(), headFilled, count);
        headFilled += count;
        if (headFilled < frame.headBytes()) {
            return false;
        }
        if (!frame.unseal(loop.crc())) {
            return breakOff("head checksum");
        }
        int dataBytes = frameBytes - frame.headBytes();
        if (dataBytes == 0) {
            return deliver(frame);
        }
        data = loop.bufs().take(dataBytes);
        dataFilled = 0;
        return true;
    }

    private boolean fillData(Frame frame, Buf data) {
        int count = Math.min(received.readableBytes(), dataMissing());
        if (count > 0) {
            ByteBuf view = BufView.of(data).netty();
            view.setBytes(dataFilled, received, received.readerIndex(), count);
            received.skipBytes(count);
            dataFilled += count;
        }
        if (dataMissing() > 0) {
            return false;
        }
        this.data = null;
        frame.data(data, 0, frameBytes - frame.headBytes());
        return deliver(frame);
    }

    private boolean deliver(Frame frame) {
        this.frame = null;
        return sink.frame(frame) && broken == null;
    }

    private int dataMissing() {
        return frameBytes - requireNonNull(frame).headBytes() - dataFilled;
    }

    private boolean breakOff(String why) {
        broken = why;
        return false;
    }
}
