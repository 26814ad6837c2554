package comet.sim;

import comet.cluster.Command;
import comet.cluster.DiskLife;
import comet.cluster.MapUpdate;
import comet.cluster.Reply;
import comet.meta.Heartbeats;
import comet.meta.Submission;
import comet.port.MetaClient;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// The metadata group as one life of a process sees it: asks again until it is answered.
final class SimMetaClient implements MetaClient {
    private final SimMeta meta;
    private final SimProcess process;
    private final Simulation simulation;
    private final long origin;
    private long sequence;
    private @Nullable Listener listener;
    private long gatewayId;

    /// Up to which every push has arrived.
    private long arrivedRevision;

    /// The group's at the last beat.
    private long beatRevision;

    private @Nullable Runnable beat;

    /// What a canary makes of the updates.
    UnaryOperator<MapUpdate> filter = update -> update;

    SimMetaClient(SimMeta meta, SimProcess process) {
        this.meta = meta;
        this.process = process;
        simulation = meta.simulation();
        origin = meta.origin();
    }

    boolean alive() {
        return process.alive();
    }

    boolean of(SimProcess other) {
        return process == other;
    }

    long gatewayId() {
        return gatewayId;
    }

    /// Reports from now on that this gateway lives.
    void beatAsGateway(long id) {
        gatewayId = id;
        beat(() -> meta.gatewayBeat(id));
    }

    /// Runs `report` at the group every half second, as long as the process lives.
    void beat(Runnable report) {
        boolean first = beat == null;
        beat = report;
        if (first) {
            beatAgain();
        }
    }

    private void beatAgain() {
        Runnable report = beat;
        if (report != null) {
            meta.message(() -> {
                report.run();
                catchUp();
            });
        }
        simulation.in(Heartbeats.INTERVAL_NS, process.life(), this::beatAgain);
    }

    /// The answer to a beat brings what was lost of the pushes before the last one.
    private void catchUp() {
        MapUpdate missing = meta.changesAfter(arrivedRevision);
        if (arrivedRevision < beatRevision) {
            meta.message(() -> pushed(missing));
        }
        beatRevision = missing.revision();
    }

    @Override
    public void submit(Command command, Consumer<Reply> done) {
        Submission submission = new Submission(origin, ++sequence, command);
        Consumer<Reply>[] once = once(done);
        send(submission, once);
    }

    private void send(Submission submission, Consumer<Reply>[] done) {
        if (done[0] == null) {
            return;
        }
        // From here on the command may be decided, whether the process lives or not.
        meta.message(() -> meta.take(submission, reply -> answer(reply, done)));
        simulation.in(meta.resendNs(), process.life(), () -> send(submission, done));
    }

    private void answer(Reply reply, Consumer<Reply>[] done) {
        meta.message(() -> simulation.in(0, process.life(), () -> finish(done, reply)));
    }

    @Override
    public void fetch(long revision, Consumer<MapUpdate> done) {
        fetchAgain(revision, once(done));
    }

    private void fetchAgain(long revision, Consumer<MapUpdate>[] done) {
        if (done[0] == null) {
            return;
        }
        meta.message(() -> {
            MapUpdate update = filter.apply(meta.changesAfter(revision));
            meta.message(() -> simulation.in(0, process.life(), () -> finish(done, update)));
        });
        simulation.in(meta.resendNs(), process.life(), () -> fetchAgain(revision, done));
    }

    /// A callback that can be used once.
    private static <T> Consumer<T>[] once(Consumer<T> done) {
        @SuppressWarnings({"unchecked", "rawtypes"})
        Consumer<T>[] box = new Consumer[] {done};
        return box;
    }

    private static <T> void finish(@Nullable Consumer<T>[] done, T answer) {
        Consumer<T> told = done[0];
        done[0] = null;
        if (told != null) {
            told.accept(answer);
        }
    }

    @Override
    public void report(
            long ofGateway,
            List<DiskLife> silent,
            List<DiskLife> slow,
            Consumer<List<DiskLife>> done) {
        meta.message(() -> {
            List<DiskLife> reached = meta.report(ofGateway, silent, slow);
            meta.message(() -> simulation.in(0, process.life(), () -> done.accept(reached)));
        });
    }

    @Override
    public void listen(Listener newListener) {
        listener = newListener;
    }

    void pushed(MapUpdate update) {
        Listener told = listener;
        if (told != null) {
            if (update.after() <= arrivedRevision) {
                arrivedRevision = Math.max(arrivedRevision, update.revision());
            }
            simulation.in(0, process.life(), () -> told.onUpdate(filter.apply(update)));
        }
    }

    void yieldAsked(long volumeId, long term) {
        Listener told = listener;
        if (told != null) {
            simulation.in(0, process.life(), () -> told.onYieldAsked(volumeId, term));
        }
    }
}
