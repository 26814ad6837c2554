package comet.server.control;

import comet.port.Connection;
import comet.server.control.ControlClient.Network;
import comet.server.control.ControlMessage.Push;
import comet.server.control.ControlMessage.Request;
import comet.server.control.ControlMessage.Response;
import comet.server.json.Json;
import comet.wire.Frame;
import comet.wire.Hello;
import comet.wire.Lane;
import comet.wire.MessageType;
import comet.wire.Status;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// To a member in another process: HELLO, then documents. Large ones are read and written by the
/// client's worker, all in order.
final class RemoteLink implements MemberLink, Connection.Dialed, Connection.Handler {
    private static final Logger LOG = LoggerFactory.getLogger(RemoteLink.class);

    private final Network network;
    private final Executor worker;
    private final Executor onLoop;
    private final Handler handler;
    private final Documents.Assembler replies = new Documents.Assembler(Documents.WIRE_BYTES_MAX);
    private @Nullable Connection connection;
    private boolean greeted;
    private boolean closed;

    RemoteLink(Network network, Executor worker, Executor onLoop, Handler handler) {
        this.network = network;
        this.worker = worker;
        this.onLoop = onLoop;
        this.handler = handler;
    }

    void dial(List<String> addresses) {
        network.dialer().dial(addresses, this);
    }

    @Override
    public Connection.Handler onConnect(Connection connected) {
        connection = connected;
        if (closed) {
            connected.close();
            return this;
        }
        Hello hello =
                new Hello(
                        Hello.VERSION,
                        Hello.VERSION,
                        0,
                        network.clusterHigh(),
                        network.clusterLow(),
                        Lane.CONTROL,
                        0,
                        0,
                        0,
                        0);
        connected.send(hello.encode(network.frames().take(), 0));
        return this;
    }

    @Override
    public void onFailed(String why) {
        end(why);
    }

    @Override
    public void onFrame(Frame frame) {
        try {
            if (closed) {
                return;
            }
            int type = frame.type();
            if (!greeted) {
                onHelloReply(frame, type);
            } else if (type == MessageType.CONTROL_REPLY || type == MessageType.CONTROL_PUSH) {
                long requestId = frame.requestId();
                Documents.Encoded document = replies.add(frame);
                if (document != null) {
                    work(() -> read(type, requestId, document));
                }
            } else {
                end("a frame of type " + type);
            }
        } catch (Json.MalformedException e) {
            end(String.valueOf(e.getMessage()));
        } finally {
            frame.release();
        }
    }

    private void onHelloReply(Frame frame, int type) {
        if (type != MessageType.HELLO_REPLY) {
            end("no answer to the hello");
        } else if (frame.status() != Status.OK) {
            String why = "refused";
            if (frame.hasData()) {
                byte[] text = new byte[frame.dataBytes()];
                frame.data().bytes().get(frame.dataOffset(), text);
                why = new String(text, StandardCharsets.UTF_8);
            }
            LOG.warn("metadata member refuses why=\"{}\"", why);
            end(why);
        } else {
            greeted = true;
            handler.onReady();
        }
    }

    private void read(int type, long requestId, Documents.Encoded document) {
        try {
            if (type == MessageType.CONTROL_PUSH) {
                Push push = Documents.decode(document, Push.class, Documents.TEXT_BYTES_MAX);
                loop(() -> handler.onPush(push));
            } else {
                Response response =
                        Documents.decode(document, Response.class, Documents.TEXT_BYTES_MAX);
                loop(() -> handler.onResponse(requestId, response));
            }
        } catch (Json.MalformedException e) {
            LOG.warn("metadata member sends what cannot be read", e);
            loop(() -> end("malformed document"));
        }
    }

    @Override
    public void onClosed(String why) {
        end(why);
    }

    private void end(String why) {
        if (!closed) {
            close();
            handler.onEnded(why);
        }
    }

    @Override
    public void send(long requestId, Request request) {
        work(() -> {
            Documents.Encoded document = Documents.encode(request);
            loop(() -> sendNow(requestId, document));
        });
    }

    private void sendNow(long requestId, Documents.Encoded document) {
        Connection to = connection;
        if (to != null) {
            Documents.send(
                    to, network.frames(), network.bufs(), MessageType.CONTROL, requestId, document);
        }
    }

    @Override
    public void close() {
        closed = true;
        if (connection != null) {
            connection.close();
        }
    }

    private void work(Runnable action) {
        try {
            worker.execute(action);
        } catch (RejectedExecutionException e) {
            LOG.debug("control client has ended", e);
        }
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
