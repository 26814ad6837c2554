package comet.server.nbd;

import comet.base.Check;
import comet.volume.BlockDevice;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/// One connection's protocol, without I/O: bytes in by [#input], bytes out through [NbdWire], and
/// the device's answers in between. First a negotiation ([NbdHandshake]), then requests
/// ([NbdTransmission]).
///
/// An end has two steps. *Ending*: no more requests are taken, those in flight are answered, then
/// the connection is closed; a client's DISC, a client that closed its sending side and a stop of
/// the server lead there. *Dead*: the connection is gone; requests in flight end without a reply,
/// and the last one gives the device back.
final class NbdSession {
    /// What a phase says about the input it was given.
    enum Step {
        /// Something was consumed or decided: call again.
        GO_ON,
        /// Nothing more can be done with these bytes.
        NEED_BYTES,
        /// There may be bytes, but they have to wait for an answer or for room.
        BLOCKED
    }

    private enum Life {
        OPEN,
        ENDING,
        DEAD
    }

    /// Of the loop on which the connection is.
    NbdShared shared;

    final NbdWire wire;
    boolean waitsForBudget;

    /// A call of the device is under way: an exception now is the device's, and more than this
    /// connection is broken.
    boolean inDevice;

    /// Gathers a header that arrives in parts.
    private final ByteBuf partial = Unpooled.buffer(Nbd.REQUEST_BYTES, Nbd.REQUEST_BYTES);

    private final NbdHandshake handshake;
    private @Nullable NbdTransmission transmission;
    private @Nullable BlockDevice device;
    private Life life = Life.OPEN;
    private boolean finished;
    private boolean saidGoodbye;
    private boolean blocked;
    private boolean inside;
    private int requestsInFlight;

    /// Buffers of requests in flight and of replies that have not left.
    private long bytesHeld;

    private final long startedNs;
    private long progressNs;

    /// @param tls whether the client has to encrypt
    NbdSession(NbdShared shared, NbdWire wire, NbdTls.Mode tls) {
        this.shared = shared;
        this.wire = wire;
        handshake = new NbdHandshake(this, tls);
        startedNs = wire.nowNs();
        progressNs = startedNs;
    }

    /// The server speaks first.
    void start() {
        handshake.greet();
    }

    /// From the wire, which has moved: the session goes on here.
    void moved(NbdShared here) {
        Check.that(bytesHeld == 0 && !waitsForBudget, "moved with memory of the old loop");
        shared = here;
        handshake.moved();
    }

    /// Consumes what it can. What is left has to be given again, with what came meanwhile: after
    /// [NbdWire#resume] where [#blocked], else when more has arrived.
    void input(ByteBuf in) {
        Check.that(!inside, "input within input");
        inside = true;
        blocked = false;
        int before = in.readableBytes();
        Step step = Step.GO_ON;
        while (step == Step.GO_ON && life == Life.OPEN) {
            step = transmission == null ? handshake.consume(in) : transmission.consume(in);
        }
        inside = false;
        blocked = step == Step.BLOCKED && life == Life.OPEN;
        if (life != Life.OPEN) {
            in.skipBytes(in.readableBytes());
        }
        if (in.readableBytes() < before) {
            progressNs = wire.nowNs();
        }
    }

    boolean blocked() {
        return blocked;
    }

    /// The piece of a write whose data comes next, or null: what the client sends up to its end may
    /// be put there directly, and told by [#filled].
    @Nullable NbdPiece awaited() {
        return transmission == null || blocked || life != Life.OPEN ? null : transmission.awaited();
    }

    void filled(int bytes) {
        NbdPiece piece = awaited();
        if (piece != null) {
            piece.filled += bytes;
            progressNs = wire.nowNs();
        }
    }

    /// The client has closed its sending side: it gets the answers that it still waits for.
    void inputEnded() {
        end();
    }

    /// The connection is gone.
    void dead() {
        if (life != Life.DEAD) {
            life = Life.DEAD;
            shared.budget.leave(this);
            handshake.drop();
            settle();
        }
    }

    /// The server is being stopped: what is in flight is answered. What was not begun stays
    /// unanswered, so a client that reconnects asks again, and its guest notices only a pause; an
    /// ESHUTDOWN would reach the guest as an I/O error.
    void stop() {
        end();
    }

    /// The client asks for nothing more, as it says itself.
    void goodbye() {
        saidGoodbye = true;
        end();
    }

    /// No more input is taken.
    void end() {
        if (life == Life.OPEN) {
            life = Life.ENDING;
            blocked = false;
            progressNs = wire.nowNs();
            shared.budget.leave(this);
            handshake.drop();
            settle();
        }
    }

    /// The client broke the protocol.
    void violation(String what) {
        if (life != Life.DEAD) {
            end();
            finished = true;
            wire.abort(Nbd.printable(what));
        }
    }

    /// From the wire: data that was given to it by reference has left, or never will.
    ///
    /// @param bytes what its buffers took
    void sent(int bytes) {
        progressNs = wire.nowNs();
        release(bytes);
    }

    /// Looks at the deadlines, every second or so.
    ///
    /// @param unsentBytes what the wire holds for the client
    void tick(long nowNs, long unsentBytes) {
        if (life == Life.DEAD) {
            return;
        }
        boolean stalled = nowNs - progressNs > shared.limits.stallNs();
        if (life == Life.ENDING) {
            if (stalled && requestsInFlight == 0) {
                wire.abort("the client does not take its last replies");
            }
        } else if (transmission == null) {
            if (nowNs - startedNs > shared.limits.handshakeNs() && !handshake.answering()) {
                violation("the negotiation took too long");
            }
        } else if (stalled
                && shared.budget.scarce()
                && shared.budget.holdsShared(bytesHeld)
                && (unsentBytes > 0 || transmission.awaitsData() && !blocked)) {
            violation("the client holds memory that others wait for, and does nothing");
        }
    }

    boolean negotiating() {
        return transmission == null;
    }

    /// Waits for nothing but its arrival on another loop.
    boolean moving() {
        return handshake.moving();
    }

    boolean isDead() {
        return life == Life.DEAD;
    }

    // For the phases.

    /// The next `length` bytes, in one piece, or null if they are not all there yet. The caller
    /// reads all of them.
    @Nullable ByteBuf whole(ByteBuf in, int length) {
        if (!partial.isReadable()) {
            if (in.readableBytes() >= length) {
                return in;
            }
            partial.clear();
        }
        partial.writeBytes(in, Math.min(length - partial.readableBytes(), in.readableBytes()));
        return partial.readableBytes() == length ? partial : null;
    }

    void enter(BlockDevice device, NbdTransmission transmission) {
        Check.that(this.device == null, "two devices");
        this.device = device;
        this.transmission = transmission;
    }

    /// Room for one more request; else the phase has to wait.
    boolean mayBegin() {
        return requestsInFlight < shared.limits.requestsMax() && !wire.congested();
    }

    boolean reserve(int bytes) {
        long most = shared.limits.connectionBytesMax();
        if (device != null) {
            most = Math.min(most, device.heldBytesMax());
        }
        if (bytesHeld > 0 && bytesHeld + bytes > most) {
            return false;
        }
        if (!shared.budget.take(this, bytesHeld, bytes)) {
            return false;
        }
        bytesHeld += bytes;
        return true;
    }

    void release(int bytes) {
        Check.that(bytes <= bytesHeld, "released more than held", bytes, bytesHeld);
        long before = bytesHeld;
        bytesHeld -= bytes;
        shared.budget.give(before, bytes);
        unblock();
    }

    long bytesHeld() {
        return bytesHeld;
    }

    void requestBegun() {
        requestsInFlight++;
        shared.counters.requestsInFlight++;
    }

    void requestEnded() {
        requestsInFlight--;
        shared.counters.requestsInFlight--;
        unblock();
        settle();
    }

    void unblock() {
        if (blocked) {
            wire.resume();
        }
    }

    private void settle() {
        if (life != Life.OPEN && transmission != null) {
            transmission.dropArriving();
        }
        if (life != Life.OPEN && device != null) {
            device.leaving(saidGoodbye);
        }
        if (life == Life.OPEN || requestsInFlight > 0) {
            return;
        }
        if (life == Life.ENDING && !finished) {
            finished = true;
            wire.finish();
        }
        if (life == Life.DEAD && device != null) {
            BlockDevice ended = device;
            device = null;
            shared.exports.close(ended);
        }
    }
}
