package comet.server.data;

import comet.cluster.ClusterInfo;
import comet.cluster.DiskInfo;
import comet.io.loop.EventLoop;
import comet.port.Connection;
import comet.server.raft.Probe;
import comet.wire.Frame;
import comet.wire.Hello;
import comet.wire.Lane;
import comet.wire.MessageType;
import comet.wire.Status;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Greets a disk as a reader does, and hangs up.
public final class DiskProbe implements Probe {
    private static final long PATIENCE_NS = 1_000_000_000;

    private final EventLoop loop;
    private final Supplier<Connection.Dialer> dialer;

    /// @param dialer for calls from this loop
    public DiskProbe(EventLoop loop, Supplier<Connection.Dialer> dialer) {
        this.loop = loop;
        this.dialer = dialer;
    }

    @Override
    public CompletableFuture<Boolean> answers(
            ClusterInfo cluster, DiskInfo disk, List<String> addresses) {
        CompletableFuture<Boolean> answer = new CompletableFuture<>();
        loop.submit(() -> {
            Call call = new Call(cluster, disk, answer);
            dialer.get().dial(addresses, call);
            loop.schedule(PATIENCE_NS, call::end);
        });
        return answer;
    }

    private final class Call implements Connection.Dialed, Connection.Handler {
        private final ClusterInfo cluster;
        private final DiskInfo disk;
        private final CompletableFuture<Boolean> answer;
        private @Nullable Connection connection;
        private boolean ended;

        Call(ClusterInfo cluster, DiskInfo disk, CompletableFuture<Boolean> answer) {
            this.cluster = cluster;
            this.disk = disk;
            this.answer = answer;
        }

        @Override
        public Connection.Handler onConnect(Connection made) {
            if (ended) {
                made.close();
                return this;
            }
            connection = made;
            Hello hello =
                    new Hello(
                            Hello.VERSION,
                            Hello.VERSION,
                            0,
                            cluster.clusterHigh(),
                            cluster.clusterLow(),
                            Lane.READ,
                            disk.diskId(),
                            disk.uuidHigh(),
                            disk.uuidLow(),
                            0);
            made.send(hello.encode(loop.frames().take(), 0));
            return this;
        }

        @Override
        public void onFailed(String why) {
            answer.complete(false);
        }

        @Override
        public void onFrame(Frame frame) {
            boolean greeted =
                    frame.type() == MessageType.HELLO_REPLY && frame.status() == Status.OK;
            frame.release();
            answer.complete(greeted);
            end();
        }

        @Override
        public void onClosed(@Nullable String why) {
            answer.complete(false);
        }

        void end() {
            ended = true;
            answer.complete(false);
            Connection open = connection;
            if (open != null) {
                connection = null;
                open.close();
            }
        }
    }
}
