package comet.server.control;

import comet.server.control.ControlMessage.Push;
import comet.server.control.ControlMessage.Request;
import comet.server.control.ControlMessage.Response;

/// A client's way to one member of the group. Owner thread: the client's loop.
interface MemberLink {
    void send(long requestId, Request request);

    /// Nothing is told after this.
    void close();

    /// What comes back, on the client's loop, never inside a call.
    interface Handler {
        void onReady();

        void onResponse(long requestId, Response response);

        void onPush(Push push);

        /// Nothing follows.
        void onEnded(String why);
    }
}
