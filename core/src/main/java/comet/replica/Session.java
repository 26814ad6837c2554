package comet.replica;

import comet.port.Connection;
import comet.port.Loop;
import comet.wire.Frame;
import org.jspecify.annotations.Nullable;

/// One connection that somebody made to this node: first it waits for HELLO, then its lane has it.
/// Whatever breaks the protocol ends the connection, and nothing else.
final class Session implements Connection.Handler {
    private final NodeServer server;
    private final Connection connection;
    private final Loop loop;
    private final Loop.Timer helloTimer;
    private @Nullable Lanes lane;
    private long clientId;
    private boolean closed;

    Session(NodeServer server, Connection connection, Loop loop) {
        this.server = server;
        this.connection = connection;
        this.loop = loop;
        helloTimer =
                loop.schedule(
                        Limits.HELLO_DEADLINE_NS,
                        () -> {
                            if (lane == null) {
                                end("no-hello");
                            }
                        });
    }

    @Override
    public void onFrame(Frame frame) {
        if (closed) {
            frame.release();
        } else if (lane == null) {
            server.onHello(this, frame);
        } else {
            lane.onFrame(frame);
        }
    }

    @Override
    public void onClosed(String why) {
        closed = true;
        helloTimer.cancel();
        server.onSessionClosed(this);
        if (lane != null) {
            lane.onClosed();
        }
    }

    /// The HELLO was accepted.
    void route(Lanes lane, long clientId) {
        helloTimer.cancel();
        this.lane = lane;
        this.clientId = clientId;
    }

    boolean closed() {
        return closed;
    }

    Connection connection() {
        return connection;
    }

    /// Gateway id, or the calling disk's id on the PEER lane.
    long clientId() {
        return clientId;
    }

    void send(Frame frame) {
        if (closed) {
            frame.release();
        } else {
            connection.send(frame);
        }
    }

    /// Ends the connection: nothing more is taken from it, and it is closed once what was sent has
    /// had time to leave.
    void end(String why) {
        if (!closed) {
            stop(why);
            connection.pauseReading(true);
            loop.schedule(Limits.CLOSE_GRACE_NS, connection::close);
        }
    }

    /// Ends the connection at once.
    void abort(String why) {
        if (!closed) {
            stop(why);
            connection.close();
        }
    }

    private void stop(String why) {
        closed = true;
        helloTimer.cancel();
        server.onSessionEnded(this, why);
    }
}
