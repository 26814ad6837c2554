package comet.server.control;

import comet.cluster.GroupMember;
import comet.cluster.MapUpdate;
import comet.meta.Decision.YieldQuestion;
import comet.server.control.ControlMessage.Push;
import comet.server.control.ControlMessage.Request;
import comet.server.control.ControlMessage.Response;
import comet.server.control.ControlService.Pushed;
import comet.server.raft.MetaMember;
import comet.server.raft.NotLeaderException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One client of this member, over a connection or within the process. Owner thread: the service's
/// worker.
final class ControlSession {
    /// Requests of one client that may wait for answers; the next one ends the session.
    static final int REQUESTS_MAX = 4096;

    private static final Logger LOG = LoggerFactory.getLogger(ControlSession.class);

    private final MetaMember member;
    private final Executor worker;
    private final Link link;
    private int requestsOpen;
    private long gatewayId;
    private boolean subscribed;
    private boolean closed;
    private List<GroupMember> toldMembers = List.of();

    /// What the client was pushed already.
    private long sentRevision;

    /// The way back to the client.
    interface Link {
        void respond(long requestId, Response response);

        void push(Pushed pushed);

        /// Too much lies in front of the client already: pushes wait.
        boolean isCongested();

        void close(String why);
    }

    ControlSession(MetaMember member, Executor worker, Link link) {
        this.member = member;
        this.worker = worker;
        this.link = link;
    }

    void onRequest(long requestId, Request request) {
        if (closed) {
            return;
        }
        if (request instanceof Request.Status) {
            link.respond(requestId, new Response.Status(member.status()));
            return;
        }
        if (!member.leads()) {
            link.respond(requestId, notLeader());
            return;
        }
        switch (request) {
            case Request.Submit submit when submit.submission().command().leadersOnly() ->
                    close("only the leader says what cannot be reached, and what is to move");
            case Request.Submit submit ->
                    await(
                            requestId,
                            member.submit(submit.submission()).thenApply(Response.Answer::new));
            case Request.Fetch fetch ->
                    await(
                            requestId,
                            member.fetch(fetch.revision()).thenApply(Response.Update::new));
            case Request.Events events ->
                    await(requestId, member.events(events.after()).thenApply(Response.Events::new));
            case Request.Subscribe subscribe -> {
                subscribed = true;
                sentRevision = subscribe.revision();
                link.respond(requestId, new Response.Done());
                catchUp();
            }
            case Request.Beat beat -> {
                gatewayId = beat.gatewayId();
                member.beat(beat.gatewayId(), beat.disks(), beat.uses(), beat.gone(), beat.nbd());
                if (!beat.member().isEmpty()) {
                    member.membership().reportFolder(beat.member(), beat.folder());
                }
                link.respond(requestId, new Response.Done(newMembers()));
                catchUp();
            }
            case Request.Report report ->
                    link.respond(
                            requestId,
                            new Response.Reached(
                                    member.report(
                                            report.gatewayId(), report.silent(), report.slow())));
            case Request.Members _ ->
                    await(requestId, member.membership().list().thenApply(Response.Members::new));
            case Request.ChangeMembers change ->
                    await(
                            requestId,
                            member.membership()
                                    .change(change.add(), change.remove())
                                    .thenApply(Response.Answer::new));
            case Request.Status _ -> throw new IllegalStateException("answered above");
        }
    }

    /// Who belongs to the group, where the client does not know it yet.
    private List<GroupMember> newMembers() {
        List<GroupMember> members = member.members();
        if (members.equals(toldMembers)) {
            return List.of();
        }
        toldMembers = members;
        return members;
    }

    private void await(long requestId, CompletableFuture<? extends Response> future) {
        if (++requestsOpen > REQUESTS_MAX) {
            close("more than " + REQUESTS_MAX + " open requests");
            return;
        }
        var _ =
                future.whenCompleteAsync(
                        (response, failure) -> {
                            requestsOpen--;
                            if (closed) {
                                return;
                            }
                            if (failure == null) {
                                link.respond(requestId, response);
                                return;
                            }
                            Throwable cause =
                                    failure instanceof CompletionException
                                                    && failure.getCause() != null
                                            ? failure.getCause()
                                            : failure;
                            if (!(cause instanceof NotLeaderException)) {
                                LOG.error("control request failed", cause);
                            }
                            link.respond(requestId, notLeader());
                        },
                        worker);
    }

    private Response notLeader() {
        return new Response.NotLeader(member.leaderAddresses());
    }

    /// Pushes what an applied entry changed, or, where something was left out before, all that is
    /// missing.
    void onUpdate(MapUpdate update, Pushed pushed) {
        if (!subscribed || closed || update.revision() <= sentRevision || link.isCongested()) {
            return;
        }
        if (update.after() == sentRevision) {
            sentRevision = update.revision();
            link.push(pushed);
        } else {
            catchUp();
        }
    }

    private void catchUp() {
        if (!subscribed || closed || link.isCongested()) {
            return;
        }
        MapUpdate missing = member.localChangesAfter(sentRevision);
        if (missing.revision() > sentRevision) {
            sentRevision = missing.revision();
            link.push(new Pushed(new Push.Changed(missing)));
        }
    }

    void onYieldQuestion(YieldQuestion question) {
        if (!closed && gatewayId != 0 && gatewayId == question.gatewayId()) {
            Push push = new Push.YieldAsked(question.volumeId(), question.term());
            link.push(new Pushed(push));
        }
    }

    /// This member no longer leads: the client looks for the one that does.
    void onFollow() {
        if (!closed && subscribed) {
            close("this member no longer leads");
        }
    }

    void close(String why) {
        closed = true;
        link.close(why);
    }

    void closedByPeer() {
        closed = true;
    }
}
