package comet.server.raft;

import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.MapUpdate;
import comet.cluster.Reply;
import comet.meta.Facts;
import comet.meta.Facts.DiskLife;
import comet.meta.Submission;
import comet.meta.Watch;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Where this member leads: looks regularly for disks that have fallen silent and has the group go
/// on without them ([Watch] says which). On a thread of its own.
final class LookOut implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LookOut.class);
    private static final long OUTCOME_MS_MAX = 2000;

    /// What it needs of the member. For any thread.
    interface Leader {
        boolean leads();

        Facts look();

        MapUpdate localChangesAfter(long revision);

        CompletableFuture<Reply> submit(Submission submission);
    }

    private final Leader leader;
    private final ClusterMap map = new ClusterMap();
    private final long origin = new SecureRandom().nextLong() | 1;
    private long sequence;
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

    private void look() {
        try {
            if (leader.leads()) {
                lookAsLeader();
            }
        } catch (RuntimeException e) {
            LOG.error("the look-out for silent disks has failed", e);
        }
    }

    private void lookAsLeader() {
        Facts facts = leader.look();
        map.apply(leader.localChangesAfter(map.revision()));
        List<CompletableFuture<Reply>> outcomes = new ArrayList<>();
        for (DiskLife life : Watch.unreachable(map, facts)) {
            LOG.warn("event=disk-silent disk={} boot={}", life.diskId(), life.bootId());
            Command command = new Command.Unreachable(life.diskId(), life.bootId());
            outcomes.add(leader.submit(new Submission(origin, ++sequence, command)));
        }
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
