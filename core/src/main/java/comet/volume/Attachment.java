package comet.volume;

import comet.cluster.Command;
import comet.cluster.Command.Attach.Mode;
import comet.cluster.Reply;
import comet.cluster.VolumeInfo;
import comet.port.Errno;
import comet.port.Events.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Whether and how this gateway holds a volume.
///
/// ```
/// DETACHED --want--> ATTACHING --term--> OPENING --all disks fenced--> ATTACHED
///     ^                                                                   |
///     +------- DETACHING <--nothing unsynced, all level-- DRAINING <------+
/// ENDED: fenced by a newer attachment; for ever
/// ```
final class Attachment {
    enum State {
        DETACHED,
        ATTACHING,
        OPENING,
        ATTACHED,
        DRAINING,
        DETACHING,
        ENDED
    }

    private static final long ELSEWHERE_NS = GatewayConfig.SECOND_NS;

    private final Volume volume;
    private final Gateway gateway;
    private State state = State.DETACHED;
    private long sinceNs;
    private long term;
    private boolean wrote;
    private boolean renewing;
    private Mode asked = Mode.NORMAL;

    /// The operator takes it over, while a request's own wish for it is still to be answered.
    private boolean insisted;

    /// Refused lately because another gateway holds the volume: reads go with term 0 until then.
    private long elsewhereUntilNs = Long.MIN_VALUE;

    /// The newest term under which an earlier life of this gateway holds it, 0 for none.
    private final long earlierTerm;

    /// The term for which the group waits to hear that it is given back; 0 for none.
    private long toYield;

    private final List<Consumer<@Nullable String>> detachWaiters = new ArrayList<>();
    private final List<Consumer<@Nullable String>> attachWaiters = new ArrayList<>();

    Attachment(Volume volume) {
        this.volume = volume;
        gateway = volume.gateway();
        VolumeInfo.Attachment held = volume.info().attachment();
        earlierTerm = held != null && held.gatewayId() == gateway.gatewayId() ? held.term() : 0;
        sinceNs = gateway.loop().nowNs();
    }

    State state() {
        return state;
    }

    long sinceNs() {
        return sinceNs;
    }

    long term() {
        return term;
    }

    boolean attached() {
        return state == State.ATTACHED;
    }

    /// Has a term: parts of requests may be under way.
    boolean holds() {
        return state == State.ATTACHED || state == State.OPENING || state == State.DRAINING;
    }

    boolean ended() {
        return state == State.ENDED;
    }

    private void become(State next) {
        state = next;
        sinceNs = gateway.loop().nowNs();
    }

    // Attaching.

    /// A request needs the volume. Whether it may go on at once.
    boolean ready(Request request) {
        return switch (state) {
            case ATTACHED -> true;
            case DRAINING -> stay();
            case DETACHED -> want(request);
            case ATTACHING, OPENING, DETACHING, ENDED -> false;
        };
    }

    /// Somebody came before the volume was detached.
    private boolean stay() {
        if (renewing || !detachWaiters.isEmpty()) {
            return false;
        }
        become(State.ATTACHED);
        endYield();
        return true;
    }

    private boolean want(Request request) {
        boolean changes = request.kind.changes();
        if (!changes && elsewhere()) {
            request.loose = true;
            return true;
        }
        submit(changes ? Mode.NORMAL : Mode.IF_FREE);
        return false;
    }

    private boolean elsewhere() {
        VolumeInfo info = gateway.map().volume(volume.id());
        return info != null
                && info.attachment() != null
                && info.attachment().gatewayId() != gateway.gatewayId()
                && gateway.loop().nowNs() < elsewhereUntilNs;
    }

    /// The operator's, or our own after a restart: attaches without a request.
    void attach(Mode mode, Consumer<@Nullable String> done) {
        if (attached() || state == State.OPENING) {
            done.accept(null);
            return;
        }
        if (ended()) {
            done.accept("was fenced by a newer attachment: its clients must reconnect");
            return;
        }
        attachWaiters.add(done);
        if (state == State.DETACHED) {
            submit(mode);
        } else if (state == State.DRAINING) {
            become(State.ATTACHED);
            answerAttach(null);
        } else if (state == State.ATTACHING && mode == Mode.TAKEOVER && asked != mode) {
            insisted = true;
            stopWaiting();
        }
    }

    /// The group may have asked the holder, and wait for an answer that nobody wants any more. One
    /// that yields nothing changes nothing.
    private void stopWaiting() {
        VolumeInfo info = gateway.map().volume(volume.id());
        VolumeInfo.Attachment held = info == null ? null : info.attachment();
        if (held != null) {
            gateway.meta()
                    .submit(
                            new Command.AnswerYield(
                                    volume.id(), held.gatewayId(), held.term(), false),
                            reply -> {});
        }
    }

    private void submit(Mode mode) {
        become(State.ATTACHING);
        asked = mode;
        insisted = false;
        gateway.meta()
                .submit(
                        new Command.Attach(volume.id(), gateway.gatewayId(), mode),
                        this::onAttachReply);
    }

    private void onAttachReply(Reply reply) {
        if (state != State.ATTACHING) {
            return;
        }
        switch (reply) {
            case Reply.Attached attached ->
                    gateway.keeper().whenAtLeast(attached.revision(), () -> begin(attached.term()));
            case Reply.Refused refused -> refused(refused);
            case Reply.Done done -> unexpected(done);
            case Reply.Id id -> unexpected(id);
            case Reply.DiskStarted started -> unexpected(started);
        }
    }

    private static void unexpected(Reply reply) {
        throw comet.base.Check.failed("not an answer to an attach: " + reply);
    }

    private void begin(long newTerm) {
        if (state != State.ATTACHING) {
            return;
        }
        term = newTerm;
        wrote = false;
        renewing = false;
        become(State.OPENING);
        gateway.events()
                .event(Level.INFO, "volume-attached", "volume=" + volume.id() + " term=" + term);
        volume.openAll();
        onFenced();
    }

    private void refused(Reply.Refused refused) {
        if (insisted) {
            submit(Mode.TAKEOVER);
            return;
        }
        become(State.DETACHED);
        if (asked != Mode.IF_FREE || !refused.code().equals("attached-elsewhere")) {
            gateway.events()
                    .event(
                            Level.WARN,
                            "attach-refused",
                            "volume=" + volume.id() + " code=" + refused.code());
        }
        if (refused.code().equals("attached-elsewhere")) {
            elsewhereUntilNs = gateway.loop().nowNs() + ELSEWHERE_NS;
            if (asked != Mode.IF_FREE) {
                volume.failChanges(Errno.EPERM);
            }
        } else {
            volume.failQueued(Errno.EIO);
        }
        answerAttach(refused.message());
        answerDetach(null);
        volume.pump();
    }

    private void answerAttach(@Nullable String why) {
        List<Consumer<@Nullable String>> waiters = List.copyOf(attachWaiters);
        attachWaiters.clear();
        waiters.forEach(waiter -> waiter.accept(why));
    }

    /// Some member has fenced older terms; with the last of them I/O may begin.
    void onFenced() {
        if (state == State.OPENING && volume.opening().allFenced()) {
            become(State.ATTACHED);
            answerAttach(null);
            volume.pump();
            volume.clients().leftAlone();
        }
    }

    void wrote() {
        wrote = true;
    }

    // Losing it.

    /// A replica or the map knows a newer attachment.
    void fenced() {
        if (!holds()) {
            return;
        }
        if (!wrote && !volume.changing()) {
            // Given up by a yield or lost before anything was done with it: reads can go on.
            release();
            return;
        }
        // After a migration nothing is left here: the source has flushed, and asks for nothing
        // more.
        gateway.events()
                .event(
                        volume.changing() ? Level.WARN : Level.INFO,
                        "volume-fenced",
                        "volume="
                                + volume.id()
                                + " term="
                                + term
                                + " unsynced="
                                + volume.unsynced().count());
        become(State.ENDED);
        volume.end(Errno.ESHUTDOWN);
        answerDetach("fenced by a newer attachment");
        answerAttach("fenced by a newer attachment");
    }

    void readFenced(ReadPart part) {
        fenced();
        if (!part.dead) {
            part.loose = !holds();
            volume.retryLater(part);
        }
    }

    /// The group asks whether another may have the volume.
    void onYieldAsked(long askedTerm) {
        boolean busy = state == State.ATTACHED && term == askedTerm && (wrote || volume.changing());
        // What an earlier life has written nobody knows: it is attached again and levelled first.
        boolean earlier = askedTerm <= earlierTerm;
        boolean ends = state == State.DRAINING || state == State.DETACHING;
        boolean yields = !busy && !earlier && !ends;
        if ((busy || ends) && term == askedTerm && volume.clients().nobody()) {
            // Kept for clients that may come again; where one has come elsewhere it goes there,
            // unless one comes here meanwhile.
            toYield = askedTerm;
            drain();
            return;
        }
        answerYield(askedTerm, yields);
        if (yields && holds() && term == askedTerm) {
            release();
        }
    }

    /// It was given back for one who has asked, or somebody has come and it stays.
    private void endYield() {
        if (toYield != 0) {
            answerYield(toYield, false);
            toYield = 0;
        }
    }

    private void answerYield(long askedTerm, boolean yields) {
        gateway.meta()
                .submit(
                        new Command.AnswerYield(
                                volume.id(), gateway.gatewayId(), askedTerm, yields),
                        reply -> {});
    }

    /// Goes back to DETACHED with nothing to be saved; reads under way go on with term 0.
    private void release() {
        become(State.DETACHED);
        elsewhereUntilNs = gateway.loop().nowNs() + ELSEWHERE_NS;
        term = 0;
        volume.loosen();
        answerAttach("given up to another gateway before anything was written");
        answerDetach(null);
        gateway.keeper().refresh();
        volume.pump();
    }

    // Detaching.

    /// Levels, flushes and detaches; answers null, or why not.
    void detach(Consumer<@Nullable String> done) {
        if (state == State.DETACHED || state == State.ENDED) {
            done.accept(null);
            return;
        }
        detachWaiters.add(done);
        drain();
    }

    /// As [#detach], as soon as that is possible and unless somebody comes meanwhile.
    void drain() {
        if (state == State.ATTACHED) {
            become(State.DRAINING);
            volume.flush().background();
            onProgress();
        }
    }

    /// The count of a chunk nears its end: detaches, so that the next request takes a new term.
    void renewTerm() {
        renewing = true;
        drain();
    }

    /// Something has ended that detaching may wait for.
    void onProgress() {
        if (state != State.DRAINING) {
            if (state == State.ATTACHED && !detachWaiters.isEmpty()) {
                drain();
            }
            return;
        }
        if (volume.idle() && volume.levelling().left() == 0 && volume.allOpen()) {
            if (volume.unsynced().count() > 0) {
                volume.flush().background();
            } else {
                submitDetach();
            }
        }
    }

    private void submitDetach() {
        become(State.DETACHING);
        gateway.meta()
                .submit(
                        new Command.Detach(volume.id(), gateway.gatewayId(), term, true),
                        reply -> gateway.keeper().whenAtLeast(reply.revision(), this::onDetached));
    }

    private void onDetached() {
        if (state != State.DETACHING) {
            return;
        }
        gateway.events()
                .event(Level.INFO, "volume-detached", "volume=" + volume.id() + " term=" + term);
        become(State.DETACHED);
        term = 0;
        volume.loosen();
        answerDetach(null);
        if (!attachWaiters.isEmpty()) {
            submit(Mode.NORMAL);
        }
        volume.pump();
    }

    private void answerDetach(@Nullable String why) {
        List<Consumer<@Nullable String>> waiters = List.copyOf(detachWaiters);
        detachWaiters.clear();
        waiters.forEach(waiter -> waiter.accept(why));
        endYield();
    }
}
