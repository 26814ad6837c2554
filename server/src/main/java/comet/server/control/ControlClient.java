package comet.server.control;

import comet.base.BufPool;
import comet.base.Check;
import comet.cluster.Command;
import comet.cluster.DiskLife;
import comet.cluster.GroupMember;
import comet.cluster.MapUpdate;
import comet.cluster.Reply;
import comet.meta.Heartbeats;
import comet.meta.Reports;
import comet.port.Connection;
import comet.port.Loop;
import comet.port.MetaClient;
import comet.server.control.ControlMessage.Push;
import comet.server.control.ControlMessage.Request;
import comet.server.control.ControlMessage.Response;
import comet.server.control.Targets.Target;
import comet.server.raft.DiskUse;
import comet.server.raft.MetaStatus;
import comet.wire.FramePool;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The metadata group as a process uses it: finds the leader, sends what is not answered again to
/// the next one, reports what lives here twice a second, and follows the map.
///
/// A member is tried by a heartbeat: only after the first one was answered does everything else go
/// there. One that does not lead says who does. An answer is waited for without end, a heartbeat's
/// only as long as the group itself would wait.
///
/// A process has one on each loop that needs it. Owner thread: the loop, also for starting and
/// closing it.
public final class ControlClient implements MetaClient {
    private static final Logger LOG = LoggerFactory.getLogger(ControlClient.class);

    private static final long RETRY_MIN_NS = 50_000_000L;
    private static final long RETRY_MAX_NS = 500_000_000L;

    /// A member in this process costs nothing to ask, and at a start is about to lead.
    private static final long RETRY_LOCAL_NS = 10_000_000L;

    private final Loop loop;
    private final Executor onLoop;
    private final @Nullable Network network;
    private final Targets targets;
    private final ExecutorService worker =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().daemon().name("control-client-", 0).factory());

    private final Origin origin;
    private long requestIds;
    private final LinkedHashMap<Long, Pending> pending = new LinkedHashMap<>();
    private @Nullable Listener listener;
    private long knownRevision;

    private long gatewayId;
    private final TreeMap<Integer, Long> disks = new TreeMap<>();
    private final TreeMap<Integer, Long> gone = new TreeMap<>();
    private final TreeMap<Integer, DiskUse> uses = new TreeMap<>();

    private String member = "";
    private String memberFolder = "";
    private List<String> nbd = List.of();
    private @Nullable Attempt attempt;
    private long retryNs = RETRY_MIN_NS;
    private Loop.@Nullable Timer tick;
    private boolean closed;

    /// How members in other processes are reached.
    ///
    /// @param book where they are
    /// @param clusterHigh the cluster's id, which the members check; both 0 where it is not known
    public record Network(
            Connection.Dialer dialer,
            FramePool frames,
            BufPool bufs,
            MemberBook book,
            long clusterHigh,
            long clusterLow) {}

    private record Pending(Request request, Consumer<Response> done) {}

    private ControlClient(
            Origin origin,
            Loop loop,
            Executor onLoop,
            @Nullable ControlService local,
            @Nullable Network network) {
        this.origin = origin;
        this.loop = loop;
        this.onLoop = onLoop;
        this.network = network;
        targets =
                network == null
                        ? new Targets(local, List.of(), List.of())
                        : new Targets(local, network.book().told(), network.book().configured());
        Check.that(!targets.isEmpty(), "a metadata group has members");
        connect();
        tick = loop.schedule(Heartbeats.INTERVAL_NS, this::onTick);
    }

    /// To a group of one in this process.
    ///
    /// @param origin of this process
    /// @param onLoop runs work on the loop, from any thread
    public static ControlClient local(
            Origin origin, ControlService service, Loop loop, Executor onLoop) {
        return new ControlClient(origin, loop, onLoop, service, null);
    }

    /// To a group whose members are other processes.
    public static ControlClient remote(Origin origin, Network network, Loop loop, Executor onLoop) {
        return new ControlClient(origin, loop, onLoop, null, network);
    }

    /// To a group of which a member lives in this process, which is asked first.
    public static ControlClient member(
            Origin origin, ControlService service, Network others, Loop loop, Executor onLoop) {
        return new ControlClient(origin, loop, onLoop, service, others);
    }

    @Override
    public void submit(Command command, Consumer<Reply> done) {
        submitNamed(command, done);
    }

    @Override
    public void fetch(long revision, Consumer<MapUpdate> done) {
        ask(
                new Request.Fetch(revision),
                response -> {
                    if (response instanceof Response.Update update) {
                        done.accept(update.update());
                    }
                });
    }

    @Override
    public void report(
            long ofGateway,
            List<DiskLife> silent,
            List<DiskLife> slow,
            Consumer<List<DiskLife>> done) {
        Attempt now = attempt;
        if (now == null || !now.leads) {
            return;
        }
        // Once: what is true in half a second is said again.
        long requestId =
                ask(
                        new Request.Report(ofGateway, silent, slow),
                        response -> {
                            if (response instanceof Response.Reached reached) {
                                done.accept(reached.disks());
                            }
                        });
        loop.schedule(Reports.INTERVAL_NS, () -> forget(requestId));
    }

    @Override
    public void listen(Listener newListener) {
        Check.that(listener == null, "one listener at most");
        listener = newListener;
        subscribe();
    }

    /// What the leader knows of who lives.
    public void status(Consumer<MetaStatus> done) {
        ask(new Request.Status(), statusOf(done));
    }

    /// This process is that gateway: its heartbeats keep its attachments, and what the group asks
    /// of the gateway comes to [#listen]ers here, whatever other clients of the process are asked.
    public void reportGateway(long newGatewayId) {
        gatewayId = newGatewayId;
        beatNow();
    }

    /// Where the gateway of this process serves volumes; goes with the heartbeats.
    ///
    /// @param uris see [comet.server.raft.NbdAddresses]
    public void reportNbd(List<String> uris) {
        nbd = List.copyOf(uris);
        beatNow();
    }

    /// This process carries that member of the group; goes with the heartbeats.
    public void reportMember(String name, String folder) {
        member = name;
        memberFolder = folder;
    }

    /// A disk of this process serves in that life of it: the map may count on it.
    public void reportDisk(int diskId, long bootId) {
        gone.remove(diskId);
        Long before = disks.put(diskId, bootId);
        if (before == null || before != bootId) {
            beatNow();
        }
    }

    /// It serves no longer: those who wait for its answers need not wait until it is missed.
    public void forgetDisk(int diskId) {
        Long bootId = disks.remove(diskId);
        if (bootId != null) {
            gone.put(diskId, bootId);
            beatNow();
        }
    }

    /// How full a disk of this process is; goes with the heartbeats.
    public void reportUse(DiskUse use) {
        uses.put(use.diskId(), use);
    }

    /// Ends everything; what was not answered never will be.
    public void close() {
        closed = true;
        pending.clear();
        if (tick != null) {
            tick.cancel();
        }
        if (attempt != null) {
            attempt.end();
        }
        worker.shutdown();
    }

    /// Like [#submit], to be called off with [#forget].
    long submitNamed(Command command, Consumer<Reply> done) {
        return ask(
                new Request.Submit(origin.submission(command)),
                response -> {
                    if (response instanceof Response.Answer answer) {
                        done.accept(answer.reply());
                    }
                });
    }

    static Consumer<Response> statusOf(Consumer<MetaStatus> done) {
        return response -> {
            if (response instanceof Response.Status status) {
                done.accept(status.status());
            }
        };
    }

    long ask(Request request, Consumer<Response> done) {
        long requestId = ++requestIds;
        if (!closed) {
            pending.put(requestId, new Pending(request, done));
            if (attempt != null && attempt.leads) {
                attempt.send(requestId, request);
            }
        }
        return requestId;
    }

    /// The answer is not wanted any more; it is not sent again.
    void forget(long requestId) {
        pending.remove(requestId);
    }

    private void connect() {
        if (closed) {
            return;
        }
        Target target = targets.next();
        Attempt next = new Attempt(target);
        attempt = next;
        ControlService local = target.local();
        if (local != null) {
            LocalLink link = new LocalLink(local, onLoop, next);
            next.link = link;
            link.open();
        } else if (network != null) {
            RemoteLink link = new RemoteLink(network, worker, onLoop, next);
            next.link = link;
            link.dial(target.addresses());
        }
    }

    private void onTick() {
        if (closed) {
            return;
        }
        tick = loop.schedule(Heartbeats.INTERVAL_NS, this::onTick);
        if (attempt != null) {
            attempt.onTick();
        }
    }

    private void beatNow() {
        if (attempt != null && attempt.leads) {
            attempt.beat();
        }
    }

    private void subscribe() {
        if (attempt != null && attempt.leads && listener != null) {
            attempt.send(++requestIds, new Request.Subscribe(knownRevision));
        }
    }

    private Request.Beat beat() {
        List<DiskLife> lives = new ArrayList<>();
        disks.forEach((diskId, bootId) -> lives.add(new DiskLife(diskId, bootId)));
        List<DiskLife> ended = new ArrayList<>();
        gone.forEach((diskId, bootId) -> ended.add(new DiskLife(diskId, bootId)));
        return new Request.Beat(
                gatewayId, lives, List.copyOf(uses.values()), ended, member, memberFolder, nbd);
    }

    /// Goes on with another member.
    private void moveOn(Attempt from, List<String> leader, String why) {
        if (attempt != from || closed) {
            return;
        }
        LOG.debug("metadata member left addresses={} why=\"{}\"", from.target.addresses(), why);
        attempt = null;
        from.end();
        boolean named = targets.moveOn(network == null ? List.of() : leader);
        if (named && from.wasGreeted) {
            connect();
        } else {
            boolean local = targets.next().local() != null;
            loop.schedule(local ? Math.min(retryNs, RETRY_LOCAL_NS) : retryNs, this::connect);
            retryNs = Math.min(retryNs * 2, RETRY_MAX_NS);
        }
    }

    /// Where the members are is known from now on, also to the next life of this process.
    private void learn(List<GroupMember> members, Target from) {
        Network over = network;
        if (over == null || members.isEmpty()) {
            return;
        }
        List<List<String>> addresses = new ArrayList<>();
        for (GroupMember one : members) {
            if (one.control().isEmpty()) {
                return;
            }
            addresses.add(List.of(one.control()));
        }
        targets.learn(addresses, from);
        worker.execute(() -> over.book().learn(addresses));
    }

    /// One member, tried or used.
    private final class Attempt implements MemberLink.Handler {
        private final Target target;
        private final long beganNs = loop.nowNs();
        private @Nullable MemberLink link;
        private boolean wasGreeted;
        private boolean leads;
        private long beatId;
        private long beatSentNs;

        Attempt(Target target) {
            this.target = target;
        }

        void send(long requestId, Request request) {
            if (link != null) {
                link.send(requestId, request);
            }
        }

        void end() {
            leads = false;
            if (link != null) {
                link.close();
            }
        }

        void beat() {
            if (beatId == 0) {
                beatId = ++requestIds;
                beatSentNs = loop.nowNs();
                send(beatId, ControlClient.this.beat());
            }
        }

        void onTick() {
            long sinceNs = beatId != 0 ? beatSentNs : leads ? loop.nowNs() : beganNs;
            if (loop.nowNs() - sinceNs > Heartbeats.TIMEOUT_NS) {
                moveOn(this, List.of(), "no answer");
            } else if (leads) {
                beat();
            }
        }

        @Override
        public void onReady() {
            wasGreeted = true;
            beat();
        }

        @Override
        public void onResponse(long requestId, Response response) {
            if (attempt != this) {
                return;
            }
            if (response instanceof Response.NotLeader notLeader) {
                moveOn(this, notLeader.addresses(), "it does not lead");
                return;
            }
            if (requestId == beatId) {
                beatId = 0;
                if (response instanceof Response.Done done) {
                    learn(done.members(), target);
                }
                if (!leads) {
                    lead();
                }
                return;
            }
            Pending answered = pending.remove(requestId);
            if (answered != null) {
                answered.done.accept(response);
            }
        }

        private void lead() {
            leads = true;
            targets.leads();
            retryNs = RETRY_MIN_NS;
            subscribe();
            pending.forEach((requestId, waiting) -> send(requestId, waiting.request));
        }

        @Override
        public void onPush(Push push) {
            Listener to = listener;
            if (attempt != this || to == null) {
                return;
            }
            switch (push) {
                case Push.Changed changed -> {
                    knownRevision = Math.max(knownRevision, changed.update().revision());
                    to.onUpdate(changed.update());
                }
                case Push.YieldAsked asked -> to.onYieldAsked(asked.volumeId(), asked.term());
            }
        }

        @Override
        public void onEnded(String why) {
            moveOn(this, List.of(), why);
        }
    }
}
