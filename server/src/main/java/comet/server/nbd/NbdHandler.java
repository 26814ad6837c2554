package comet.server.nbd;

import comet.base.Buf;
import comet.io.loop.BufView;
import comet.io.loop.Transport;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/// Connects a session to its socket.
///
/// Bytes are read into a buffer that all connections of the loop share, and are used up before the
/// next read; the rest of a large write is read to where it is to lie. What a blocked session could
/// not take is kept aside, and reading stops.
@SuppressWarnings("FutureReturnValueIgnored") // a failed write or close shows as the end
final class NbdHandler extends ChannelInboundHandlerAdapter implements NbdWire {
    /// What one read takes at most.
    static final int RECEIVE_BYTES = 256 << 10;

    /// Data of which at least this much is still missing is read to where it is to lie.
    private static final int DIRECT_READ_BYTES_MIN = 16 << 10;

    private final NbdServer server;
    private final Channel channel;
    private final NbdSession session;
    private final NbdOutput output;
    private final Runnable flushTask = this::flush;
    private final Runnable resumeTask = this::resumed;

    /// The read under way goes straight to the session's data.
    private boolean direct;

    /// Input that the session could not take yet.
    private @Nullable ByteBuf pending;

    private boolean flushPlanned;
    private boolean resumePlanned;
    private boolean inputClosed;
    private String why = "closed by the client";

    NbdHandler(NbdServer server, NbdShared shared, Channel channel) {
        this.server = server;
        this.channel = channel;
        session = new NbdSession(shared, this);
        output = new NbdOutput(this, channel);
        // A ring's read is under way between turns, so it cannot use a buffer of all.
        if (server.loop().transport() != Transport.IO_URING) {
            channel.config().setRecvByteBufAllocator(new NbdReads(this));
        }
    }

    NbdSession session() {
        return session;
    }

    String peer() {
        return server.peer(channel);
    }

    void tick(long nowNs) {
        session.tick(nowNs, output.unsentBytes());
        output.rest();
    }

    // From Netty.

    /// Where the next bytes are to be read; the handler gets them by [#channelRead].
    ByteBuf target() {
        NbdPiece piece = session.awaited();
        if (piece != null && piece.missing() >= DIRECT_READ_BYTES_MIN && pending == null) {
            direct = true;
            int at = piece.bufOffset + piece.filled;
            return BufView.of(piece.buf())
                    .netty()
                    .retainedSlice(at, piece.missing())
                    .writerIndex(0);
        }
        direct = false;
        return server.received().clear().retain();
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        server.opened(this);
        session.start();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf in = (ByteBuf) message;
        if (direct) {
            direct = false;
            session.filled(in.readableBytes());
            in.release();
            feed(Unpooled.EMPTY_BUFFER);
            return;
        }
        ByteBuf before = pending;
        if (before != null) {
            before.writeBytes(in);
            in.release();
            feed(before);
            return;
        }
        feed(in);
        if (in.isReadable()) {
            pending = Unpooled.directBuffer(in.readableBytes()).writeBytes(in);
        }
        in.release();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (channel.isWritable() && session.blocked()) {
            resume();
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof ChannelInputShutdownEvent) {
            inputClosed = true;
            resume();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        session.dead();
        output.close();
        if (pending != null) {
            pending.release();
            pending = null;
        }
        server.closed(this, why);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        fail(cause);
    }

    // From the session.

    @Override
    public ByteBuf out() {
        planFlush();
        return output.head();
    }

    @Override
    public void data(Buf buf, int offset, int length) {
        planFlush();
        output.data(buf, offset, length);
    }

    void dataLeft(int reserved) {
        session.sent(reserved);
    }

    /// Everything that was given to the channel has left.
    void drained() {
        if (session.blocked()) {
            resume();
        }
    }

    boolean blocked() {
        return session.blocked();
    }

    @Override
    public boolean congested() {
        if (output.unsentHeadBytes() > NbdLimits.UNSENT_HEAD_BYTES_MAX) {
            // The end of that flush tells when there is room again.
            planFlush();
            return true;
        }
        return !channel.isWritable();
    }

    @Override
    public void resume() {
        if (!resumePlanned) {
            resumePlanned = true;
            server.loop().execute(resumeTask);
        }
    }

    @Override
    public void finish() {
        output.flush();
        channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    public void abort(String why) {
        this.why = why;
        server.aborted(this, why);
        channel.close();
    }

    @Override
    public long nowNs() {
        return server.loop().nowNs();
    }

    // Inside.

    /// Gives the session its input; what it leaves has to wait.
    private void feed(ByteBuf in) {
        try {
            session.input(in);
        } catch (RuntimeException | Error e) {
            fail(e);
        }
        boolean read = !session.blocked();
        if (!channel.isOpen() || channel.config().isAutoRead() == read) {
            return;
        }
        try {
            channel.config().setAutoRead(read);
        } catch (UncheckedIOException e) {
            fail(e);
        }
    }

    private void resumed() {
        resumePlanned = false;
        if (session.isDead()) {
            return;
        }
        ByteBuf in = pending;
        feed(in == null ? Unpooled.EMPTY_BUFFER : in);
        if (in != null && !in.isReadable()) {
            pending = null;
            in.release();
        }
        if (inputClosed && pending == null && !session.blocked()) {
            session.inputEnded();
        }
    }

    private void planFlush() {
        if (!flushPlanned) {
            flushPlanned = true;
            server.loop().atTurnEnd(flushTask);
        }
    }

    private void flush() {
        flushPlanned = false;
        if (channel.isActive()) {
            output.flush();
        } else {
            output.close();
        }
    }

    /// A broken connection is normal. A bug of the protocol's ends this connection; one of the
    /// device's is not ours to hide, and ends what the loop says.
    private void fail(Throwable cause) {
        if (cause instanceof IOException) {
            why = String.valueOf(cause.getMessage());
        } else if (cause instanceof UncheckedIOException wrapped && !session.inDevice) {
            // The client has reset the connection, and the kernel has forgotten it before Netty
            // has.
            why = String.valueOf(wrapped.getMessage());
        } else {
            why = "failure: " + cause;
            server.failed(this, cause);
            if (session.inDevice) {
                server.loop().fail(cause);
            }
        }
        channel.close();
    }
}
