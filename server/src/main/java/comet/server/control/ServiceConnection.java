package comet.server.control;

import comet.base.Buf;
import comet.base.BufPool;
import comet.port.Connection;
import comet.server.control.ControlMessage.Request;
import comet.server.control.ControlMessage.Response;
import comet.server.control.ControlService.Pushed;
import comet.server.json.Json;
import comet.wire.Frame;
import comet.wire.FramePool;
import comet.wire.Hello;
import comet.wire.MessageType;
import comet.wire.Status;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A client's connection: HELLO, then requests. Frames come and go on the connection's loop; the
/// service's worker reads and writes the documents.
final class ServiceConnection implements Connection.Handler, ControlSession.Link {
    private static final Logger LOG = LoggerFactory.getLogger(ServiceConnection.class);

    /// A request is small: the largest names some PGs with their epochs.
    static final int WIRE_BYTES_MAX = 1 << 20;

    static final int TEXT_BYTES_MAX = 8 << 20;

    /// Bytes in front of a client above which pushes wait.
    private static final long CONGESTED_BYTES = 16 << 20;

    /// Requests that wait for the worker, above which nothing more is read.
    private static final int WORK_MAX = 64;

    private final ControlService service;
    private final Connection connection;
    private final Executor onLoop;
    private final FramePool frames;
    private final BufPool bufs;
    private final Documents.Assembler assembler = new Documents.Assembler(WIRE_BYTES_MAX);
    private final AtomicInteger work = new AtomicInteger();

    /// As of the last frame sent; a heartbeat's answer refreshes it.
    private volatile long queuedBytes;

    private boolean greeted;
    private boolean ended;
    private boolean paused;

    /// Owner thread: the worker.
    private @Nullable ControlSession session;

    ServiceConnection(
            ControlService service,
            Connection connection,
            Executor onLoop,
            FramePool frames,
            BufPool bufs) {
        this.service = service;
        this.connection = connection;
        this.onLoop = onLoop;
        this.frames = frames;
        this.bufs = bufs;
    }

    @Override
    public void onFrame(Frame frame) {
        try {
            if (ended) {
                return;
            }
            if (!greeted) {
                greet(frame);
            } else if (frame.type() == MessageType.CONTROL) {
                Documents.Encoded document = assembler.add(frame);
                if (document != null) {
                    hand(frame.requestId(), document);
                }
            } else {
                malformed("a frame of type " + frame.type());
            }
        } catch (Json.MalformedException e) {
            malformed(String.valueOf(e.getMessage()));
        } finally {
            frame.release();
        }
    }

    private void greet(Frame frame) {
        Hello hello = Hello.decode(frame);
        if (hello == null) {
            malformed("no hello");
            return;
        }
        String objection = service.objection(hello);
        Frame reply = new Hello.Answer(Hello.VERSION, 0, 0, 0, 0).encode(frames.take(), 0);
        reply.putLong(16, frame.requestId());
        if (objection != null) {
            byte[] text = objection.getBytes(StandardCharsets.UTF_8);
            Buf data = bufs.take(text.length);
            data.bytes().put(0, text);
            connection.send(reply.status(Status.REFUSED).data(data, 0, text.length));
            LOG.warn("control client refused peer={} why=\"{}\"", connection.peer(), objection);
            end();
            return;
        }
        greeted = true;
        connection.send(reply);
        service.open(this, opened -> session = opened);
    }

    private void hand(long requestId, Documents.Encoded document) {
        if (work.incrementAndGet() >= WORK_MAX && !paused) {
            paused = true;
            connection.pauseReading(true);
        }
        service.onWorker(() -> read(requestId, document));
    }

    private void read(long requestId, Documents.Encoded document) {
        try {
            Request request = Documents.decode(document, Request.class, TEXT_BYTES_MAX);
            Json.requireComplete(request);
            ControlSession to = session;
            if (to != null) {
                to.onRequest(requestId, request);
            }
        } catch (Json.MalformedException e) {
            loop(() -> malformed(String.valueOf(e.getMessage())));
        }
        if (work.decrementAndGet() == 0) {
            loop(this::resume);
        }
    }

    private void resume() {
        if (paused && !ended) {
            paused = false;
            connection.pauseReading(false);
        }
    }

    private void malformed(String why) {
        if (!ended) {
            LOG.warn("control client dropped peer={} why=\"{}\"", connection.peer(), why);
            end();
        }
    }

    private void end() {
        ended = true;
        connection.close();
        leave();
    }

    @Override
    public void onClosed(String why) {
        ended = true;
        leave();
    }

    private void leave() {
        service.onWorker(() -> {
            ControlSession left = session;
            session = null;
            if (left != null) {
                service.gone(left);
            }
        });
    }

    @Override
    public void respond(long requestId, Response response) {
        send(MessageType.CONTROL_REPLY, requestId, Documents.encode(response));
    }

    @Override
    public void push(Pushed pushed) {
        send(MessageType.CONTROL_PUSH, 0, pushed.document());
    }

    @Override
    public boolean isCongested() {
        return queuedBytes > CONGESTED_BYTES;
    }

    @Override
    public void close(String why) {
        loop(() -> {
            if (!ended) {
                end();
            }
        });
    }

    private void send(int type, long requestId, Documents.Encoded document) {
        loop(() -> {
            if (!ended) {
                Documents.send(connection, frames, bufs, type, requestId, document);
                queuedBytes = connection.queuedBytes();
            }
        });
    }

    private void loop(Runnable action) {
        try {
            onLoop.execute(action);
        } catch (RejectedExecutionException e) {
            // The loop has ended, and every connection with it.
            LOG.debug("control answer dropped", e);
        }
    }
}
