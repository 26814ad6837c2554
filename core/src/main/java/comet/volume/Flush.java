package comet.volume;

import comet.base.Check;
import comet.base.LongObjectMap;
import comet.wire.Frame;
import comet.wire.MessageType;
import comet.wire.Status;
import comet.wire.SyncRequest;
import java.util.ArrayDeque;

/// Flushes of one volume, in rounds: a round covers every write that was complete when it began and
/// ends when each of them is durable on every member, that is, when [UnsyncedWrites] has let go of
/// it. SYNCs only bring that about: one per disk and round, sent again after a resend, where an
/// answer came from another epoch, or where it left something open. Requests that come during a
/// round share the next.
final class Flush {
    private static final long AGAIN_NS = 5_000_000;

    private final Volume volume;
    private final Gateway gateway;
    private final ArrayDeque<Request> waiting = new ArrayDeque<>();
    private final ArrayDeque<Request> served = new ArrayDeque<>();

    /// Requests whose round is over, to be answered. Apart from those served by a round, because an
    /// answer makes room for other requests, and those may begin the next round.
    private final ArrayDeque<Request> over = new ArrayDeque<>();

    private final LongObjectMap<SyncCall> calls = new LongObjectMap<>();
    private boolean answering;
    private boolean active;
    private long round;
    private int remaining;

    Flush(Volume volume) {
        this.volume = volume;
        gateway = volume.gateway();
    }

    boolean active() {
        return active;
    }

    void request(Request request) {
        if (!active && volume.unsynced().completeCount() == 0) {
            volume.finish(request);
            return;
        }
        waiting.addLast(request);
        if (!active) {
            begin();
        }
    }

    /// Flushes for our own sake, to bound what is kept.
    void background() {
        if (!active && volume.unsynced().completeCount() > 0) {
            begin();
        }
    }

    private void begin() {
        active = true;
        round++;
        remaining = 0;
        moveAll(waiting, served);
        for (VolumePg pg = volume.unsynced().dirtyFirst(); pg != null; pg = pg.dirtyNext) {
            for (WritePart part = pg.keptFirst; part != null; part = part.keptNext) {
                if (part.stage == WritePart.Stage.COMPLETE) {
                    part.flushRound = round;
                    remaining++;
                }
            }
        }
        if (remaining == 0) {
            end();
        } else {
            sync();
        }
    }

    /// A kept write was let go of.
    void released(long partRound) {
        if (active && partRound == round && --remaining == 0) {
            end();
        }
    }

    private void end() {
        active = false;
        moveAll(served, over);
        if (answering) {
            return;
        }
        answering = true;
        answerOver();
        answering = false;
        if (!active && !waiting.isEmpty()) {
            begin();
        }
    }

    private void answerOver() {
        for (Request request = over.poll(); request != null; request = over.poll()) {
            volume.finish(request);
        }
    }

    private static void moveAll(ArrayDeque<Request> from, ArrayDeque<Request> to) {
        for (Request request = from.poll(); request != null; request = from.poll()) {
            to.addLast(request);
        }
    }

    /// Sends a SYNC to every disk that still has to make something of this round durable and owes
    /// no answer to one.
    void sync() {
        if (!active) {
            return;
        }
        for (VolumePg pg = volume.unsynced().dirtyFirst(); pg != null; pg = pg.dirtyNext) {
            if (pg.phase != VolumePg.Phase.OPEN) {
                continue;
            }
            for (int m = 0; m < pg.members; m++) {
                if (pg.writable(m) && lacks(pg, m)) {
                    call(pg.peer(m)).add(pg);
                }
            }
        }
        for (int slot = 0; slot < calls.slots(); slot++) {
            SyncCall call = calls.valueAt(slot);
            if (call != null) {
                call.send();
            }
        }
    }

    private boolean lacks(VolumePg pg, int member) {
        for (WritePart part = pg.keptFirst; part != null; part = part.keptNext) {
            MemberWrite copy = part.copies[member];
            if (part.flushRound == round && copy.sent() && !copy.durable) {
                return true;
            }
        }
        return false;
    }

    private SyncCall call(DiskPeer peer) {
        SyncCall call = calls.get(peer.diskId());
        if (call == null) {
            call = new SyncCall(peer);
            calls.put(peer.diskId(), call);
        }
        return call;
    }

    /// The volume has ended.
    void fail(int errno) {
        active = false;
        moveAll(waiting, served);
        for (Request request : served) {
            request.fail(errno);
        }
        moveAll(served, over);
        answerOver();
        for (int slot = 0; slot < calls.slots(); slot++) {
            SyncCall call = calls.valueAt(slot);
            if (call != null) {
                call.abandon();
            }
        }
        calls.clear();
    }

    /// The SYNCs of this volume at one disk; one under way at a time.
    private final class SyncCall implements Pending {
        private final DiskPeer peer;
        private VolumePg[] pgs = new VolumePg[8];
        private long[] epochs = new long[8];
        private int asked;
        private int count;
        private boolean underWay;

        /// More was to be asked while one was under way.
        private boolean again;

        private long requestId;
        private long sentBehind;

        SyncCall(DiskPeer peer) {
            this.peer = peer;
        }

        void add(VolumePg pg) {
            if (underWay || count == SyncRequest.PGS_MAX) {
                again = true;
                return;
            }
            if (count == pgs.length) {
                pgs = java.util.Arrays.copyOf(pgs, count * 2);
                epochs = java.util.Arrays.copyOf(epochs, count * 2);
            }
            epochs[count] = pg.epoch;
            pgs[count++] = pg;
        }

        void send() {
            if (underWay || count == 0 || !peer.write().up()) {
                count = underWay ? count : 0;
                return;
            }
            underWay = true;
            asked = count;
            sentBehind = peer.sequence();
            requestId = peer.write().register(this);
            Frame frame = gateway.frames().take();
            SyncRequest.start(frame, MessageType.SYNC, requestId, volume.id(), count);
            for (int n = 0; n < count; n++) {
                SyncRequest.entry(frame, n, pgs[n].pg, 0, pgs[n].epoch);
            }
            peer.write().send(frame);
        }

        @Override
        public void onReply(Frame reply) {
            Check.that(underWay, "an answer to no sync");
            underWay = false;
            count = 0;
            if (!SyncRequest.valid(reply)) {
                peer.write().reconnect("a malformed answer to a sync");
                return;
            }
            if (reply.status() == Status.FENCED) {
                volume.attachment().fenced();
                return;
            }
            for (int n = 0; n < SyncRequest.count(reply); n++) {
                if (SyncRequest.entryStatus(reply, n) != Status.OK) {
                    refused(SyncRequest.pg(reply, n));
                }
            }
            if (reply.status() == Status.OK) {
                peer.onDurable(SyncRequest.durableSequence(reply));
            }
            // The next round may have begun and asked already.
            if (active && !underWay && (again || leftOpen())) {
                again = false;
                if (peer.sequence() > sentBehind && reply.status() == Status.OK) {
                    sync();
                } else {
                    volume.later(AGAIN_NS, Flush.this::sync);
                }
            }
        }

        /// Whether something that was asked for is not durable all the same.
        private boolean leftOpen() {
            for (int n = 0; n < asked; n++) {
                VolumePg pg = pgs[n];
                int m = pg.memberOf(peer);
                if (pg.phase == VolumePg.Phase.OPEN && m >= 0 && lacks(pg, m)) {
                    return true;
                }
            }
            return false;
        }

        private void refused(int pgNumber) {
            for (int n = 0; n < asked; n++) {
                VolumePg pg = pgs[n];
                if (pg.pg == pgNumber && pg.epoch == epochs[n]) {
                    volume.opening().trouble(pg);
                }
            }
        }

        @Override
        public void onBroken() {
            underWay = false;
            again = false;
            count = 0;
        }

        void abandon() {
            if (underWay) {
                peer.write().forget(requestId);
                underWay = false;
            }
            count = 0;
        }
    }
}
