package comet.server.control;

import comet.base.BufPool;
import comet.cluster.ClusterInfo;
import comet.cluster.MapUpdate;
import comet.meta.Decision.YieldQuestion;
import comet.port.Connection;
import comet.server.control.ControlMessage.Push;
import comet.server.raft.MetaMember;
import comet.wire.FramePool;
import comet.wire.Hello;
import comet.wire.Lane;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A member of the metadata group as others reach it: sessions over connections, and of clients in
/// the same process.
public final class ControlService implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ControlService.class);

    private final MetaMember member;
    private final ExecutorService worker =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().daemon().name("control-", 0).factory());
    private final MetaMember.Listener listener = new MemberListener();

    /// Owner thread: the worker.
    private final ArrayList<ControlSession> sessions = new ArrayList<>();

    public ControlService(MetaMember member) {
        this.member = member;
        member.listen(listener);
    }

    public MetaMember member() {
        return member;
    }

    /// For a listening socket of one loop.
    ///
    /// @param onLoop runs work on that loop, from any thread
    public Connection.Acceptor acceptor(Executor onLoop, FramePool frames, BufPool bufs) {
        return connection -> new ServiceConnection(this, connection, onLoop, frames, bufs);
    }

    /// Why a client that says this hello is not served, or null where it is.
    @Nullable String objection(Hello hello) {
        if (hello.lane() != Lane.CONTROL) {
            return "this is the metadata group, not a disk";
        }
        if (hello.versionMin() > Hello.VERSION || hello.versionMax() < Hello.VERSION) {
            return "this end speaks version " + Hello.VERSION;
        }
        boolean any = hello.clusterHigh() == 0 && hello.clusterLow() == 0;
        ClusterInfo cluster = member.cluster();
        if (!any
                && cluster != null
                && (cluster.clusterHigh() != hello.clusterHigh()
                        || cluster.clusterLow() != hello.clusterLow())) {
            return "this is the metadata group of another cluster";
        }
        return null;
    }

    /// A session for a client in this process. `opened` gets it on the worker.
    void open(ControlSession.Link link, Consumer<ControlSession> opened) {
        onWorker(() -> {
            ControlSession session = new ControlSession(member, worker, link);
            sessions.add(session);
            opened.accept(session);
        });
    }

    /// The client has gone.
    void gone(ControlSession session) {
        onWorker(() -> {
            session.closedByPeer();
            sessions.remove(session);
        });
    }

    void onWorker(Runnable work) {
        try {
            worker.execute(work);
        } catch (RejectedExecutionException e) {
            LOG.debug("control service has stopped", e);
        }
    }

    private void forAll(Consumer<ControlSession> action) {
        onWorker(() -> List.copyOf(sessions).forEach(action));
    }

    /// Stops serving; the member goes on.
    @Override
    public void close() {
        member.stopListening(listener);
        forAll(session -> session.close("the service stops"));
        worker.shutdown();
    }

    /// A push, and once it is needed its document, since many clients are pushed the same. Owner
    /// thread: the worker.
    static final class Pushed {
        final Push push;
        private Documents.@Nullable Encoded document;

        Pushed(Push push) {
            this.push = push;
        }

        Documents.Encoded document() {
            if (document == null) {
                document = Documents.encode(push);
            }
            return document;
        }
    }

    private final class MemberListener implements MetaMember.Listener {
        @Override
        public void onUpdate(MapUpdate update) {
            Pushed pushed = new Pushed(new Push.Changed(update));
            forAll(session -> session.onUpdate(update, pushed));
        }

        @Override
        public void onYieldQuestion(YieldQuestion question) {
            forAll(session -> session.onYieldQuestion(question));
        }

        @Override
        public void onLeadership(boolean leads) {
            if (!leads) {
                forAll(ControlSession::onFollow);
            }
        }
    }
}
