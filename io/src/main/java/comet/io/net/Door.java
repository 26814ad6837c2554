package comet.io.net;

import comet.io.loop.ChannelMove;
import comet.io.loop.EventLoop;
import comet.port.Loop;
import comet.wire.Frame;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.LinkedHashSet;
import org.jspecify.annotations.Nullable;

/// A connection that has not said yet for whom it is: its first frame is read on the listener's
/// loop, and by it a [Router] chooses the loop on which the connection lives from then on. All
/// bytes that were read go there, the first frame too.
///
/// One whose peer leaves on the way there is dropped, with what it had sent.
@SuppressWarnings("FutureReturnValueIgnored") // a failed close shows as the end
final class Door extends ChannelInboundHandlerAdapter implements ReadTargets.Source {
    private final EventLoop loop;
    private final Channel channel;
    private final String peer;
    private final Router router;

    /// All of this listener that have not decided, the oldest first; of the listener's loop.
    private final LinkedHashSet<Door> undecided;

    private final ReadTargets targets = new ReadTargets(this);
    private final ByteBuf received = FrameReader.newBuffer();
    private final Loop.Timer deadline;
    private Router.@Nullable Place place;

    /// The bytes belong to the connection now, or nobody wants them.
    private boolean done;

    Door(
            EventLoop loop,
            Channel channel,
            String peer,
            Router router,
            LinkedHashSet<Door> undecided) {
        this.loop = loop;
        this.channel = channel;
        this.peer = peer;
        this.router = router;
        this.undecided = undecided;
        channel.config().setRecvByteBufAllocator(targets);
        deadline = loop.schedule(Limits.FIRST_FRAME_NS, channel::close);
        undecided.add(this);
        if (undecided.size() > Limits.UNDECIDED_MAX) {
            // The oldest has had the most time to say something.
            undecided.removeFirst().channel.close();
        }
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        channel.read();
    }

    /// A peer that has left makes Netty read the rest, however full the buffer is.
    @Override
    public ByteBuf target() {
        return received.ensureWritable(1).retain();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ((ByteBuf) message).release();
        if (place == null && !done) {
            loop.guarded(this::decide);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        drop();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        EventLoop.haltWithoutMemory(cause);
        channel.close();
    }

    private void decide() {
        int headBytes = received.readableBytes() < Frame.HEADER_BYTES ? 0 : headBytes();
        if (headBytes == 0 || received.readableBytes() < headBytes) {
            channel.read();
            return;
        }
        Frame first = headBytes < 0 ? null : head(headBytes);
        Router.Place chosen = router.place(first);
        place = chosen;
        if (first != null) {
            first.release();
        }
        leave();
        if (chosen.loop() == loop) {
            loop.execute(() -> settle(chosen));
        } else {
            ChannelMove.move(channel, chosen.loop(), () -> settle(chosen), this::drop);
        }
    }

    /// What the header says, or -1 where it is none or the head would not fit.
    private int headBytes() {
        int bytes = received.getIntLE(received.readerIndex() + 4);
        return bytes < Frame.HEADER_BYTES || bytes > Limits.RECEIVE_BYTES ? -1 : bytes;
    }

    private @Nullable Frame head(int bytes) {
        Frame frame = loop.frames().take();
        frame.resizeHead(bytes);
        received.getBytes(received.readerIndex(), frame.head(), 0, bytes);
        if (frame.unseal(loop.crc())) {
            return frame;
        }
        frame.release();
        return null;
    }

    /// On the chosen loop.
    private void settle(Router.Place at) {
        if (done) {
            return;
        }
        done = true;
        SocketConnection connection =
                new SocketConnection(at.loop(), channel, peer, targets, received);
        channel.pipeline().replace(this, null, connection);
        connection.start(at.acceptor().onConnect(connection));
        connection.resume();
    }

    private void drop() {
        if (!done) {
            done = true;
            received.release();
            if (place == null) {
                leave();
            }
        }
    }

    private void leave() {
        deadline.cancel();
        undecided.remove(this);
    }
}
