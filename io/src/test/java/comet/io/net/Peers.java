package comet.io.net;

import static java.util.Objects.requireNonNull;

import comet.base.Buf;
import comet.base.Prng;
import comet.io.loop.EventLoop;
import comet.port.Connection;
import comet.wire.Frame;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What the tests of connections share: a side that answers, a side that asks, frames with content
/// that can be checked.
final class Peers {
    private Peers() {}

    /// Sends everything back that it is told.
    static final class Echo implements Connection.Acceptor {
        final List<String> ends = new ArrayList<>();
        int connected;

        @Override
        public Connection.Handler onConnect(Connection connection) {
            connected++;
            return new Connection.Handler() {
                @Override
                public void onFrame(Frame frame) {
                    connection.send(frame);
                }

                @Override
                public void onClosed(String why) {
                    ends.add(why);
                }
            };
        }
    }

    /// Keeps what comes, in order.
    static final class Client implements Connection.Handler, Connection.Dialed {
        @Nullable Connection connection;
        @Nullable String failed;
        @Nullable String closed;
        int closedCount;
        final List<Long> requestIds = new ArrayList<>();
        final List<String> wrong = new ArrayList<>();

        @Override
        public Connection.Handler onConnect(Connection connection) {
            this.connection = connection;
            return this;
        }

        @Override
        public void onFailed(String why) {
            failed = why;
        }

        @Override
        public void onFrame(Frame frame) {
            if (!isAsMade(frame)) {
                wrong.add("request " + frame.requestId());
            }
            requestIds.add(frame.requestId());
            frame.release();
        }

        @Override
        public void onClosed(String why) {
            closed = why;
            closedCount++;
        }

        Connection connection() {
            return requireNonNull(connection, "not connected");
        }
    }

    static Frame make(EventLoop loop, long requestId, int headBytes, int dataBytes) {
        Frame frame = loop.frames().take().start(7, requestId, headBytes);
        Prng prng = new Prng(requestId);
        for (int at = Frame.HEADER_BYTES; at < headBytes; at++) {
            frame.putByte(at, (int) prng.nextLong());
        }
        if (dataBytes > 0) {
            int offset = dataBytes <= 4096 ? 512 : 0;
            Buf data = loop.bufs().take(dataBytes + offset);
            for (int at = 0; at < dataBytes; at++) {
                data.bytes().put(offset + at, (byte) (at * 31L + requestId));
            }
            frame.data(data, offset, dataBytes);
        }
        return frame;
    }

    static boolean isAsMade(Frame frame) {
        Prng prng = new Prng(frame.requestId());
        for (int at = Frame.HEADER_BYTES; at < frame.headBytes(); at++) {
            if (frame.getByte(at) != ((int) prng.nextLong() & 0xFF)) {
                return false;
            }
        }
        for (int at = 0; at < frame.dataBytes(); at++) {
            byte byteThere = frame.data().bytes().get(frame.dataOffset() + at);
            if (byteThere != (byte) (at * 31L + frame.requestId())) {
                return false;
            }
        }
        return true;
    }
}
