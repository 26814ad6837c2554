package comet.replica;

import comet.base.Check;
import comet.wire.Credit;
import comet.wire.CreditNeed;
import comet.wire.Frame;
import comet.wire.MessageType;
import comet.wire.Status;
import comet.wire.WriteReply;
import comet.wire.WriteRequest;
import java.util.ArrayDeque;
import java.util.TreeSet;

/// The ordered connection of one client to one disk: WRITE, SYNC, OPEN, LIST and LEVEL, taken in
/// the order of their arrival. A request that must wait for something that concerns all of them
/// (the map, a fence, room in the ring) stays at the head and the others queue behind it; one that
/// waits for its chunk alone goes to [Holds], and the others overtake it.
final class WriteLane implements Lanes {
    /// What a verb has done with a frame.
    enum Progress {
        /// Finished: the lane releases the frame.
        DONE,
        /// Kept by somebody who releases it.
        TAKEN,
        /// It stays at the head. The verb has seen to it that [#resume] is called.
        WAIT
    }

    private final DiskServer disk;
    private final Session session;
    private final Credits credits;
    private final WriteLog log = new WriteLog();
    private final Opens opens = new Opens();
    private final ArrayDeque<Frame> backlog = new ArrayDeque<>();

    /// Sequences of writes of this connection in [Holds], and the syncs that wait for them.
    private final TreeSet<Long> heldSequences = new TreeSet<>();

    private final ArrayDeque<SyncVerb.Pending> syncs = new ArrayDeque<>();

    private long waitingBytes;
    private boolean stalled;
    private boolean retrying;
    private boolean refreshed;
    private boolean paused;
    private long reportedDurable;
    private boolean reportedFull;

    /// Whether the client can be asked for credit that it does not need.
    private final boolean recallable;

    /// It was, at that time, and has not answered.
    private boolean recalled;

    private long recalledAtNs;

    WriteLane(DiskServer disk, Session session, Credits credits, boolean recallable) {
        this.disk = disk;
        this.session = session;
        this.credits = credits;
        this.recallable = recallable;
        if (disk.creditShare().mayRefill(recallable)) {
            credits.refill();
        }
    }

    Session session() {
        return session;
    }

    Credits credits() {
        return credits;
    }

    WriteLog log() {
        return log;
    }

    Opens opens() {
        return opens;
    }

    boolean closed() {
        return session.closed();
    }

    /// Whether the frame in hand has waited at the head before: it was checked and counted then.
    boolean retrying() {
        return retrying;
    }

    @Override
    public void onFrame(Frame frame) {
        if (stalled || !backlog.isEmpty()) {
            enter(frame);
            backlog.add(frame);
        } else {
            handle(frame);
        }
    }

    @Override
    public void onClosed() {
        credits.close();
        disk.creditShare().closed(this);
        for (Frame frame : backlog) {
            frame.release();
        }
        backlog.clear();
        syncs.clear();
        disk.laneClosed(this);
    }

    /// The frame at the head waits until the map holds all that is committed now.
    ///
    /// @return false where it has waited for that already: what it speaks of does not exist
    boolean awaitMap() {
        if (refreshed) {
            return false;
        }
        disk.refresh(() -> {
            refreshed = true;
            resume();
        });
        return true;
    }

    /// Goes on with the frame at the head.
    void resume() {
        if (closed()) {
            return;
        }
        Check.that(stalled, "resumed without a stall");
        stalled = false;
        retrying = true;
        while (!stalled && !backlog.isEmpty() && !closed()) {
            Frame frame = backlog.remove();
            leave(frame);
            handle(frame);
            if (!stalled) {
                retrying = false;
                refreshed = false;
            }
        }
        retrying = false;
    }

    private void handle(Frame frame) {
        Progress progress =
                switch (frame.type()) {
                    case MessageType.WRITE -> disk.writes().on(this, frame);
                    case MessageType.SYNC -> disk.syncs().on(this, frame);
                    case MessageType.OPEN -> disk.openings().onOpen(this, frame);
                    case MessageType.LIST -> disk.openings().onList(this, frame);
                    case MessageType.LEVEL -> disk.levels().on(this, frame);
                    case MessageType.CREDIT_NEED -> onNeed(frame);
                    default -> invalid(frame, "type");
                };
        if (progress == Progress.WAIT && !closed()) {
            stalled = true;
            enter(frame);
            backlog.addFirst(frame);
        } else if (progress != Progress.TAKEN) {
            frame.release();
        }
    }

    /// The frame breaks the protocol: the connection ends behind an answer that says so.
    Progress invalid(Frame frame, String why) {
        session.send(
                disk.frames()
                        .take()
                        .start(frame.type() + 1 & 0xFF, frame.requestId(), Frame.HEADER_BYTES)
                        .status(Status.INVALID));
        session.end("invalid-" + why);
        return Progress.DONE;
    }

    // Writes that wait for their chunk.

    void held(Frame write) {
        heldSequences.add(WriteRequest.sequence(write));
        enter(write);
    }

    void letGo(Frame write) {
        heldSequences.remove(WriteRequest.sequence(write));
        leave(write);
        while (!syncs.isEmpty() && covered(syncs.element().afterSequence())) {
            disk.syncs().start(syncs.remove());
        }
    }

    /// Starts the sync once the writes before it are in the store.
    void whenApplied(SyncVerb.Pending sync) {
        if (covered(sync.afterSequence()) && syncs.isEmpty()) {
            disk.syncs().start(sync);
        } else {
            syncs.add(sync);
        }
    }

    private boolean covered(long sequence) {
        return heldSequences.isEmpty() || heldSequences.first() > sequence;
    }

    // Answers.

    void answer(long sequence, long requestId, int status, long epoch, long version, long change) {
        log.answered(sequence, change);
        if (closed()) {
            return;
        }
        if (disk.creditShare().mayRefill(recallable)) {
            credits.refill();
        }
        if (credits.full() != reportedFull) {
            sendCredit(0); // first: who is told more credit has to know what it is for
        }
        Frame reply = disk.frames().take();
        long durable = durable();
        session.send(
                WriteReply.encode(
                        reply, requestId, status, epoch, version, durable, credits.granted()));
    }

    /// Up to which write this connection is durable; whoever asks tells the client.
    long durable() {
        reportedDurable = log.durable(disk.store().durableSequence());
        return reportedDurable;
    }

    /// Looks after what no request brings forward: credit that was short, and durability that the
    /// client has not heard of.
    void tick() {
        boolean more = disk.creditShare().mayRefill(recallable) && credits.refill();
        if (more
                || credits.full() != reportedFull
                || log.durable(disk.store().durableSequence()) > reportedDurable) {
            sendCredit(0);
        }
    }

    private void sendCredit(int flags) {
        reportedFull = credits.full();
        int all = flags | (reportedFull ? Credit.FULL : 0);
        session.send(Credit.encode(disk.frames().take(), credits.granted(), durable(), all));
    }

    // Credit that is short.

    private Progress onNeed(Frame f) {
        if (!recallable
                || !CreditNeed.valid(f)
                || !credits.returned(CreditNeed.returnedBytes(f))
                || !credits.need(CreditNeed.neededBytes(f))) {
            return invalid(f, "credit");
        }
        recalled = false;
        if (credits.lacks()) {
            disk.creditShare().need(this);
        } else {
            disk.creditShare().serve();
        }
        return Progress.DONE;
    }

    /// Grants what the client's next write lacks, or tells it that there is no space.
    ///
    /// @return false where it has to wait
    boolean serveNeed() {
        boolean served = credits.serveNeed();
        if (served) {
            sendCredit(0);
        }
        return served;
    }

    /// Others wait for credit that this client may not need.
    void recall() {
        long nowNs = disk.loop().nowNs();
        if (!recallable || stalled || closed()) {
            return;
        }
        if (!recalled) {
            recalled = true;
            recalledAtNs = nowNs;
            sendCredit(Credit.RECALL);
        } else if (nowNs - recalledAtNs > disk.parts().config().ioDeadlineNs()) {
            session.abort("keeps-credit");
        }
    }

    // Bounds.

    private void enter(Frame frame) {
        waitingBytes += frame.headBytes() + frame.dataBytes();
        checkPause();
    }

    private void leave(Frame frame) {
        waitingBytes -= frame.headBytes() + frame.dataBytes();
        checkPause();
    }

    private void checkPause() {
        boolean much =
                waitingBytes > Limits.BACKLOG_BYTES_PAUSE
                        || backlog.size() + heldSequences.size() > Limits.BACKLOG_FRAMES_PAUSE;
        if (much != paused && !closed()) {
            paused = much;
            session.connection().pauseReading(much);
        }
    }
}
