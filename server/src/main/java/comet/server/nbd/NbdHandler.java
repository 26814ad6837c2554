package comet.server.nbd;

import comet.base.Buf;
import comet.io.loop.BufView;
import comet.io.loop.ChannelMove;
import comet.io.loop.EventLoop;
import comet.io.loop.Transport;
import comet.io.net.ReadTargets;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/// Connects a session to its socket.
///
/// Bytes are read into a buffer that all connections of the loop share, and are used up before the
/// next read; the rest of a large write is read to where it is to lie. What a blocked session could
/// not take is kept aside, and reading stops.
///
/// It moves to another loop with its channel, at most while the client waits for the answer to its
/// choice of an export: nothing is read by then, and nothing is left to be written. What came
/// behind the choice, also under TLS, is among what was kept aside. From its departure to its
/// arrival it is of neither loop, and lets happen to the channel what may.
@SuppressWarnings("FutureReturnValueIgnored") // a failed write or close shows as the end
final class NbdHandler extends ChannelInboundHandlerAdapter implements NbdWire {
    /// What one read takes at most.
    static final int RECEIVE_BYTES = 256 << 10;

    /// The same where it is encrypted: a few records.
    private static final int ENCRYPTED_RECEIVE_BYTES = 128 << 10;

    /// Data of which at least this much is still missing is read to where it is to lie.
    private static final int DIRECT_READ_BYTES_MIN = 16 << 10;

    private final NbdServer server;
    private final Channel channel;

    /// Where it is, or where it comes from while it moves.
    private NbdLoop home;

    private final NbdSession session;
    private final NbdOutput output;
    private final Runnable flushTask = this::flush;
    private final Runnable resumeTask = this::resumed;

    /// The read under way goes straight to the session's data.
    private boolean direct;

    /// Input that the session could not take yet.
    private @Nullable ByteBuf pending;

    /// Between the socket and this handler, once the client has asked for it.
    private @Nullable SslHandler tls;

    /// Where it is to go, or null.
    private @Nullable NbdLoop target;

    /// Between departure and arrival.
    private boolean departed;

    private boolean flushPlanned;
    private boolean resumePlanned;
    private boolean inputClosed;
    private boolean aborted;
    private boolean turnedAway;
    private String why = "closed by the client";

    NbdHandler(NbdServer server, NbdLoop home, Channel channel, NbdTls.Mode mode) {
        this.server = server;
        this.home = home;
        this.channel = channel;
        session = new NbdSession(home.shared, this, mode);
        output = new NbdOutput(this, channel);
        // A ring's read is under way between turns, so it cannot use a buffer of all.
        if (home.loop.transport() != Transport.IO_URING) {
            channel.config().setRecvByteBufAllocator(new ReadTargets(this::target));
        }
    }

    NbdSession session() {
        return session;
    }

    String peer() {
        return home.peer(channel);
    }

    void tick(long nowNs) {
        session.tick(nowNs, output.unsentBytes());
        output.rest();
    }

    // From Netty.

    /// Where the next bytes are to be read; the handler gets them by [#channelRead].
    ByteBuf target() {
        if (tls != null || departed) {
            // What is left of a record stays in it until the rest has come, and whoever moves has
            // no part in a buffer of all.
            direct = false;
            return PooledByteBufAllocator.DEFAULT.directBuffer(ENCRYPTED_RECEIVE_BYTES);
        }
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
        return home.received().clear().retain();
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        home.accepted(this);
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
            if (tls != null && !tls.handshakeFuture().isDone()) {
                abort("TLS: " + NbdTls.LEFT);
                return;
            }
            inputClosed = true;
            resume();
        } else if (event instanceof SslHandshakeCompletionEvent handshake) {
            secured(handshake);
        }
    }

    private void secured(SslHandshakeCompletionEvent handshake) {
        SslHandler handler = tls;
        if (!handshake.isSuccess()) {
            abort("TLS: " + NbdTls.why(handshake.cause()));
        } else if (handler != null) {
            home.secured(this, NbdTls.words(handler.engine().getSession()));
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        if (tls != null && !tls.handshakeFuture().isSuccess() && !aborted) {
            // A reset may come without any other word.
            aborted = true;
            home.aborted(this, "TLS: " + NbdTls.LEFT);
        }
        gone();
        if (!departed) {
            home.closed(this, why);
        }
    }

    private void gone() {
        session.dead();
        output.close();
        if (pending != null) {
            pending.release();
            pending = null;
        }
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
        if (moves()) {
            planDeparture();
        }
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
    public void turnedAway(String why) {
        if (!turnedAway) {
            turnedAway = true;
            home.turnedAway(this, why);
        }
    }

    @Override
    public void startTls() {
        output.flush();
        output.encrypt();
        tls = home.tlsHandler(channel);
        channel.pipeline().addFirst(tls);
    }

    @Override
    public void resume() {
        if (!resumePlanned && !departed) {
            resumePlanned = true;
            home.loop.execute(resumeTask);
        }
    }

    @Override
    public void finish() {
        output.flush();
        if (tls == null) {
            channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
        } else {
            // Says farewell behind what is still to leave.
            channel.close();
        }
    }

    @Override
    public void abort(String why) {
        this.why = why;
        if (!aborted) {
            aborted = true;
            home.aborted(this, why);
        }
        closeNow();
    }

    private void closeNow() {
        ChannelHandlerContext below = tls == null ? null : channel.pipeline().context(tls);
        if (below == null) {
            channel.close();
        } else {
            below.close();
        }
    }

    @Override
    public long nowNs() {
        return home.loop.nowNs();
    }

    // Moving.

    @Override
    public void move(int place) {
        target = server.place(place);
        planDeparture();
    }

    boolean moves() {
        return target != null;
    }

    private void planDeparture() {
        if (!departed) {
            home.loop.execute(this::depart);
        }
    }

    /// Leaves when the old loop has nothing more to do for it.
    private void depart() {
        NbdLoop to = target;
        if (to == null || departed || !session.moving() || !channel.isActive()) {
            return;
        }
        if (resumePlanned) {
            planDeparture();
            return;
        }
        if (flushPlanned || output.unsentBytes() > 0) {
            // Tells when everything has left.
            planFlush();
            return;
        }
        output.rest();
        departed = true;
        NbdLoop from = home;
        from.departed(this);
        ChannelMove.move(
                channel,
                to.loop,
                () -> arrive(from, to),
                () -> {
                    gone();
                    from.movedOn();
                });
    }

    /// On the new loop.
    private void arrive(NbdLoop from, NbdLoop to) {
        from.movedOn();
        if (session.isDead()) {
            return;
        }
        home = to;
        target = null;
        departed = false;
        to.enter(this);
        session.moved(to.shared);
        if (to.stopping()) {
            session.stop();
        }
        // What was heard on the way.
        resume();
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
            home.loop.atTurnEnd(flushTask);
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
        EventLoop.haltWithoutMemory(cause);
        if (cause instanceof IOException) {
            why = String.valueOf(cause.getMessage());
        } else if (cause instanceof DecoderException) {
            // TLS' word for anything that is no record of its.
            abort("TLS: " + NbdTls.why(cause));
            return;
        } else if (cause instanceof UncheckedIOException wrapped && !session.inDevice) {
            // The client has reset the connection, and the kernel has forgotten it before Netty
            // has.
            why = String.valueOf(wrapped.getMessage());
        } else {
            why = "failure: " + cause;
            home.failed(this, cause);
            if (session.inDevice) {
                home.loop.fail(cause);
            }
        }
        closeNow();
    }
}
