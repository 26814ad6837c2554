package comet.server.raft;

import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.DiskLife;
import comet.cluster.MapUpdate;
import comet.cluster.NodeInfo;
import comet.cluster.Reply;
import comet.meta.Facts;
import comet.meta.Moves;
import comet.meta.Submission;
import comet.meta.Watch;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Where this member leads: looks regularly for disks that serve no longer, has those probed that
/// gateways cannot reach, and has the group go on without them ([Watch] says which); and has
/// placement groups move to where they should be ([Moves] says which). On a thread of its own.
final class LookOut implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LookOut.class);
    private static final long OUTCOME_MS_MAX = 2000;

    /// How long a disk may take to answer a probe.
    private static final long PROBE_MS_MAX = 500;

    /// What it needs of the member. For any thread.
    interface Leader {
        boolean leads();

        /// What is to be proposed now.
        List<Command.Unreachable> look(ClusterMap map);

        /// Disks that gateways cannot reach; each is answered by one [#probed].
        List<DiskLife> toProbe();

        void probed(DiskLife life, boolean answered);

        /// Who lives, as of now.
        Facts facts();

        /// Disks that take nothing more.
        Set<Integer> full();

        MapUpdate localChangesAfter(long revision);

        CompletableFuture<Reply> submit(Submission submission);

        /// Also where it does not lead: whether it is a member still.
        void lookAtMembers();
    }

    private final Leader leader;
    private final ClusterMap map = new ClusterMap();
    private final long origin = new SecureRandom().nextLong() | 1;
    private final Moves moves = new Moves();
    private volatile Moves.Progress progress = Moves.Progress.NONE;
    private long sequence;
    private volatile @Nullable Probe probe;
    private final ScheduledExecutorService thread =
            Executors.newSingleThreadScheduledExecutor(
                    Thread.ofPlatform().daemon().name("look-out").factory());

    LookOut(Leader leader) {
        this.leader = leader;
    }

    void start() {
        long everyNs = Watch.INTERVAL_NS;
        var _ = thread.scheduleWithFixedDelay(this::look, everyNs, everyNs, TimeUnit.NANOSECONDS);
    }

    void probeWith(Probe newProbe) {
        probe = newProbe;
    }

    /// What there is to move, as of the last look. For any thread.
    Moves.Progress moves() {
        return progress;
    }

    private void look() {
        try {
            leader.lookAtMembers();
            if (leader.leads()) {
                map.apply(leader.localChangesAfter(map.revision()));
                sendProbes();
                propose(leader.look(map));
                move(leader.facts());
            } else {
                moves.forget();
                progress = Moves.Progress.NONE;
            }
        } catch (RuntimeException e) {
            LOG.error("the look-out has failed", e);
        }
    }

    private void sendProbes() {
        Probe with = probe;
        if (with == null) {
            return;
        }
        for (DiskLife life : leader.toProbe()) {
            DiskInfo disk = map.disk(life.diskId());
            NodeInfo node = disk == null ? null : map.node(disk.nodeId());
            if (disk == null || node == null) {
                leader.probed(life, true);
                continue;
            }
            var _ =
                    with.answers(map.cluster(), disk, node.addresses())
                            .completeOnTimeout(false, PROBE_MS_MAX, TimeUnit.MILLISECONDS)
                            .whenComplete((answers, failure) ->
                                    leader.probed(life, failure == null && answers));
        }
    }

    private void propose(List<Command.Unreachable> commands) {
        List<CompletableFuture<Reply>> outcomes = new ArrayList<>();
        for (Command.Unreachable command : commands) {
            LOG.warn(
                    "event=disk-unreachable disk={} boot={} why={}",
                    command.diskId(),
                    command.bootId(),
                    command.why());
            outcomes.add(leader.submit(new Submission(origin, ++sequence, command)));
        }
        await(outcomes);
    }

    private void move(Facts facts) {
        List<CompletableFuture<Reply>> outcomes = new ArrayList<>();
        long nowNs = System.nanoTime();
        long nowMs = System.currentTimeMillis();
        for (Command command : moves.look(map, facts, leader.full(), nowNs, nowMs)) {
            LOG.debug("event=move command={}", command);
            outcomes.add(leader.submit(new Submission(origin, ++sequence, command)));
        }
        progress = moves.progress();
        await(outcomes);
    }

    private static void await(List<CompletableFuture<Reply>> outcomes) {
        // At the next look what was decided is to be known; if it is not, it is asked again.
        CompletableFuture.allOf(outcomes.toArray(CompletableFuture[]::new))
                .orTimeout(OUTCOME_MS_MAX, TimeUnit.MILLISECONDS)
                .exceptionally(_ -> null)
                .join();
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
