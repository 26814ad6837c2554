package comet.server.control;

import comet.cluster.Command;
import comet.cluster.GroupMember;
import comet.cluster.MapUpdate;
import comet.cluster.Reply;
import comet.meta.GroupEvent;
import comet.server.control.ControlMessage.Request;
import comet.server.control.ControlMessage.Response;
import comet.server.raft.MetaMembers;
import comet.server.raft.MetaStatus;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;

/// A [ControlClient] for threads that may wait, such as those of the admin API. Not for the
/// client's loop.
public final class BlockingMeta {
    private final ControlClient client;
    private final Executor onLoop;

    /// @param onLoop runs work on the client's loop
    public BlockingMeta(ControlClient client, Executor onLoop) {
        this.client = client;
        this.onLoop = onLoop;
    }

    /// @throws TimeoutException where the group has not answered; it may still decide
    public Reply submit(Command command, Duration deadline)
            throws TimeoutException, InterruptedException {
        return await(done -> client.submitNamed(command, done), deadline);
    }

    /// A linearizable read of what changed after `revision`.
    public MapUpdate fetch(long revision, Duration deadline)
            throws TimeoutException, InterruptedException {
        return await(
                done ->
                        client.ask(
                                new Request.Fetch(revision),
                                response -> {
                                    if (response instanceof Response.Update update) {
                                        done.accept(update.update());
                                    }
                                }),
                deadline);
    }

    /// What people are told, after event `after`, oldest first.
    public List<GroupEvent> events(long after, Duration deadline)
            throws TimeoutException, InterruptedException {
        return await(
                done ->
                        client.ask(
                                new Request.Events(after),
                                response -> {
                                    if (response instanceof Response.Events events) {
                                        done.accept(events.events());
                                    }
                                }),
                deadline);
    }

    /// Who belongs to the metadata group.
    public MetaMembers members(Duration deadline) throws TimeoutException, InterruptedException {
        return await(
                done ->
                        client.ask(
                                new Request.Members(),
                                response -> {
                                    if (response instanceof Response.Members members) {
                                        done.accept(members.members());
                                    }
                                }),
                deadline);
    }

    /// Adds a member, removes one, or puts one in the other's place.
    ///
    /// @throws TimeoutException where the change is not ended; it may still be
    public Reply changeMembers(List<GroupMember> add, List<String> remove, Duration deadline)
            throws TimeoutException, InterruptedException {
        return await(
                done ->
                        client.ask(
                                new Request.ChangeMembers(add, remove),
                                response -> {
                                    if (response instanceof Response.Answer answer) {
                                        done.accept(answer.reply());
                                    }
                                }),
                deadline);
    }

    public MetaStatus status(Duration deadline) throws TimeoutException, InterruptedException {
        return await(
                done -> client.ask(new Request.Status(), ControlClient.statusOf(done)), deadline);
    }

    private <T> T await(ToLongFunction<Consumer<T>> ask, Duration deadline)
            throws TimeoutException, InterruptedException {
        CompletableFuture<T> result = new CompletableFuture<>();
        CompletableFuture<Long> asked = new CompletableFuture<>();
        onLoop.execute(() -> asked.complete(ask.applyAsLong(result::complete)));
        try {
            return result.get(deadline.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw new IllegalStateException("an answer cannot fail", e);
        } finally {
            if (!result.isDone()) {
                var _ =
                        asked.thenAccept(
                                requestId -> onLoop.execute(() -> client.forget(requestId)));
            }
        }
    }
}
