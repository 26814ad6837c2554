package comet.io.loop;

import comet.base.Check;
import io.netty.channel.IoEvent;
import io.netty.channel.IoRegistration;
import io.netty.channel.uring.IoUringIoEvent;
import io.netty.channel.uring.IoUringIoHandle;
import io.netty.channel.uring.IoUringIoOps;
import org.jspecify.annotations.Nullable;

/// The ring on which Netty's sockets complete: one system call submits both and waits for both.
final class NettyRing extends Ring implements IoUringIoHandle {
    private @Nullable IoRegistration registration;

    private NettyRing(EventLoop loop) {
        super(loop);
    }

    static NettyRing open(EventLoop loop) {
        NettyRing ring = new NettyRing(loop);
        ring.registration = loop.netty().register(ring).getNow();
        Check.that(ring.registration != null, "registered on the loop itself");
        return ring;
    }

    @Override
    protected void put(RingRequest request, int slot) {
        IoRegistration with = registration;
        IoUringIoOps ops =
                new IoUringIoOps(
                        request.operation(),
                        (byte) 0,
                        (short) 0,
                        request.fd(),
                        request.position(),
                        request.address(),
                        request.length(),
                        request.flags(),
                        (long) slot,
                        (short) 0,
                        (short) 0,
                        0,
                        0L);
        if (with == null || with.submit(ops) == 0) {
            throw Check.failed("a request for a loop that has ended");
        }
    }

    @Override
    public void handle(IoRegistration of, IoEvent event) {
        IoUringIoEvent ended = (IoUringIoEvent) event;
        ended((int) ended.userData(), ended.res());
    }

    /// Netty waits for what is under way when its loop ends.
    @Override
    protected void finish() {
        IoRegistration with = registration;
        if (with != null) {
            registration = null;
            with.cancel();
        }
    }
}
