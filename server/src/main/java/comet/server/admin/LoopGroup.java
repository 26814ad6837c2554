package comet.server.admin;

import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.MapUpdate;
import comet.cluster.Reply;
import comet.port.MetaClient;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/// The metadata group through a client that lives on a loop. Keeps a map of its own, brought up to
/// date by each read, so that views of it need not run on the loop.
public final class LoopGroup implements GroupAccess {
    private static final Duration READ_MAX = Duration.ofSeconds(5);
    private static final Duration SUBMIT_MAX = Duration.ofSeconds(20);

    private final Executor loop;
    private final MetaClient client;
    private final Supplier<CompletableFuture<GroupStatus>> status;
    private final ClusterMap map = new ClusterMap();

    /// @param loop runs work on the client's own thread
    /// @param status asks who lives
    public LoopGroup(
            Executor loop, MetaClient client, Supplier<CompletableFuture<GroupStatus>> status) {
        this.loop = loop;
        this.client = client;
        this.status = status;
    }

    @Override
    public synchronized <T> T read(Function<ClusterMap, T> view) {
        long known = map.revision();
        MapUpdate update = await(done -> client.fetch(known, done), READ_MAX);
        if (!map.apply(update)) {
            map.apply(await(done -> client.fetch(0, done), READ_MAX));
        }
        return view.apply(map);
    }

    @Override
    public Reply submit(Command command) {
        Reply reply = await(done -> client.submit(command, done), SUBMIT_MAX);
        if (reply instanceof Reply.Refused refused) {
            throw refused.code().startsWith("unknown-")
                    ? AdminException.missing(refused.code(), refused.message())
                    : AdminException.conflict(refused.code(), refused.message());
        }
        return reply;
    }

    @Override
    public GroupStatus status() {
        return get(status.get(), READ_MAX);
    }

    private <T> T await(Consumer<Consumer<T>> ask, Duration limit) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        loop.execute(() -> ask.accept(answer::complete));
        return get(answer, limit);
    }

    private static <T> T get(CompletableFuture<T> answer, Duration limit) {
        try {
            return answer.get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw AdminException.unavailable(
                    "no-quorum",
                    "the metadata group has not answered within %d s; a change that was asked for may still be made when it does"
                            .formatted(limit.toSeconds()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw AdminException.unavailable("stopping", "this process is stopping");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof AdminException known) {
                throw known;
            }
            throw new IllegalStateException(e.getCause());
        }
    }
}
