package comet.server.data;

import comet.cluster.ClusterInfo;
import comet.cluster.Command;
import comet.cluster.MapUpdate;
import comet.cluster.Reply;
import comet.io.loop.EventLoop;
import comet.port.MetaClient;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;

/// The metadata group as a starting process asks it: blocking, on a thread that is not the loop's,
/// for as long as it takes.
final class Group {
    /// Between two questions whose answer was "not yet".
    private static final long AGAIN_MS = 500;

    /// How often a name is asked for that somebody else has: one that has just died counts as alive
    /// for three seconds.
    private static final int LIVES_TRIES = 8;

    private final EventLoop loop;
    private final MetaClient meta;

    Group(EventLoop loop, MetaClient meta) {
        this.loop = loop;
        this.meta = meta;
    }

    /// Waits until there is a cluster.
    ClusterInfo cluster() throws InterruptedException {
        while (true) {
            MapUpdate update = this.<MapUpdate>ask(done -> meta.fetch(0, done));
            ClusterInfo cluster = update.cluster();
            if (cluster != null) {
                return cluster;
            }
            Thread.sleep(AGAIN_MS);
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
                case Reply.Refused refused when refused.code().equals("no-cluster") ->
                        Thread.sleep(AGAIN_MS);
                case Reply.Refused refused when refused.code().equals("wait-for-gateway") ->
                        Thread.sleep(AGAIN_MS);
                case Reply.Refused refused -> {
                    if (!refused.code().equals("gateway-lives") || tries >= LIVES_TRIES) {
                        throw new DataException(refused.message());
                    }
                    Thread.sleep(AGAIN_MS);
                }
                case Reply.Done _, Reply.DiskStarted _, Reply.Attached _ ->
                        throw new IllegalStateException(command + " was answered with " + reply);
            }
        }
    }

    private <T> T ask(Consumer<Consumer<T>> question) throws InterruptedException {
        CompletableFuture<T> answer = new CompletableFuture<>();
        loop.submit(() -> question.accept(answer::complete));
        try {
            return answer.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }
}
