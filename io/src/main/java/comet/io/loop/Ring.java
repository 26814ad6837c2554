package comet.io.loop;

import comet.base.Check;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/// A loop's way to have the kernel do things while the loop goes on: requests of one turn go to the
/// kernel together, and what has ended is told on the loop. All methods are for the loop's own
/// thread.
///
/// A bounded number is with the kernel at a time; others wait here, bounded by what their callers
/// may have in flight.
public abstract class Ring {
    /// With the kernel at a time. Netty packs numbers below 32,768 into the request itself.
    static final int IN_FLIGHT_MAX = 512;

    private final EventLoop loop;
    private final @Nullable RingRequest[] inFlight = new RingRequest[IN_FLIGHT_MAX];
    private final int[] freeSlots = new int[IN_FLIGHT_MAX];
    private int freeCount = IN_FLIGHT_MAX;
    private final ArrayDeque<RingRequest> waiting = new ArrayDeque<>();
    private boolean closed;

    protected Ring(EventLoop loop) {
        this.loop = loop;
        for (int i = 0; i < IN_FLIGHT_MAX; i++) {
            freeSlots[i] = IN_FLIGHT_MAX - 1 - i;
        }
    }

    /// The ring of a loop, made on it; null where this machine or the loop's transport has none.
    static @Nullable Ring open(EventLoop loop) {
        return switch (loop.transport()) {
            case EPOLL -> KernelRing.open(loop);
            case IO_URING -> NettyRing.open(loop);
            case NIO -> null;
        };
    }

    /// After the loop's end it does nothing: who would be told is gone, too.
    public final void submit(RingRequest request) {
        if (closed) {
            return;
        }
        if (freeCount == 0) {
            waiting.addLast(request);
        } else {
            start(request);
        }
    }

    /// Requests that have not ended yet.
    public final int underWay() {
        return IN_FLIGHT_MAX - freeCount + waiting.size();
    }

    /// Takes nothing more and gives the ring back. Whoever closes has waited until nothing is under
    /// way.
    public final void close() {
        if (!closed) {
            closed = true;
            waiting.clear();
            finish();
        }
    }

    /// The end of [#close].
    protected abstract void finish();

    /// Takes what a request says; the kernel must see it by the end of the turn.
    protected abstract void put(RingRequest request, int slot);

    protected final EventLoop loop() {
        return loop;
    }

    /// What was put with this number has ended.
    protected final void ended(int slot, int result) {
        RingRequest request = inFlight[slot];
        if (request == null) {
            throw Check.failed("the kernel ended what was not begun");
        }
        inFlight[slot] = null;
        freeSlots[freeCount++] = slot;
        try {
            request.completed(result);
        } catch (Throwable failure) {
            loop.fail(failure);
        }
        if (freeCount > 0) {
            RingRequest next = waiting.pollFirst();
            if (next != null) {
                start(next);
            }
        }
    }

    private void start(RingRequest request) {
        int slot = freeSlots[--freeCount];
        inFlight[slot] = request;
        put(request, slot);
    }
}
