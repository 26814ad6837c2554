package comet.replica;

import comet.wire.Frame;
import comet.wire.MessageType;
import comet.wire.ReadRequest;
import comet.wire.Status;
import org.jspecify.annotations.Nullable;

/// A connection on the READ lane (READ and MAP of a client) or on the PEER lane (READ, LIST_PG,
/// FENCES and BLOCKS of another replica). Requests are many at once and end in any order.
final class ReadLane implements Lanes {
    /// What a verb has done with a frame.
    enum Progress {
        /// Finished, or under way on its own: the lane releases the frame.
        DONE,
        /// To be asked again once the map holds all that is committed now.
        AWAIT_MAP,
        /// To be asked again once all terms remembered are durable.
        AWAIT_FENCE
    }

    private final DiskServer disk;
    private final Session session;
    private final boolean peer;
    private int underWay;
    private boolean paused;
    private boolean checking;
    private FairShare.@Nullable Permit step;

    ReadLane(DiskServer disk, Session session, boolean peer) {
        this.disk = disk;
        this.session = session;
        this.peer = peer;
    }

    boolean peer() {
        return peer;
    }

    Session session() {
        return session;
    }

    @Override
    public void onFrame(Frame frame) {
        boolean mayWait =
                peer
                        && frame.type() == MessageType.READ
                        && (frame.flags() & ReadRequest.MAY_WAIT) != 0
                        && ReadRequest.valid(frame);
        if (mayWait) {
            afterGuests(frame);
        } else {
            handle(frame, false);
        }
    }

    /// A copy that is not urgent waits until recovery may take a step.
    private void afterGuests(Frame frame) {
        began();
        disk.share()
                .ask(
                        ReadRequest.blockCount(frame),
                        0,
                        permit -> {
                            ended();
                            if (session.closed()) {
                                permit.end();
                                frame.release();
                            } else {
                                step = permit;
                                handle(frame, false);
                                endStep();
                            }
                        });
    }

    /// The step of recovery that the request in hand is; whoever takes it ends it.
    FairShare.@Nullable Permit takeStep() {
        FairShare.Permit taken = step;
        step = null;
        return taken;
    }

    /// Nobody has taken it: the request was answered at once, or waits for something else.
    private void endStep() {
        FairShare.Permit left = takeStep();
        if (left != null) {
            left.end();
        }
    }

    private void handle(Frame frame, boolean refreshed) {
        Progress progress = progress(frame, refreshed);
        if (progress == Progress.DONE) {
            frame.release();
            return;
        }
        // It waits outside of any order.
        began();
        boolean forMap = progress == Progress.AWAIT_MAP;
        Runnable again =
                () -> {
                    ended();
                    if (session.closed()) {
                        frame.release();
                    } else {
                        handle(frame, refreshed || forMap);
                    }
                };
        if (forMap) {
            disk.refresh(again);
        } else {
            disk.fences().whenSettled(again);
        }
    }

    private Progress progress(Frame f, boolean refreshed) {
        int type = f.type();
        if (f.hasData()) {
            return invalid(f, "data");
        }
        if (type == MessageType.READ) {
            return disk.reads().onRead(this, f, refreshed);
        }
        if (!peer && type == MessageType.MAP) {
            return disk.reads().onMap(this, f, refreshed);
        }
        return peer ? disk.peers().on(this, f, refreshed) : invalid(f, "type");
    }

    @Override
    public void onClosed() {
        disk.laneClosed(this);
    }

    /// The frame breaks the protocol: the connection ends behind an answer that says so.
    Progress invalid(Frame frame, String why) {
        send(
                disk.frames()
                        .take()
                        .start(frame.type() + 1 & 0xFF, frame.requestId(), Frame.HEADER_BYTES)
                        .status(Status.INVALID));
        session.end("invalid-" + why);
        return Progress.DONE;
    }

    void send(Frame reply) {
        session.send(reply);
        checkPause();
    }

    /// A request waits for something outside of this lane.
    void began() {
        underWay++;
        checkPause();
    }

    void ended() {
        underWay--;
        checkPause();
    }

    private void checkPause() {
        if (session.closed()) {
            return;
        }
        boolean slow = session.connection().queuedBytes() > Limits.REPLY_BYTES_PAUSE;
        boolean much = slow || underWay >= Limits.READS_MAX;
        if (slow && !checking) {
            checking = true;
            disk.loop()
                    .schedule(
                            Limits.REPLY_CHECK_NS,
                            () -> {
                                checking = false;
                                checkPause();
                            });
        }
        if (much != paused) {
            paused = much;
            session.connection().pauseReading(much);
        }
    }
}
