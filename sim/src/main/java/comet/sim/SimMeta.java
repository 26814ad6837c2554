package comet.sim;

import comet.base.Prng;
import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.DiskLife;
import comet.cluster.MapUpdate;
import comet.cluster.PgConfig;
import comet.cluster.Reply;
import comet.meta.Decision;
import comet.meta.Facts;
import comet.meta.Group;
import comet.meta.GroupImage;
import comet.meta.GroupRecord;
import comet.meta.Heartbeats;
import comet.meta.LossRules;
import comet.meta.Moves;
import comet.meta.Reports;
import comet.meta.Submission;
import comet.meta.Watch;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The metadata group as everybody else sees it: a linearizable service with delays, whose messages
/// get lost and are sent again, that cannot be reached for a while, and whose leader changes. It
/// runs the real state machine; how its members agree is another matter.
final class SimMeta {
    private static final long COMMIT_NS_MAX = 4_000_000;
    private static final long RESEND_NS = 300_000_000;
    private static final long WATCH_ORIGIN = -1;
    private static final long PROBE_NS_MAX = 500_000_000;
    private static final long YIELD_WAIT_NS = 1_000_000_000;

    /// Told of every change, at the moment of its commit.
    interface Observer {
        void committed(MapUpdate update);
    }

    /// A command on its way through the leader.
    private static final class Asking {
        private final Submission submission;
        private final Facts facts;
        private final Consumer<Reply> done;
        private final boolean mayAsk;

        Asking(Submission submission, Facts facts, Consumer<Reply> done, boolean mayAsk) {
            this.submission = submission;
            this.facts = facts;
            this.done = done;
            this.mayAsk = mayAsk;
        }
    }

    private final Simulation simulation;
    private final Prng prng;
    private final SkewedClock wall;
    private Group group = new Group();
    private final Heartbeats heartbeats = new Heartbeats(Heartbeats.TIMEOUT_NS);
    private final Reports reports = new Reports();
    private final Watch watch = new Watch(heartbeats, reports);
    private final ClusterMap truth = new ClusterMap();
    private final List<SimMetaClient> clients = new ArrayList<>();
    private final List<Observer> observers = new ArrayList<>();
    private final TreeMap<Long, TreeMap<Long, Long>> lastTerms = new TreeMap<>();
    private List<Asking> queue = new ArrayList<>();
    private boolean committing;
    private long unreachableUntilNs;

    private long watchSequence;
    private final Moves moves = new Moves();

    /// What the group itself does wrong.
    Canary canary = Canary.NONE;

    /// How the leader sees for itself whether a disk answers.
    interface Prober {
        boolean answers(int diskId);
    }

    /// Told why the leader proposes to go on without a disk.
    interface Why {
        void proposed(String why);
    }

    Prober prober = diskId -> true;
    Why why = word -> {};

    /// Chance in 1,000 that a message to or from the group is lost.
    int lossPerMille;

    SimMeta(Simulation simulation) {
        this.simulation = simulation;
        prng = simulation.fork();
        wall = new SkewedClock(simulation, "meta");
        heartbeats.lead(simulation.nowNs());
        simulation.in(Watch.INTERVAL_NS, this::watch);
    }

    /// The leader looks for disks that have fallen silent.
    private void watch() {
        if (reachable()) {
            for (DiskLife life : reports.toProbe(simulation.nowNs())) {
                long tookNs = prng.nextLong(PROBE_NS_MAX);
                simulation.in(
                        tookNs,
                        () ->
                                reports.probed(
                                        life, prober.answers(life.diskId()), simulation.nowNs()));
            }
            for (Command.Unreachable command : watch.look(truth, simulation.nowNs())) {
                simulation.trace("meta", "disk " + command.diskId() + " is " + command.why());
                why.proposed(command.why());
                propose(command);
            }
            long nowNs = simulation.nowNs();
            Facts facts = heartbeats.at(nowNs);
            for (Command step : moves.look(truth, facts, Set.of(), nowNs, wall.nowMs())) {
                take(new Submission(WATCH_ORIGIN, ++watchSequence, step), reply -> {});
            }
        }
        simulation.in(Watch.INTERVAL_NS, this::watch);
    }

    private void propose(Command command) {
        take(new Submission(WATCH_ORIGIN, ++watchSequence, command), reply -> {});
    }

    /// A gateway says that disks do not answer it, or slowly.
    ///
    /// @return those that the leader reaches
    List<DiskLife> report(long gatewayId, List<DiskLife> silent, List<DiskLife> slow) {
        silent.forEach(life ->
                simulation.trace("meta", "gateway " + gatewayId + " misses disk " + life.diskId()));
        slow.forEach(life ->
                simulation.trace(
                        "meta", "gateway " + gatewayId + " finds disk " + life.diskId() + " slow"));
        return watch.report(gatewayId, silent, slow, simulation.nowNs());
    }

    /// The leader is wrong about a disk that lives.
    void leave(int diskId) {
        DiskInfo disk = truth.disk(diskId);
        if (disk != null && reachable()) {
            propose(new Command.Unreachable(diskId, disk.bootId(), Command.Unreachable.SILENT));
        }
    }

    Simulation simulation() {
        return simulation;
    }

    /// The agreed state at this moment. The newest attachment that a gateway has ever had of a
    /// volume, or 0.
    long lastTerm(long volumeId, long gatewayId) {
        return lastTerms.getOrDefault(volumeId, new TreeMap<>()).getOrDefault(gatewayId, 0L);
    }

    ClusterMap truth() {
        return truth;
    }

    void observe(Observer observer) {
        observers.add(observer);
    }

    SimMetaClient client(SimProcess process) {
        clients.removeIf(client -> !client.alive());
        SimMetaClient client = new SimMetaClient(this, process);
        clients.add(client);
        return client;
    }

    /// Nobody reaches the group for a while; then it has a new leader.
    void unreachable(long ns) {
        unreachableUntilNs = Math.max(unreachableUntilNs, simulation.nowNs() + ns);
        simulation.in(ns, this::newLeader);
    }

    /// All members are gone, and what they had agreed upon.
    void lose() {
        unreachableUntilNs = Long.MAX_VALUE;
    }

    /// A new group, made from what was kept elsewhere. Of what the lost one was asked nothing is
    /// left.
    void remade(GroupImage image) {
        group = new Group(image);
        queue = new ArrayList<>();
        unreachableUntilNs = simulation.nowNs();
        heartbeats.lead(simulation.nowNs());
        reports.clear();
        moves.forget();
        publish(group.changesAfter(0));
    }

    /// All that it has agreed upon, as a file.
    MapUpdate export() {
        return group.image().everything();
    }

    boolean lost() {
        return unreachableUntilNs == Long.MAX_VALUE;
    }

    void newLeader() {
        if (lost()) {
            return;
        }
        heartbeats.lead(simulation.nowNs());
        watch.clear();
        moves.forget();
        // The new leader has its state from a snapshot.
        group = new Group(group.image());
    }

    boolean reachable() {
        return simulation.nowNs() >= unreachableUntilNs;
    }

    /// A message to or from the group; lost ones never come.
    void message(Runnable arrival) {
        if (prng.chance(lossPerMille, 1000)) {
            return;
        }
        long delayNs = 30_000 + prng.nextLong(prng.chance(1, 20) ? 50_000_000 : 1_500_000);
        simulation.in(
                delayNs,
                () -> {
                    if (reachable()) {
                        arrival.run();
                    }
                });
    }

    long resendNs() {
        return RESEND_NS + prng.nextLong(RESEND_NS);
    }

    long origin() {
        return prng.nextLong() | 1;
    }

    void diskBeat(int diskId, long bootId) {
        heartbeats.diskBeat(diskId, bootId, simulation.nowNs());
    }

    void goodbye(int diskId, long bootId) {
        heartbeats.goodbye(new DiskLife(diskId, bootId), simulation.nowNs());
    }

    void gatewayBeat(long gatewayId) {
        heartbeats.gatewayBeat(gatewayId, simulation.nowNs());
    }

    /// A command has reached the leader.
    void take(Submission submission, Consumer<Reply> done) {
        take(submission, done, true);
    }

    private void take(Submission submission, Consumer<Reply> done, boolean mayAsk) {
        if (submission.command() instanceof Command.Recovering back) {
            String objection = watch.objection(back, simulation.nowNs());
            if (objection != null) {
                done.accept(new Reply.Refused(truth.revision(), LossRules.NOT_REACHED, objection));
                return;
            }
        }
        Facts facts = facts(submission.command());
        queue.add(new Asking(submission, facts, done, mayAsk));
        if (!committing) {
            committing = true;
            simulation.in(100_000 + prng.nextLong(COMMIT_NS_MAX), this::commit);
        }
    }

    private Facts facts(Command command) {
        Facts facts = heartbeats.at(simulation.nowNs()).of("meta", wall.nowMs());
        if (canary != Canary.LEAVE_LAST_COPY || !(command instanceof Command.Unreachable)) {
            return facts;
        }
        List<DiskLife> all = new ArrayList<>();
        truth.disks().forEach(disk -> all.add(new DiskLife(disk.diskId(), disk.bootId())));
        return new Facts(facts.leaderIsNew(), facts.gateways(), all, facts.ended());
    }

    private void commit() {
        committing = false;
        List<Asking> batch = queue;
        queue = new ArrayList<>();
        // Each with the facts it was taken with; an entry holds one set of facts.
        for (Asking asking : batch) {
            commit(asking);
        }
    }

    private void commit(Asking asking) {
        Group.Applied applied = group.apply(List.of(asking.submission), asking.facts);
        Decision decision = applied.decisions().getFirst();
        MapUpdate update = applied.update();
        simulation.trace("meta", asking.submission.command() + " => " + decision.reply());
        if (asking.submission.command() instanceof Command.Attach attach
                && decision.reply() instanceof Reply.Attached attached) {
            lastTerms
                    .computeIfAbsent(attach.volumeId(), _ -> new TreeMap<>())
                    .merge(attach.gatewayId(), attached.term(), Math::max);
        }
        simulation.note(decision.reply().hashCode());
        if (update != null) {
            publish(update);
            doWrong(update);
        }
        Decision.YieldQuestion question = decision.question();
        if (question != null && asking.mayAsk) {
            ask(question, asking);
            return;
        }
        watch.answered(asking.submission.command(), decision.reply(), simulation.nowNs());
        asking.done.accept(decision.reply());
    }

    /// Leaves out a rule of the group, see [Canary].
    private void doWrong(MapUpdate update) {
        for (PgConfig pg : update.pgs()) {
            PgConfig wrong = CanaryTap.wrong(canary, pg);
            if (wrong != null) {
                group.replay(new GroupRecord.PgSet(wrong));
            }
        }
        MapUpdate more = canary == Canary.NONE ? null : group.endEntry();
        if (more != null) {
            publish(more);
        }
    }

    String movesText() {
        return "moves " + moves.progress() + " " + truth.settings();
    }

    /// Whether everything lies where it should, as the leader has found at its last look.
    boolean movesDone() {
        boolean done = moves.progress().isDone();
        for (int pg = 0; pg < truth.pgCount(); pg++) {
            done &= truth.pg(pg).move() == null;
        }
        for (DiskInfo disk : truth.disks()) {
            done &= disk.state() != DiskInfo.State.REMOVING;
        }
        return done;
    }

    private void ask(Decision.YieldQuestion question, Asking asking) {
        for (SimMetaClient client : List.copyOf(clients)) {
            if (client.gatewayId() == question.gatewayId()) {
                message(() -> client.yieldAsked(question.volumeId(), question.term()));
            }
        }
        // Decided again after the answer or a second; the answer is a command of its own, so a
        // moment after the usual round trip is as good.
        long waitNs = prng.chance(1, 2) ? 50_000_000 : YIELD_WAIT_NS;
        simulation.in(waitNs, () -> take(asking.submission, asking.done, false));
    }

    private void publish(MapUpdate update) {
        comet.base.Check.that(truth.apply(update), "a gap in the group's own updates");
        simulation.note(update.revision());
        for (Observer observer : observers) {
            observer.committed(update);
        }
        for (SimMetaClient client : clients) {
            if (client.alive()) {
                message(() -> client.pushed(update));
                if (prng.chance(1, 20)) {
                    message(() -> client.pushed(update));
                }
            }
        }
    }

    MapUpdate changesAfter(long revision) {
        return group.changesAfter(revision);
    }

    @Nullable SimMetaClient clientOf(SimProcess process) {
        for (SimMetaClient client : clients) {
            if (client.of(process)) {
                return client;
            }
        }
        return null;
    }
}
