package comet.server.control;

import comet.io.loop.EventLoop;
import comet.port.Connection;
import comet.server.control.ControlClient.Network;
import comet.server.control.ControlMessage.Push;
import comet.server.control.ControlMessage.Request;
import comet.server.control.ControlMessage.Response;
import comet.server.raft.MetaStatus;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Asks one process alone whether it carries a member of the metadata group, and which. For threads
/// other than the loop.
public final class MemberCall implements AutoCloseable {
    private static final long PATIENCE_MS = 2000;

    private final EventLoop loop;
    private final Supplier<Connection.Dialer> dialer;
    private final ExecutorService worker =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().daemon().name("member-call-", 0).factory());

    /// @param dialer for calls from this loop
    public MemberCall(EventLoop loop, Supplier<Connection.Dialer> dialer) {
        this.loop = loop;
        this.dialer = dialer;
    }

    /// @param control `HOST:PORT`
    /// @return what it says; fails where nobody answers there for two seconds
    public CompletableFuture<MetaStatus> status(String control) {
        Call call = new Call();
        loop.submit(() -> {
            Network network =
                    new Network(
                            dialer.get(),
                            loop.frames(),
                            loop.bufs(),
                            MemberBook.of(List.of(List.of(control))),
                            0,
                            0);
            RemoteLink link = new RemoteLink(network, worker, loop::submit, call);
            call.link = link;
            link.dial(List.of(control));
        });
        return call.result
                .orTimeout(PATIENCE_MS, TimeUnit.MILLISECONDS)
                .whenComplete((_, _) -> loop.submit(call::end));
    }

    @Override
    public void close() {
        worker.shutdown();
    }

    private static final class Call implements MemberLink.Handler {
        private final CompletableFuture<MetaStatus> result = new CompletableFuture<>();
        private @Nullable MemberLink link;

        void end() {
            if (link != null) {
                link.close();
            }
        }

        @Override
        public void onReady() {
            if (link != null) {
                link.send(1, new Request.Status());
            }
        }

        @Override
        public void onResponse(long requestId, Response response) {
            if (response instanceof Response.Status status) {
                result.complete(status.status());
            } else {
                onEnded("no status");
            }
        }

        @Override
        public void onPush(Push push) {}

        @Override
        public void onEnded(String why) {
            result.completeExceptionally(new IllegalStateException(why));
        }
    }
}
