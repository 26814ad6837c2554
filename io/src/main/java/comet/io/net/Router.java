package comet.io.net;

import comet.io.loop.EventLoop;
import comet.port.Connection;
import comet.wire.Frame;
import org.jspecify.annotations.Nullable;

/// Says on which loop of a process a connection is to live.
public interface Router {
    /// Where that is, and who takes it there.
    record Place(EventLoop loop, Connection.Acceptor acceptor) {}

    /// On the listener's loop.
    ///
    /// @param first the head of the first frame, without its data, only for the time of the call;
    ///   null where the stream does not begin with one that is sound and short
    Place place(@Nullable Frame first);
}
