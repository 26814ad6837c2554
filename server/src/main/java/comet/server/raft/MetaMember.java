package comet.server.raft;

import comet.cluster.ClusterInfo;
import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.DiskLife;
import comet.cluster.GroupMember;
import comet.cluster.MapUpdate;
import comet.cluster.Reply;
import comet.meta.Decision;
import comet.meta.Decision.YieldQuestion;
import comet.meta.Facts;
import comet.meta.GroupEvent;
import comet.meta.Heartbeats;
import comet.meta.LossRules;
import comet.meta.Moves;
import comet.meta.Reports;
import comet.meta.Submission;
import comet.meta.Watch;
import comet.server.json.Json;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A member of the metadata group in this process: the log, and what only its leader has, namely
/// heartbeats, batches and questions to gateways.
///
/// Wiring:
///
/// ```
/// MetaMember member = MetaMember.start(RaftSettings.alone("meta", folder));
/// ControlService service = new ControlService(member);
/// SocketListener.listen(loop, address,
///     service.acceptor(loop::submit, loop.frames(), loop.bufs()));   // where others may call
/// ControlClient client = ControlClient.local(new Origin(), service, loop, loop::submit);   // on the loop
/// ```
///
/// Commands are collected while an entry is on its way and leave together in the next one; a single
/// command leaves at once. For any thread; results come on threads of the log.
public final class MetaMember implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MetaMember.class);

    /// How long an attaching gateway waits for the answer of the one that holds the volume. By then
    /// it has answered, has detached, or counts as dead: who wants the volume waits so long rather
    /// than being refused it for a gateway that died a moment ago.
    private static final long YIELD_WAIT_MS = Heartbeats.TIMEOUT_NS / 1_000_000 + 200;

    /// Per entry: keeps it far below the log's buffer.
    private static final int BATCH_COMMANDS_MAX = 256;

    private static final int BATCH_PGS_MAX = 16_384;

    /// A disk of which more is in use gets nothing moved to it.
    private static final double FULL_SHARE = 0.9;

    private final RaftSettings settings;
    private final MetadataLog log;
    private final CopyOnWriteArrayList<Listener> listeners = new CopyOnWriteArrayList<>();

    private volatile @Nullable ClusterInfo cluster;

    /// The term in which this member began to lead with empty heartbeats; 0 before the first one.
    /// In another term what it heard may be of an earlier leadership.
    private volatile long ledTerm;

    /// Guards what follows.
    private final Object lock = new Object();

    private final Heartbeats heartbeats = new Heartbeats(Heartbeats.TIMEOUT_NS);
    private final Reports reports = new Reports();
    private final Watch watch = new Watch(heartbeats, reports);

    /// What nodes have said since this member leads.
    private final TreeMap<Integer, DiskUse> uses = new TreeMap<>();

    /// Guarded by `lock`, as the above.
    private final NbdAddresses nbd = new NbdAddresses();

    private final ArrayList<Waiting> queue = new ArrayList<>();
    private boolean entryUnderWay;
    private final ArrayList<Yield> yields = new ArrayList<>();
    private final LookOut lookOut = new LookOut(new Look());
    private final Membership membership;

    private record Waiting(Submission submission, CompletableFuture<Decision> decided) {}

    /// A question that was asked and not answered yet.
    private record Yield(YieldQuestion question, CompletableFuture<Void> answered) {}

    /// Told on threads of the log, in order; must not block.
    public interface Listener {
        void onUpdate(MapUpdate update);

        /// The gateway is to be asked, if it can be reached from here.
        void onYieldQuestion(YieldQuestion question);

        /// This member leads from now on, or does not.
        void onLeadership(boolean leads);
    }

    private MetaMember(RaftSettings settings) throws IOException {
        this.settings = settings;
        log = RatisLog.start(settings, new LogListener(), new Json());
        membership =
                new Membership(
                        settings.self(), log, this::leads, () -> cluster != null, this::submit);
        lookOut.start();
    }

    /// Starts the member, with what its folder holds. A group of one leads a few milliseconds
    /// later, a larger one when a majority has started.
    public static MetaMember start(RaftSettings settings) throws IOException {
        return new MetaMember(settings);
    }

    public void listen(Listener listener) {
        listeners.add(listener);
    }

    public void stopListening(Listener listener) {
        listeners.remove(listener);
    }

    public RaftSettings settings() {
        return settings;
    }

    /// Has the group decide. Ends with [NotLeaderException] where this member does not lead, or
    /// stops to before it knows the outcome.
    public CompletableFuture<Reply> submit(Submission submission) {
        return decide(submission)
                .thenCompose(decision -> {
                    YieldQuestion question = decision.question();
                    return question == null
                            ? CompletableFuture.completedFuture(decision.reply())
                            : ask(question)
                                    .thenCompose(_ -> decide(submission))
                                    .thenApply(Decision::reply);
                });
    }

    private CompletableFuture<Decision> decide(Submission submission) {
        CompletableFuture<Decision> decided = new CompletableFuture<>();
        if (!leads()) {
            decided.completeExceptionally(new NotLeaderException("this member follows"));
            return decided;
        }
        Decision refused =
                submission.command() instanceof Command.Recovering back ? refused(back) : null;
        if (refused != null) {
            decided.complete(refused);
            return decided;
        }
        synchronized (lock) {
            queue.add(new Waiting(submission, decided));
        }
        sendNext();
        return decided;
    }

    private void sendNext() {
        List<Waiting> batch = new ArrayList<>();
        Facts facts;
        synchronized (lock) {
            if (entryUnderWay || queue.isEmpty()) {
                return;
            }
            entryUnderWay = true;
            int pgs = 0;
            boolean asksForLiveness = false;
            for (Waiting waiting : queue) {
                pgs += size(waiting.submission.command());
                if (batch.size() == BATCH_COMMANDS_MAX || !batch.isEmpty() && pgs > BATCH_PGS_MAX) {
                    break;
                }
                batch.add(waiting);
                asksForLiveness |=
                        waiting.submission.command() instanceof Command.RegisterDisk
                                || waiting.submission.command() instanceof Command.RegisterGateway
                                || waiting.submission.command() instanceof Command.Attach
                                || waiting.submission.command() instanceof Command.ForceAvailable
                                || waiting.submission.command().leadersOnly();
            }
            queue.subList(0, batch.size()).clear();
            Facts known = asksForLiveness ? heartbeats.at(System.nanoTime()) : Facts.NONE;
            facts = known.of(settings.self(), System.currentTimeMillis());
        }
        List<Submission> submissions = batch.stream().map(Waiting::submission).toList();
        var _ =
                log.append(submissions, facts)
                        .whenComplete((decisions, failure) -> decided(batch, decisions, failure));
    }

    private static int size(Command command) {
        return switch (command) {
            case Command.InSync inSync -> inSync.pgs().size();
            case Command.NewEpoch newEpoch -> newEpoch.pgs().size();
            case Command.StartMoves start -> start.moves().size();
            case Command.EndMoves end -> end.pgs().size();
            default -> 1;
        };
    }

    private void decided(
            List<Waiting> batch, @Nullable List<Decision> decisions, @Nullable Throwable failure) {
        synchronized (lock) {
            entryUnderWay = false;
            if (decisions != null) {
                long nowNs = System.nanoTime();
                for (int i = 0; i < batch.size(); i++) {
                    Command command = batch.get(i).submission.command();
                    watch.answered(command, decisions.get(i).reply(), nowNs);
                }
            }
        }
        for (int i = 0; i < batch.size(); i++) {
            Waiting waiting = batch.get(i);
            if (decisions != null) {
                if (waiting.submission.command() instanceof Command.AnswerYield answer) {
                    answered(answer);
                }
                waiting.decided.complete(decisions.get(i));
            } else {
                waiting.decided.completeExceptionally(
                        failure == null ? new NotLeaderException("no outcome") : failure);
            }
        }
        sendNext();
    }

    /// Ends when the holder has answered, or did not in time.
    private CompletableFuture<Void> ask(YieldQuestion question) {
        CompletableFuture<Void> answered;
        synchronized (lock) {
            for (Yield yield : yields) {
                if (yield.question.equals(question)) {
                    return yield.answered;
                }
            }
            answered =
                    new CompletableFuture<Void>()
                            .completeOnTimeout(null, YIELD_WAIT_MS, TimeUnit.MILLISECONDS);
            yields.add(new Yield(question, answered));
        }
        listeners.forEach(listener -> listener.onYieldQuestion(question));
        return answered.whenComplete((_, _) -> {
            synchronized (lock) {
                yields.removeIf(yield -> yield.question.equals(question));
            }
        });
    }

    private void answered(Command.AnswerYield answer) {
        YieldQuestion question =
                new YieldQuestion(answer.volumeId(), answer.gatewayId(), answer.term());
        List<CompletableFuture<Void>> waiting = new ArrayList<>();
        synchronized (lock) {
            for (Yield yield : yields) {
                if (yield.question.equals(question)) {
                    waiting.add(yield.answered);
                }
            }
        }
        waiting.forEach(one -> one.complete(null));
    }

    /// A linearizable read; ends with [NotLeaderException] where this member does not lead.
    public CompletableFuture<MapUpdate> fetch(long revision) {
        return log.changesAfter(revision);
    }

    /// What people are told, after event `after`, with everything that was committed before the
    /// call; ends with [NotLeaderException] where this member does not lead.
    public CompletableFuture<List<GroupEvent>> events(long after) {
        return log.changesAfter(Long.MAX_VALUE).thenApply(_ -> log.localEventsAfter(after));
    }

    /// What this member has applied of what changed after `revision`.
    public MapUpdate localChangesAfter(long revision) {
        return log.localChangesAfter(revision);
    }

    /// Takes a heartbeat in; it counts only where this member leads.
    ///
    /// @param gone disks that say that they do not serve any longer
    /// @param nbdUris where the gateway serves
    public void beat(
            long gatewayId,
            List<DiskLife> disks,
            List<DiskUse> said,
            List<DiskLife> gone,
            List<String> nbdUris) {
        long nowNs = System.nanoTime();
        synchronized (lock) {
            if (gatewayId != 0) {
                heartbeats.gatewayBeat(gatewayId, nowNs);
            }
            for (DiskLife life : disks) {
                heartbeats.diskBeat(life.diskId(), life.bootId(), nowNs);
            }
            gone.forEach(life -> heartbeats.goodbye(life, nowNs));
            said.forEach(use -> uses.put(use.diskId(), use));
            nbd.said(gatewayId, nbdUris);
        }
    }

    /// A gateway says of disks that they owe it answers for too long, or are slow. Counts only
    /// where this member leads.
    ///
    /// @return those of the silent ones that this member reaches
    public List<DiskLife> report(long gatewayId, List<DiskLife> silent, List<DiskLife> slow) {
        synchronized (lock) {
            return watch.report(gatewayId, silent, slow, System.nanoTime());
        }
    }

    /// What the leader alone decides: whether the disk may not come back yet. Null where it may.
    private @Nullable Decision refused(Command.Recovering back) {
        String objection;
        synchronized (lock) {
            objection = watch.objection(back, System.nanoTime());
        }
        if (objection == null) {
            return null;
        }
        long revision = log.localChangesAfter(Long.MAX_VALUE).revision();
        Reply refused = new Reply.Refused(revision, LossRules.NOT_REACHED, objection);
        return new Decision(List.of(), refused, null);
    }

    /// How to see whether a disk answers; without it no report is believed.
    public void probeWith(Probe probe) {
        lookOut.probeWith(probe);
    }

    /// The cluster, or null before it was created.
    public @Nullable ClusterInfo cluster() {
        return cluster;
    }

    public boolean leads() {
        MetadataLog.Leadership leadership = log.leadership();
        return leadership.self() && leadership.term() == ledTerm;
    }

    /// Where the leader is reached, empty where none is known.
    public List<String> leaderAddresses() {
        String leader = log.leadership().leader();
        for (GroupMember member : log.members()) {
            if (member.name().equals(leader) && !member.control().isEmpty()) {
                return List.of(member.control());
            }
        }
        return List.of();
    }

    /// Who belongs to the group, as far as this member knows.
    public List<GroupMember> members() {
        return log.members();
    }

    /// What can be done about that.
    public Membership membership() {
        return membership;
    }

    /// A uuid of the folder that holds this member's log.
    public String folderId() {
        return log.folderId();
    }

    public MetaStatus status() {
        MetadataLog.Leadership leadership = log.leadership();
        List<MetaStatus.DiskSeen> disks = new ArrayList<>();
        List<MetaStatus.GatewaySeen> gateways = new ArrayList<>();
        boolean settled;
        synchronized (lock) {
            long nowNs = System.nanoTime();
            settled = leadership.self() && !heartbeats.at(nowNs).leaderIsNew();
            for (Heartbeats.Seen seen : heartbeats.disksSeen(nowNs)) {
                disks.add(
                        new MetaStatus.DiskSeen(
                                (int) seen.id(),
                                seen.bootId(),
                                ms(seen.agoNs()),
                                seen.alive(),
                                uses.get((int) seen.id())));
            }
            for (Heartbeats.Seen seen : heartbeats.gatewaysSeen(nowNs)) {
                gateways.add(
                        new MetaStatus.GatewaySeen(
                                seen.id(), ms(seen.agoNs()), seen.alive(), nbd.of(seen.id())));
            }
        }
        return new MetaStatus(
                settings.self(),
                leadership.leader(),
                leadership.term(),
                log.members().stream().map(GroupMember::name).toList(),
                settled,
                log.localChangesAfter(Long.MAX_VALUE).revision(),
                disks,
                gateways,
                leadership.self() ? lookOut.moves() : Moves.Progress.NONE,
                membership.known(),
                log.formerMembers(),
                membership.silent(),
                log.groupId(),
                settings.member().told(log.folderId()));
    }

    /// What there is to move, where this member leads.
    public Moves.Progress moves() {
        return lookOut.moves();
    }

    private static long ms(long ns) {
        return ns / 1_000_000;
    }

    @Override
    public void close() throws IOException {
        lookOut.close();
        membership.close();
        log.close();
    }

    private final class Look implements LookOut.Leader {
        @Override
        public void lookAtMembers() {
            membership.look();
        }

        @Override
        public boolean leads() {
            return MetaMember.this.leads();
        }

        @Override
        public List<Command.Unreachable> look(ClusterMap map) {
            synchronized (lock) {
                return watch.look(map, System.nanoTime());
            }
        }

        @Override
        public List<DiskLife> toProbe() {
            synchronized (lock) {
                return reports.toProbe(System.nanoTime());
            }
        }

        @Override
        public Facts facts() {
            synchronized (lock) {
                return heartbeats.at(System.nanoTime());
            }
        }

        @Override
        public void probed(DiskLife life, boolean answered) {
            synchronized (lock) {
                reports.probed(life, answered, System.nanoTime());
            }
        }

        @Override
        public Set<Integer> full() {
            TreeSet<Integer> full = new TreeSet<>();
            synchronized (lock) {
                for (DiskUse use : uses.values()) {
                    if (use.usedBytes() > FULL_SHARE * use.capacityBytes()) {
                        full.add(use.diskId());
                    }
                }
            }
            return full;
        }

        @Override
        public MapUpdate localChangesAfter(long revision) {
            return log.localChangesAfter(revision);
        }

        @Override
        public CompletableFuture<Reply> submit(Submission submission) {
            return MetaMember.this.submit(submission);
        }
    }

    private final class LogListener implements MetadataLog.Listener {
        @Override
        public void onUpdate(MapUpdate update) {
            if (update.cluster() != null) {
                cluster = update.cluster();
            }
            listeners.forEach(listener -> listener.onUpdate(update));
        }

        @Override
        public void onLead(long term) {
            synchronized (lock) {
                heartbeats.lead(System.nanoTime());
                watch.clear();
                uses.clear();
                nbd.clear();
            }
            membership.onLead();
            ledTerm = term;
            LOG.info("metadata member leads name={}", settings.self());
            listeners.forEach(listener -> listener.onLeadership(true));
        }

        @Override
        public void onFollow() {
            LOG.info("metadata member follows name={}", settings.self());
            listeners.forEach(listener -> listener.onLeadership(false));
        }

        @Override
        public void onStopped(boolean removed) {
            LOG.info("metadata member stopped name={}", settings.self());
            membership.onStopped(removed);
            listeners.forEach(listener -> listener.onLeadership(false));
        }
    }
}
