package comet.server.nbd;

import comet.base.Buf;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// Connects a session to its socket. Everything that a turn of the loop has for the client leaves
/// in one write at its end.
final class NbdHandler extends ChannelInboundHandlerAdapter implements NbdWire {
    private static final int STAGING_BYTES = 512;

    private final NbdServer server;
    private final NbdSession session;
    private final Runnable flushTask = this::flush;
    private final Runnable resumeTask = this::resumed;
    private @Nullable ChannelHandlerContext context;

    /// Headers that wait for data to be put behind them, or for the end of the turn.
    private @Nullable ByteBuf staging;

    /// Input that the session could not take yet.
    private @Nullable ByteBuf pending;

    private boolean flushScheduled;
    private boolean resumeScheduled;
    private boolean inputClosed;
    private String why = "closed by the client";

    NbdHandler(NbdServer server, NbdShared shared) {
        this.server = server;
        session = new NbdSession(shared, this);
    }

    NbdSession session() {
        return session;
    }

    String peer() {
        return server.peer(context().channel());
    }

    void tick(long nowNs) {
        session.tick(nowNs, unsentBytes());
    }

    private long unsentBytes() {
        ChannelOutboundBuffer queue = context().channel().unsafe().outboundBuffer();
        return queue == null ? 0 : queue.totalPendingWriteBytes();
    }

    // From Netty.

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        this.context = context;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        server.opened(this);
        session.start();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf in = (ByteBuf) message;
        ByteBuf before = pending;
        if (before != null) {
            ByteBuf both =
                    context.alloc().directBuffer(before.readableBytes() + in.readableBytes());
            both.writeBytes(before).writeBytes(in);
            before.release();
            in.release();
            in = both;
        }
        pending = in;
        feed();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (context.channel().isWritable() && session.blocked()) {
            resume();
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof ChannelInputShutdownEvent) {
            inputClosed = true;
            feed();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        session.dead();
        drop();
        server.closed(this, why);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        fail(cause);
    }

    // From the session.

    @Override
    public ByteBuf out() {
        ByteBuf out = staging;
        if (out == null) {
            out = context().alloc().directBuffer(STAGING_BYTES);
            staging = out;
        }
        scheduleFlush();
        return out;
    }

    @Override
    public void data(Buf buf, int offset, int length) {
        writeStaging();
        context().write(DataView.of(buf, this, offset, length), context().voidPromise());
        scheduleFlush();
    }

    void dataLeft(int length) {
        session.sent(length);
    }

    @Override
    public boolean congested() {
        return !context().channel().isWritable();
    }

    @Override
    public void resume() {
        if (!resumeScheduled) {
            resumeScheduled = true;
            server.loop().execute(resumeTask);
        }
    }

    @Override
    public void finish() {
        writeStaging();
        context().writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    public void abort(String why) {
        this.why = why;
        server.aborted(this, why);
        context().close();
    }

    @Override
    public long nowNs() {
        return server.loop().nowNs();
    }

    // Inside.

    private void feed() {
        ByteBuf in = pending == null ? Unpooled.EMPTY_BUFFER : pending;
        try {
            session.input(in);
        } catch (RuntimeException | Error e) {
            fail(e);
        }
        if (!in.isReadable()) {
            pending = null;
            in.release();
            if (inputClosed && !session.blocked()) {
                session.inputEnded();
            }
        }
        boolean read = !session.blocked();
        if (context().channel().config().isAutoRead() != read) {
            context().channel().config().setAutoRead(read);
        }
    }

    private void resumed() {
        resumeScheduled = false;
        if (!session.isDead()) {
            feed();
        }
    }

    private void scheduleFlush() {
        if (!flushScheduled) {
            flushScheduled = true;
            server.loop().atTurnEnd(flushTask);
        }
    }

    private void flush() {
        flushScheduled = false;
        writeStaging();
        context().flush();
    }

    private void writeStaging() {
        ByteBuf out = staging;
        if (out != null) {
            staging = null;
            context().write(out, context().voidPromise());
        }
    }

    private void drop() {
        if (staging != null) {
            staging.release();
            staging = null;
        }
        if (pending != null) {
            pending.release();
            pending = null;
        }
    }

    /// A broken connection is normal. A bug of the protocol's ends this connection; one of the
    /// device's is not ours to hide, and ends what the loop says.
    private void fail(Throwable cause) {
        if (cause instanceof IOException) {
            why = String.valueOf(cause.getMessage());
        } else {
            why = "failure: " + cause;
            server.failed(this, cause);
            if (session.inDevice) {
                server.loop().fail(cause);
            }
        }
        context().close();
    }

    private ChannelHandlerContext context() {
        ChannelHandlerContext known = context;
        if (known == null) {
            throw new IllegalStateException("not in a pipeline yet");
        }
        return known;
    }
}
