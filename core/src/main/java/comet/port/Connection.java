package comet.port;

import comet.wire.Frame;

/// An ordered stream of frames to one peer: a socket, a direct call within the process or a link of
/// the simulator. What is sent arrives in order or not at all; after a break nothing more arrives.
/// Owner thread: the loop of the core that holds it.
public interface Connection {
    /// Sends a frame and takes it over (it is released when it is out, or at once after a close).
    /// Never blocks and never calls back. Everything sent within one turn of the loop leaves in one
    /// write.
    void send(Frame frame);

    /// Bytes taken by [#send] that have not left yet.
    long queuedBytes();

    /// Asks the transport to stop (true) or go on (false) delivering frames: back-pressure.
    void pauseReading(boolean pause);

    /// Ends the connection. The handler is told once, later, if it was not yet.
    void close();

    /// Who is at the other end, for logs.
    String peer();

    /// What a core does with a connection.
    interface Handler {
        /// A whole frame whose head checksum is right. The handler releases it, at once or later.
        void onFrame(Frame frame);

        /// The connection has ended; nothing follows. `why` is for logs.
        void onClosed(String why);
    }

    /// The side that listens: gives every new connection its handler.
    interface Acceptor {
        Handler onConnect(Connection connection);
    }

    /// The side that calls.
    interface Dialer {
        /// Tries to connect to the first of `addresses` that answers (`unix:PATH` where the path
        /// exists on this host, or `HOST:PORT`). Answers later, exactly once.
        void dial(java.util.List<String> addresses, Dialed done);
    }

    /// The outcome of a call.
    interface Dialed {
        /// Connected: returns the handler of the new connection.
        Handler onConnect(Connection connection);

        void onFailed(String why);
    }
}
