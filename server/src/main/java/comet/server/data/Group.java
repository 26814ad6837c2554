package comet.server.data;

import comet.cluster.ClusterInfo;
import comet.cluster.Command;
import comet.cluster.MapUpdate;
import comet.cluster.Reply;
import comet.io.loop.EventLoop;
import comet.port.MetaClient;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/// The metadata group as a starting process asks it: blocking, on one thread at a time that is not
/// the loop's, for as long as it takes or until [#stop].
final class Group {
    /// Between two questions whose answer was "not yet".
    private static final long AGAIN_MS = 500;

    /// How often a name is asked for that somebody else has: one that has just died counts as alive
    /// for three seconds.
    private static final int LIVES_TRIES = 8;

    private final EventLoop loop;
    private final MetaClient meta;

    /// Completed when nobody is to wait any more.
    private final CompletableFuture<Void> stopped = new CompletableFuture<>();

    Group(EventLoop loop, MetaClient meta) {
        this.loop = loop;
        this.meta = meta;
    }

    /// From any thread: whoever waits, or would, is told that the process stops.
    void stop() {
        stopped.complete(null);
    }

    /// Waits until there is a cluster.
    ClusterInfo cluster() throws DataException, InterruptedException {
        while (true) {
            MapUpdate update = this.<MapUpdate>ask(done -> meta.fetch(0, done));
            ClusterInfo cluster = update.cluster();
            if (cluster != null) {
                return cluster;
            }
            pause();
        }
    }

    /// The id that a registration gives.
    long register(Command command) throws DataException, InterruptedException {
        for (int tries = 0; ; tries++) {
            Reply reply = this.<Reply>ask(done -> meta.submit(command, done));
            switch (reply) {
                case Reply.Id id -> {
                    return id.id();
                }
                case Reply.Refused refused when refused.code().equals("no-cluster") -> pause();
                case Reply.Refused refused when refused.code().equals("wait-for-gateway") ->
                        pause();
                case Reply.Refused refused -> {
                    if (!refused.code().equals("gateway-lives") || tries >= LIVES_TRIES) {
                        throw new DataException(refused.message());
                    }
                    pause();
                }
                case Reply.Done _, Reply.DiskStarted _, Reply.Attached _ ->
                        throw new IllegalStateException(command + " was answered with " + reply);
            }
        }
    }

    private <T> T ask(Consumer<Consumer<T>> question) throws DataException, InterruptedException {
        CompletableFuture<T> answer = new CompletableFuture<>();
        loop.submit(() -> question.accept(answer::complete));
        try {
            CompletableFuture.anyOf(answer, stopped).get();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
        if (stopped.isDone()) {
            throw stopping();
        }
        return answer.join();
    }

    private void pause() throws DataException, InterruptedException {
        try {
            stopped.get(AGAIN_MS, TimeUnit.MILLISECONDS);
            throw stopping();
        } catch (TimeoutException _) {
            return;
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    static DataException stopping() {
        return new DataException("the process is stopping");
    }
}
