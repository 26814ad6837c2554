package comet.meta;

import comet.cluster.ClusterMap;
import comet.cluster.ClusterSetting;
import comet.cluster.Command;
import comet.cluster.Command.PgEpoch;
import comet.cluster.Command.PgMove;
import comet.cluster.DiskInfo;
import comet.cluster.DiskLife;
import comet.cluster.MemberState;
import comet.cluster.NodeInfo;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import comet.cluster.PgConfig.Move;
import comet.cluster.Placement;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Where the leader of the group has placement groups move: it plans which disks should hold what
/// ([Placement], from where everything is now, so that little moves), and names the next steps
/// towards that. The group checks each of them ([MoveRules]).
///
/// A plan is made anew when a disk joins, leaves, changes its weight or is lost: away for longer
/// than the operator allows, and not in maintenance. Everything else is read from the agreed state
/// at every look, so a new leader goes on where the last one stopped.
///
/// First come steps that make up for a lost copy, then those that empty a disk, then those that
/// only even out. A few at a time for each disk and in the whole. Not safe for several threads.
public final class Moves {
    /// A disk that joins a PG and is dead for so long is given up.
    private static final long JOINING_PATIENCE_NS = 30_000_000_000L;

    /// Moves that end are counted over this time, to tell how long the rest will take.
    private static final long RATE_NS = 60_000_000_000L;

    /// What there is to do, for people.
    ///
    /// @param waiting steps that are to come
    /// @param moving PGs that are being moved
    /// @param moved steps done since this leader leads
    /// @param rebuildImpossible copies that are lost and that no disk can take: there is no free
    ///   domain
    /// @param perMinute steps done in the last minute
    /// @param fromDisks steps that are to come or under way, by the disk that is to be left
    public record Progress(
            int waiting,
            int moving,
            long moved,
            int rebuildImpossible,
            int perMinute,
            TreeMap<Integer, Integer> fromDisks) {
        public static final Progress NONE = new Progress(0, 0, 0, 0, 0, new TreeMap<>());

        public boolean isDone() {
            return waiting + moving + rebuildImpossible == 0;
        }
    }

    private final int perDisk;
    private final int inAll;

    /// When a look found the disk dead for the first time in a row.
    private final TreeMap<Integer, Long> deadSinceNs = new TreeMap<>();

    private final Maintenance maintenance = new Maintenance();

    private final ArrayDeque<Long> endedAtNs = new ArrayDeque<>();
    private List<Object> plannedFor = List.of();
    private int[][] goal = new int[0][];
    private long moved;
    private Progress progress = Progress.NONE;
    private @Nullable Rest rest;

    // Of one look.
    private TreeMap<Integer, Integer> busy = new TreeMap<>();
    private TreeSet<Integer> lost = new TreeSet<>();
    private int underWay;
    private int waiting;

    public Moves() {
        this(Limits.MOVES_PER_DISK, Limits.MOVES_MAX);
    }

    Moves(int perDisk, int inAll) {
        this.perDisk = perDisk;
        this.inAll = inAll;
    }

    /// A step that could come next.
    ///
    /// @param urgency 0 for a lost copy, 1 for a disk that is to be emptied, 2 for balance
    private record Wish(int urgency, PgMove move) {}

    /// Under which nothing was to be moved: as long as it is so, nobody has to look again.
    private record Rest(long revision, Set<Integer> lost, Set<Integer> full) {
        Rest {
            lost = Set.copyOf(lost);
            full = Set.copyOf(full);
        }
    }

    public Progress progress() {
        return progress;
    }

    /// This member does not lead, or begins to: what it knew from an earlier time is void.
    public void forget() {
        deadSinceNs.clear();
        maintenance.forget();
        endedAtNs.clear();
        plannedFor = List.of();
        goal = new int[0][];
        moved = 0;
        rest = null;
        progress = Progress.NONE;
    }

    /// The next steps, which may be none.
    ///
    /// @param full disks that take nothing more
    /// @param nowNs of this process
    /// @param nowMs wall clock, for the end of maintenance
    public List<Command> look(
            ClusterMap map, Facts facts, Set<Integer> full, long nowNs, long nowMs) {
        if (!map.exists()) {
            return List.of();
        }
        Liveness lives = new Lives(facts);
        watch(map, lives, nowNs, nowMs);
        Rest now = new Rest(map.revision(), lost, full);
        if (now.equals(rest)) {
            return List.of();
        }
        plan(map);
        List<Command> commands = steps(map, lives, full, nowNs);
        boolean atRest = commands.isEmpty() && progress.isDone() && progress.perMinute() == 0;
        rest = atRest ? now : null;
        return commands;
    }

    // Who is lost.

    private void watch(ClusterMap map, Liveness lives, long nowNs, long nowMs) {
        lost = new TreeSet<>();
        maintenance.look(map.nodes(), nowNs, nowMs);
        long patienceNs = 1_000_000_000L * map.settings().of(ClusterSetting.REBUILD_AFTER);
        for (DiskInfo disk : map.disks()) {
            int id = disk.diskId();
            if (!disk.counts() || lives.disk(id, disk.bootId()) != Liveness.State.DEAD) {
                deadSinceNs.remove(id);
                continue;
            }
            long sinceNs = deadSinceNs.computeIfAbsent(id, _ -> nowNs);
            NodeInfo node = map.node(disk.nodeId());
            boolean maintained = node != null && maintenance.covers(node, nowNs);
            if (patienceNs > 0 && !maintained && nowNs - sinceNs >= patienceNs) {
                lost.add(id);
            }
        }
    }

    private boolean isDead(int diskId) {
        return deadSinceNs.containsKey(diskId);
    }

    // The plan.

    private void plan(ClusterMap map) {
        List<Object> inputs = new ArrayList<>();
        List<Placement.Candidate> candidates = new ArrayList<>();
        inputs.add(map.cluster());
        for (DiskInfo disk : map.disks()) {
            if (disk.counts()) {
                boolean stays =
                        disk.state() == DiskInfo.State.ACTIVE && !lost.contains(disk.diskId());
                var candidate =
                        new Placement.Candidate(
                                disk.diskId(), disk.domain(), stays ? disk.weight() : 0);
                candidates.add(candidate);
                inputs.add(candidate);
            }
        }
        if (inputs.equals(plannedFor) && goal.length == map.pgCount()) {
            return;
        }
        plannedFor = inputs;
        int[][] current = new int[map.pgCount()][];
        for (int pg = 0; pg < current.length; pg++) {
            current[pg] = aimedAt(map.pg(pg));
        }
        goal = Placement.plan(map.cluster().replicas(), candidates, current, true);
    }

    /// The members that there are once the move has ended.
    private static int[] aimedAt(PgConfig pg) {
        int from = pg.move() == null ? 0 : pg.move().from();
        return pg.members().stream()
                .mapToInt(Member::diskId)
                .filter(diskId -> diskId != from)
                .toArray();
    }

    // Steps.

    private List<Command> steps(ClusterMap map, Liveness lives, Set<Integer> full, long nowNs) {
        busy = new TreeMap<>();
        underWay = 0;
        waiting = 0;
        List<PgEpoch> ends = new ArrayList<>();
        List<PgEpoch> cancels = new ArrayList<>();
        List<Wish> wishes = new ArrayList<>();
        TreeMap<Integer, Integer> fromDisks = new TreeMap<>();
        int impossible = 0;
        for (int i = 0; i < map.pgCount(); i++) {
            PgConfig pg = map.pg(i);
            Move move = pg.move();
            if (move != null) {
                count(pg, move.from(), move.to());
                underWay++;
                fromDisks.merge(move.from(), 1, Integer::sum);
                if (mayEnd(map, pg, move, lives)) {
                    ends.add(new PgEpoch(i, pg.epoch()));
                } else if (isStuck(map, pg, move, nowNs)) {
                    cancels.add(new PgEpoch(i, pg.epoch()));
                } else {
                    redirect(map, pg, move, wishes);
                }
                continue;
            }
            Wish wish = wish(map, pg);
            if (wish != null) {
                fromDisks.merge(wish.move.from(), 1, Integer::sum);
                waiting++;
                if (!waitsForItself(map, pg, wish)) {
                    wishes.add(wish);
                }
            }
            impossible += isBeyondHelp(pg) ? 1 : 0;
        }
        moved += ends.size();
        ends.forEach(_ -> endedAtNs.add(nowNs));
        while (!endedAtNs.isEmpty() && nowNs - endedAtNs.getFirst() > RATE_NS) {
            endedAtNs.removeFirst();
        }
        progress = new Progress(waiting, underWay, moved, impossible, endedAtNs.size(), fromDisks);
        List<Command> commands = new ArrayList<>();
        if (!ends.isEmpty()) {
            commands.add(new Command.EndMoves(ends));
        }
        if (!cancels.isEmpty()) {
            commands.add(new Command.CancelMoves(cancels));
        }
        List<PgMove> starts = choose(map, wishes, lives, full);
        if (!starts.isEmpty()) {
            commands.add(new Command.StartMoves(starts));
        }
        return commands;
    }

    /// As the group would allow; where a member is missing only if it will not come back by itself.
    private boolean mayEnd(ClusterMap map, PgConfig pg, Move move, Liveness lives) {
        if (!MoveRules.canEnd(pg, map.cluster().replicas(), map::disk, lives)) {
            return false;
        }
        Member leaving = pg.member(move.from());
        if (leaving == null || leaving.state() != MemberState.IN_SYNC) {
            return true;
        }
        for (Member member : pg.members()) {
            if (member.diskId() != move.from()
                    && member.state() != MemberState.IN_SYNC
                    && !isGivenUp(map, member.diskId())) {
                return false;
            }
        }
        return true;
    }

    /// Lost, or to be emptied and not there to be copied from.
    private boolean isGivenUp(ClusterMap map, int diskId) {
        DiskInfo disk = map.disk(diskId);
        boolean leaving = disk != null && disk.state() != DiskInfo.State.ACTIVE;
        return lost.contains(diskId) || leaving && isDead(diskId);
    }

    private boolean isStuck(ClusterMap map, PgConfig pg, Move move, long nowNs) {
        Member joining = pg.member(move.to());
        if (joining == null || joining.state() == MemberState.IN_SYNC) {
            return false;
        }
        DiskInfo to = map.disk(move.to());
        Long dead = deadSinceNs.get(move.to());
        return to == null
                || to.state() != DiskInfo.State.ACTIVE
                || dead != null && nowNs - dead >= JOINING_PATIENCE_NS;
    }

    /// The disk that joins takes the place of one that is lost.
    private void redirect(ClusterMap map, PgConfig pg, Move move, List<Wish> wishes) {
        for (Member member : pg.members()) {
            if (isGivenUp(map, member.diskId())
                    && MoveRules.canRedirect(pg, member.diskId(), move.to(), map::disk)) {
                wishes.add(
                        new Wish(-1, new PgMove(pg.pg(), pg.epoch(), member.diskId(), move.to())));
                return;
            }
        }
    }

    /// What the plan wants of a PG, one step; null for nothing.
    private @Nullable Wish wish(ClusterMap map, PgConfig pg) {
        int[] wanted = goal[pg.pg()];
        if (hasAll(pg, wanted)) {
            return null;
        }
        List<Integer> joining = new ArrayList<>();
        for (int diskId : wanted) {
            if (pg.member(diskId) == null) {
                joining.add(diskId);
            }
        }
        List<Integer> leaving = new ArrayList<>();
        for (Member member : pg.members()) {
            if (Arrays.stream(wanted).noneMatch(id -> id == member.diskId())) {
                leaving.add(member.diskId());
            }
        }
        Wish best = null;
        for (int to : joining) {
            int from = leaving.isEmpty() ? 0 : partner(map, pg, to, leaving);
            Wish wish = new Wish(urgency(map, pg, from), new PgMove(pg.pg(), pg.epoch(), from, to));
            if (best == null || wish.urgency < best.urgency) {
                best = wish;
            }
        }
        return best;
    }

    private static boolean hasAll(PgConfig pg, int[] wanted) {
        for (int diskId : wanted) {
            if (pg.member(diskId) == null) {
                return false;
            }
        }
        return true;
    }

    /// Whom the disk replaces: the one in its domain, since two cannot stay there; else one that is
    /// gone; else any.
    private int partner(ClusterMap map, PgConfig pg, int to, List<Integer> leaving) {
        DiskInfo joining = map.disk(to);
        int best = leaving.getFirst();
        for (int from : leaving) {
            DiskInfo disk = map.disk(from);
            if (disk != null && joining != null && disk.domain().equals(joining.domain())) {
                return from;
            }
            best = urgency(map, pg, from) < urgency(map, pg, best) ? from : best;
        }
        return best;
    }

    private int urgency(ClusterMap map, PgConfig pg, int from) {
        Member member = pg.member(from);
        if (from == 0 || isGivenUp(map, from)) {
            return 0;
        }
        DiskInfo disk = map.disk(from);
        boolean emptied = disk == null || disk.state() != DiskInfo.State.ACTIVE;
        return emptied && member != null ? 1 : 2;
    }

    /// A member recovers, or is away and will come back: that ends by itself, and the move comes
    /// after it.
    private boolean waitsForItself(ClusterMap map, PgConfig pg, Wish wish) {
        for (Member member : pg.members()) {
            boolean given = isGivenUp(map, member.diskId());
            boolean leaves = member.diskId() == wish.move.from();
            if (member.state() != MemberState.IN_SYNC && !given && !(leaves && wish.urgency == 1)) {
                return true;
            }
        }
        return false;
    }

    /// Whether a lost copy cannot be made anew: no disk is left that could take it.
    private boolean isBeyondHelp(PgConfig pg) {
        boolean anyLost = false;
        for (Member member : pg.members()) {
            anyLost |= lost.contains(member.diskId());
        }
        return anyLost && goal[pg.pg()].length < pg.members().size();
    }

    /// As many of the wishes as may begin now, the most urgent first.
    private List<PgMove> choose(
            ClusterMap map, List<Wish> wishes, Liveness lives, Set<Integer> full) {
        List<PgMove> chosen = new ArrayList<>();
        int replicas = map.cluster().replicas();
        for (int urgency = -1; urgency <= 2; urgency++) {
            for (Wish wish : wishes) {
                PgMove move = wish.move;
                if (wish.urgency != urgency) {
                    continue;
                }
                if (urgency < 0) {
                    chosen.add(move);
                } else if (underWay < inAll
                        && (urgency == 0 || map.settings().of(ClusterSetting.REBALANCE) != 0)
                        && !full.contains(move.to())
                        && isIdle(map.pg(move.pg()), move)
                        && MoveRules.canStart(
                                map.pg(move.pg()), move, replicas, map::disk, lives)) {
                    chosen.add(move);
                    underWay++;
                    count(map.pg(move.pg()), move.from(), move.to());
                }
            }
        }
        return chosen;
    }

    private boolean isIdle(PgConfig pg, PgMove move) {
        return load(move.to()) < perDisk && load(source(pg, move.from())) < perDisk;
    }

    private int load(int diskId) {
        return busy.getOrDefault(diskId, 0);
    }

    private void count(PgConfig pg, int from, int to) {
        busy.merge(to, 1, Integer::sum);
        busy.merge(source(pg, from), 1, Integer::sum);
    }

    /// From which disk will be copied.
    private static int source(PgConfig pg, int from) {
        Member leaving = pg.member(from);
        if (leaving != null && leaving.state() == MemberState.IN_SYNC) {
            return from;
        }
        for (Member member : pg.members()) {
            if (member.state() == MemberState.IN_SYNC) {
                return member.diskId();
            }
        }
        return 0;
    }

    /// The facts of each disk, found without going through those of all others.
    private static final class Lives implements Liveness {
        private final TreeMap<Integer, Facts> byDisk = new TreeMap<>();
        private final Facts facts;
        private final Facts nothing;

        Lives(Facts facts) {
            this.facts = facts;
            nothing = new Facts(facts.leaderIsNew(), List.of(), List.of(), List.of());
            for (DiskLife life : facts.disks()) {
                byDisk.put(life.diskId(), with(List.of(life), List.of()));
            }
            for (DiskLife life : facts.ended()) {
                Facts known = byDisk.getOrDefault(life.diskId(), nothing);
                byDisk.put(life.diskId(), with(known.disks(), List.of(life)));
            }
        }

        private Facts with(List<DiskLife> alive, List<DiskLife> ended) {
            return new Facts(facts.leaderIsNew(), List.of(), alive, ended);
        }

        @Override
        public State gateway(long gatewayId) {
            return facts.gateway(gatewayId);
        }

        @Override
        public State disk(int diskId, long bootId) {
            return byDisk.getOrDefault(diskId, nothing).disk(diskId, bootId);
        }
    }
}
