package comet.server.control;

import comet.server.control.ControlMessage.Request;
import comet.server.control.ControlMessage.Response;
import comet.server.control.ControlService.Pushed;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// To a member in the same process: messages by reference, from the loop to the service's worker
/// and back.
final class LocalLink implements MemberLink, ControlSession.Link {
    private static final Logger LOG = LoggerFactory.getLogger(LocalLink.class);

    private final ControlService service;
    private final Executor onLoop;
    private final Handler handler;
    private boolean closed;

    /// Owner thread: the worker.
    private @Nullable ControlSession session;

    LocalLink(ControlService service, Executor onLoop, Handler handler) {
        this.service = service;
        this.onLoop = onLoop;
        this.handler = handler;
    }

    void open() {
        service.open(
                this,
                opened -> {
                    session = opened;
                    loop(handler::onReady);
                });
    }

    @Override
    public void send(long requestId, Request request) {
        service.onWorker(() -> {
            if (session != null) {
                session.onRequest(requestId, request);
            }
        });
    }

    @Override
    public void close() {
        closed = true;
        service.onWorker(() -> {
            if (session != null) {
                service.gone(session);
            }
        });
    }

    @Override
    public void respond(long requestId, Response response) {
        loop(() -> handler.onResponse(requestId, response));
    }

    @Override
    public void push(Pushed pushed) {
        loop(() -> handler.onPush(pushed.push));
    }

    @Override
    public boolean isCongested() {
        return false;
    }

    @Override
    public void close(String why) {
        loop(() -> handler.onEnded(why));
    }

    private void loop(Runnable action) {
        try {
            onLoop.execute(() -> {
                if (!closed) {
                    action.run();
                }
            });
        } catch (RejectedExecutionException e) {
            LOG.debug("control answer dropped", e);
        }
    }
}
