package comet.server.raft;

import comet.cluster.GroupMember;
import comet.cluster.MapUpdate;
import comet.meta.Decision;
import comet.meta.Facts;
import comet.meta.GroupEvent;
import comet.meta.Submission;
import comet.server.json.Json;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// [MetadataLog] on Ratis, in the process that uses it. The library ends for good when its folder
/// cannot be written, as on a file system that somebody has filled: then this member follows
/// nobody, and tries every few seconds to start again with what the folder holds.
final class RatisLog implements MetadataLog {
    private static final Logger LOG = LoggerFactory.getLogger(RatisLog.class);
    private static final long PAUSE_MS_MIN = 250;
    private static final long PAUSE_MS_MAX = 4000;

    /// A run that went on for so long has nothing to do with the failure before it.
    private static final long GOOD_RUN_NS = TimeUnit.SECONDS.toNanos(30);

    /// Between two lines of the log about the same failure.
    private static final long SAID_AGAIN_NS = TimeUnit.MINUTES.toNanos(1);

    private final RaftSettings settings;
    private final Listener listener;
    private final Json json;

    private volatile RatisRun run;

    /// Guards what follows.
    private final Object lock = new Object();

    /// Which run counts: those before it are not heard of any more.
    private int runs = 1;

    /// That one has ended by itself.
    private boolean ended;

    private boolean starting = true;
    private boolean closed;
    private @Nullable Thread restart;

    // Of the thread that restarts alone.
    private long startedNs;
    private long pauseMs = PAUSE_MS_MIN;

    /// Up to where the listener has been told: a run begins with an older state.
    private long toldRevision;

    private RatisLog(RaftSettings settings, Listener listener, Json json) throws IOException {
        this.settings = settings;
        this.listener = listener;
        this.json = json;
        run = RatisRun.start(settings, new RunListener(1), json);
        synchronized (lock) {
            starting = false;
            restartIfEnded();
        }
    }

    static RatisLog start(RaftSettings settings, Listener listener, Json json) throws IOException {
        return new RatisLog(settings, listener, json);
    }

    private void restartIfEnded() {
        if (ended && !starting && !closed) {
            starting = true;
            restart = Thread.ofVirtual().name("metadata-restart").start(this::startAgain);
        }
    }

    private void startAgain() {
        run.end();
        listener.onFollow();
        long saidNs = System.nanoTime() - SAID_AGAIN_NS;
        if (System.nanoTime() - startedNs > GOOD_RUN_NS) {
            pauseMs = PAUSE_MS_MIN;
        }
        while (true) {
            try {
                Thread.sleep(pauseMs);
                pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX);
                run.close();
                if (startedAgain()) {
                    return;
                }
            } catch (InterruptedException _) {
                return;
            } catch (IOException | RuntimeException e) {
                if (System.nanoTime() - saidNs >= SAID_AGAIN_NS) {
                    saidNs = System.nanoTime();
                    LOG.warn("metadata log cannot start, it is tried again", e);
                }
            }
        }
    }

    private boolean startedAgain() throws IOException {
        int number;
        synchronized (lock) {
            number = ++runs;
            ended = false;
        }
        startedNs = System.nanoTime();
        run = RatisRun.start(settings, new RunListener(number), json);
        synchronized (lock) {
            starting = ended && !closed;
            return !starting;
        }
    }

    @Override
    public CompletableFuture<List<Decision>> append(List<Submission> submissions, Facts facts) {
        return run.append(submissions, facts);
    }

    @Override
    public CompletableFuture<MapUpdate> changesAfter(long revision) {
        return run.changesAfter(revision);
    }

    @Override
    public MapUpdate localChangesAfter(long revision) {
        return run.machine().changesAfter(revision);
    }

    @Override
    public List<GroupEvent> localEventsAfter(long after) {
        return run.machine().eventsAfter(after);
    }

    @Override
    public Leadership leadership() {
        return run.leadership();
    }

    @Override
    public String groupId() {
        return run.groupId();
    }

    @Override
    public String folderId() {
        return run.folderId();
    }

    @Override
    public List<GroupMember> members() {
        return run.members().members();
    }

    @Override
    public List<MemberSeen> membersSeen() {
        return run.members().seen();
    }

    @Override
    public CompletableFuture<Void> changeMembers(
            List<GroupMember> current, List<GroupMember> next) {
        return run.members().change(current, next);
    }

    @Override
    public CompletableFuture<Void> handOver(String to) {
        return run.members().handOver(to);
    }

    @Override
    public long silentMs(String name) {
        return run.members().agoMs().getOrDefault(name, 0L);
    }

    @Override
    public void stepDown() {
        run.members().stepDown();
    }

    @Override
    public List<GroupMember> agreedMembers() {
        return run.machine().members();
    }

    @Override
    public List<String> formerMembers() {
        return run.machine().formerMembers();
    }

    @Override
    public void snapshot() throws IOException {
        run.snapshot();
    }

    @Override
    public void close() throws IOException {
        Thread restarting;
        synchronized (lock) {
            closed = true;
            restarting = restart;
        }
        if (restarting != null) {
            restarting.interrupt();
            try {
                restarting.join();
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }
        run.close();
    }

    /// Passes on what one run tells, while that is the one that counts.
    private final class RunListener implements Listener {
        private final int number;

        RunListener(int number) {
            this.number = number;
        }

        private boolean counts() {
            synchronized (lock) {
                return number == runs;
            }
        }

        @Override
        public void onUpdate(MapUpdate update) {
            synchronized (lock) {
                if (number != runs || runs > 1 && update.revision() <= toldRevision) {
                    return;
                }
                toldRevision = update.revision();
            }
            listener.onUpdate(update);
        }

        @Override
        public void onLead(long term) {
            if (counts()) {
                listener.onLead(term);
            }
        }

        @Override
        public void onFollow() {
            if (counts()) {
                listener.onFollow();
            }
        }

        @Override
        public void onStopped(boolean removed) {
            boolean over;
            synchronized (lock) {
                over = closed || removed;
                if (number != runs) {
                    return;
                }
                ended = true;
                if (!over) {
                    restartIfEnded();
                }
            }
            if (over) {
                listener.onStopped(removed);
            }
        }
    }
}
