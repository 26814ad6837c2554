package comet.io.net;

import comet.io.loop.BufView;
import comet.io.loop.EventLoop;
import comet.io.loop.Transport;
import comet.port.Connection;
import comet.wire.Frame;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundBuffer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One socket that carries frames.
///
/// Sending: heads and small data are copied into one buffer at once, large data is queued by
/// reference; at the end of the turn all of it leaves in one gathering write.
@SuppressWarnings("FutureReturnValueIgnored") // a failed write or close shows as the end
final class SocketConnection extends ChannelInboundHandlerAdapter implements Connection {
    private static final Logger LOG = LoggerFactory.getLogger(SocketConnection.class);

    private final EventLoop loop;
    private final Channel channel;
    private final FrameReader reader;
    private final String peer;
    private final Runnable flush = this::flush;
    private final Runnable resume = this::resume;

    /// Gives the handler, where this side was called.
    private final @Nullable Acceptor acceptor;

    private @Nullable Handler handler;

    /// Heads and small data of this turn from `cut` on; what is before is with the channel.
    private @Nullable ByteBuf out;

    private int cut;

    /// Frames whose data is being written from where it lies.
    private final ArrayDeque<Frame> referenced = new ArrayDeque<>();

    /// How many frames ever were put there and taken away.
    private long referencedCount;

    private long releasedCount;

    private boolean flushPlanned;
    private boolean pushing;
    private boolean paused;
    private boolean closed;
    private String why = "closed by the peer";

    SocketConnection(EventLoop loop, Channel channel, String peer, @Nullable Acceptor acceptor) {
        this.loop = loop;
        this.channel = channel;
        this.peer = peer;
        this.acceptor = acceptor;
        reader = new FrameReader(loop, directReads(loop), this::deliver);
        channel.config().setRecvByteBufAllocator(new ReadTargets(reader));
    }

    /// A connection whose first bytes somebody else has read, to go on with [#resume].
    ///
    /// @param targets what Netty reads into; from now on as this connection says
    /// @param received those bytes; taken over
    SocketConnection(
            EventLoop loop, Channel channel, String peer, ReadTargets targets, ByteBuf received) {
        this.loop = loop;
        this.channel = channel;
        this.peer = peer;
        acceptor = null;
        reader = new FrameReader(loop, directReads(loop), received, this::deliver);
        targets.from(reader);
    }

    /// The ring may still write into a buffer whose connection was closed meanwhile; it gets only
    /// the reader's own one, which lives as long as Netty holds it.
    private static boolean directReads(EventLoop loop) {
        return loop.transport() != Transport.IO_URING;
    }

    void start(Handler handler) {
        this.handler = handler;
    }

    @Override
    public void send(Frame frame) {
        if (closed) {
            frame.release();
            return;
        }
        frame.seal(loop.crc());
        boolean copied = frame.dataBytes() < Limits.REFERENCE_BYTES_MIN;
        int bytes = frame.headBytes() + (copied ? frame.dataBytes() : 0);
        ByteBuf out = room(bytes);
        out.writeBytes(frame.head(), 0, frame.headBytes());
        if (copied) {
            if (frame.hasData()) {
                ByteBuf view = BufView.of(frame.data()).netty();
                out.writeBytes(view, frame.dataOffset(), frame.dataBytes());
            }
            frame.release();
        } else {
            cut(out);
            ByteBuf view = BufView.of(frame.data()).netty();
            channel.write(
                    view.retainedSlice(frame.dataOffset(), frame.dataBytes()),
                    channel.voidPromise());
            referenced.addLast(frame);
            referencedCount++;
        }
        if (!flushPlanned) {
            flushPlanned = true;
            loop.atTurnEnd(flush);
        }
    }

    @Override
    public long queuedBytes() {
        ChannelOutboundBuffer outbound = channel.unsafe().outboundBuffer();
        long waiting = outbound == null ? 0 : outbound.totalPendingWriteBytes();
        return out == null ? waiting : waiting + out.writerIndex() - cut;
    }

    @Override
    public void pauseReading(boolean pause) {
        if (paused == pause || closed) {
            return;
        }
        paused = pause;
        if (pause) {
            autoRead(false);
        } else {
            loop.execute(resume);
        }
    }

    @Override
    public void close() {
        close("closed here");
    }

    @Override
    public String peer() {
        return peer;
    }

    /// A connection that was accepted has come to life.
    @Override
    public void channelActive(ChannelHandlerContext context) {
        Acceptor by = acceptor;
        if (by != null) {
            loop.guarded(() -> start(by.onConnect(this)));
        }
    }

    /// Bytes came in, into the reader's own buffers; `message` is one of those.
    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (!closed) {
            reader.filled();
        }
        ((ByteBuf) message).release();
        parse();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        if (!closed && reader.inFrame()) {
            why = "closed by the peer within a frame";
        }
        closed = true;
        reader.close();
        if (out != null) {
            out.release();
            out = null;
        }
        releaseReferenced(referencedCount);
        Handler told = handler;
        handler = null;
        if (told != null) {
            loop.guarded(() -> told.onClosed(why));
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        EventLoop.haltWithoutMemory(cause);
        if (!(cause instanceof IOException || cause instanceof UncheckedIOException)) {
            LOG.warn("connection failed peer={}", peer, cause);
        }
        String message = cause.getMessage();
        close(message == null ? cause.getClass().getSimpleName() : message);
    }

    /// The first reason given is the one told.
    void close(String reason) {
        if (closed) {
            return;
        }
        why = reason;
        push();
        closed = true;
        ChannelOutboundBuffer outbound = channel.unsafe().outboundBuffer();
        if (outbound == null || outbound.isEmpty()) {
            channel.close();
        } else {
            // What was sent before may still leave, for a moment.
            channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(_ -> channel.close());
            loop.schedule(Limits.LINGER_NS, channel::close);
        }
    }

    private boolean deliver(Frame frame) {
        Handler told = handler;
        if (closed || told == null) {
            frame.release();
            return false;
        }
        told.onFrame(frame);
        return !paused && !closed;
    }

    /// Reading may go on: first what is here already, then the socket.
    void resume() {
        parse();
        if (!closed && !paused) {
            autoRead(true);
        }
    }

    /// The peer may have reset the connection, and the kernel have forgotten it before Netty has.
    private void autoRead(boolean read) {
        if (!channel.isOpen()) {
            return;
        }
        try {
            channel.config().setAutoRead(read);
        } catch (UncheckedIOException e) {
            close(String.valueOf(e.getMessage()));
        }
    }

    private void parse() {
        if (closed || paused) {
            return;
        }
        try {
            if (!reader.parse()) {
                close("malformed: " + reader.broken());
            }
        } catch (Throwable failure) {
            loop.fail(failure);
        }
    }

    /// The buffer for small things, with room for `bytes` more.
    private ByteBuf room(int bytes) {
        ByteBuf current = out;
        if (current != null && current.writableBytes() < bytes) {
            cut(current);
            current.release();
            current = null;
        }
        if (current == null) {
            current =
                    PooledByteBufAllocator.DEFAULT.directBuffer(
                            Math.max(bytes, Limits.SEND_BYTES), Math.max(bytes, Limits.SEND_BYTES));
            out = current;
            cut = 0;
        }
        return current;
    }

    /// Queues what was put together since the last cut. More may be put behind it.
    private void cut(ByteBuf out) {
        int bytes = out.writerIndex() - cut;
        if (bytes > 0) {
            channel.write(out.retainedSlice(cut, bytes), channel.voidPromise());
            cut = out.writerIndex();
        }
    }

    private void flush() {
        flushPlanned = false;
        if (closed) {
            return;
        }
        push();
        if (queuedBytes() > Limits.QUEUED_BYTES_MAX) {
            why = "the peer does not read";
            closed = true;
            channel.close();
        }
    }

    /// Writes what is queued as far as the socket takes it. Where the socket is broken Netty says
    /// so, and this connection is closed, within the flush.
    private void push() {
        if (pushing) {
            return;
        }
        pushing = true;
        try {
            pushNow();
        } finally {
            pushing = false;
        }
    }

    private void pushNow() {
        ByteBuf small = out;
        if (small != null) {
            if (cut == 0) {
                // Nothing is put behind it any more: the buffer itself, which costs no object.
                channel.write(small.retain(), channel.voidPromise());
                cut = small.writerIndex();
            } else {
                cut(small);
            }
        }
        channel.flush();
        small = out;
        ChannelOutboundBuffer outbound = channel.unsafe().outboundBuffer();
        if (outbound != null && outbound.isEmpty()) {
            releaseReferenced(referencedCount);
            if (small != null && small.refCnt() == 1) {
                small.clear();
                cut = 0;
            }
            return;
        }
        if (small != null) {
            small.release();
            out = null;
        }
        if (!referenced.isEmpty()) {
            whenWritten(referencedCount);
        }
    }

    /// The socket is full: has the frames up to the `count`-th released when what is queued has
    /// left.
    private void whenWritten(long count) {
        channel.writeAndFlush(Unpooled.EMPTY_BUFFER)
                .addListener(_ -> {
                    if (!closed) {
                        releaseReferenced(count);
                    }
                });
    }

    private void releaseReferenced(long count) {
        while (releasedCount < count) {
            referenced.removeFirst().release();
            releasedCount++;
        }
    }
}
