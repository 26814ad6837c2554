package comet.meta;

import comet.cluster.Command;
import comet.cluster.Command.PgEpoch;
import comet.cluster.Command.PgMove;
import comet.cluster.DiskInfo;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import comet.cluster.PgConfig.Move;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/// Placement groups that change their disks, one step at a time: the new disk becomes a member and
/// recovers; when it is in sync, the old one leaves, and only then deletes what it has. As many
/// copies as configured are in sync at every moment, and never fewer than before.
///
/// What is to move where the leader finds out ([Moves]); here every step is checked again, so that
/// nothing it could get wrong costs a copy.
public final class MoveRules {
    private MoveRules() {}

    static Decision start(Draft draft, Command.StartMoves command, Liveness liveness) {
        TreeSet<Integer> seen = new TreeSet<>();
        for (PgMove move : command.moves()) {
            PgConfig pg = current(draft, move.pg(), move.epoch());
            if (pg == null || !seen.add(move.pg())) {
                continue;
            }
            if (canRedirect(pg, move.from(), move.to(), draft.state.disks::get)) {
                draft.add(DiskRules.set(pg, pg.members(), new Move(move.from(), move.to())));
            } else if (canStart(pg, move, replicas(draft), draft.state.disks::get, liveness)) {
                ArrayList<Member> members = new ArrayList<>(pg.members());
                DiskInfo to = draft.state.disks.get(move.to());
                long bootId = to == null ? 0 : to.bootId();
                members.add(new Member(move.to(), bootId, MemberState.RECOVERING));
                draft.add(DiskRules.set(pg, members, new Move(move.from(), move.to())));
            }
        }
        return draft.done();
    }

    private static int replicas(Draft draft) {
        return draft.state.cluster() == null ? 0 : draft.state.cluster().replicas();
    }

    private static @Nullable PgConfig current(Draft draft, int pg, long epoch) {
        PgConfig known = pg >= 0 && pg < draft.state.pgCount() ? draft.state.pg(pg) : null;
        return known != null && known.epoch() == epoch ? known : null;
    }

    /// Whether a move may begin: none is under way; the disk that joins lives, is ACTIVE, and lies
    /// in a domain that only the one that leaves may share; and somebody lives to copy from.
    static boolean canStart(
            PgConfig pg,
            PgMove move,
            int replicas,
            IntFunction<@Nullable DiskInfo> disks,
            Liveness liveness) {
        DiskInfo to = disks.apply(move.to());
        if (pg.move() != null || to == null || pg.member(move.to()) != null) {
            return false;
        }
        boolean room =
                move.from() == 0
                        ? pg.members().size() < replicas
                        : pg.member(move.from()) != null && pg.members().size() <= replicas;
        return room
                && to.counts()
                && to.state() == DiskInfo.State.ACTIVE
                && liveness.disk(to.diskId(), to.bootId()) == Liveness.State.ALIVE
                && isFree(pg, to.domain(), move.from(), 0, disks)
                && inSync(pg, 0, liveness) > 0;
    }

    /// Whether the disk that joins may take the place of another member than was planned: of one
    /// that was lost meanwhile.
    static boolean canRedirect(
            PgConfig pg, int from, int to, IntFunction<@Nullable DiskInfo> disks) {
        Move move = pg.move();
        Member leaving = pg.member(from);
        DiskInfo joining = disks.apply(to);
        return move != null
                && joining != null
                && move.to() == to
                && move.from() != from
                && from != to
                && leaving != null
                && leaving.state() != MemberState.IN_SYNC
                && isFree(pg, joining.domain(), from, to, disks);
    }

    /// Whether no member but these two lies in the domain.
    private static boolean isFree(
            PgConfig pg, String domain, int but, int orBut, IntFunction<@Nullable DiskInfo> disks) {
        for (Member member : pg.members()) {
            DiskInfo disk = disks.apply(member.diskId());
            if (member.diskId() != but
                    && member.diskId() != orBut
                    && (disk == null || disk.domain().equals(domain))) {
                return false;
            }
        }
        return true;
    }

    /// Members that are in sync and live, without one of them (0: with all).
    static int inSync(PgConfig pg, int without, Liveness liveness) {
        int count = 0;
        for (Member member : pg.members()) {
            boolean counts =
                    member.diskId() != without
                            && member.state() == MemberState.IN_SYNC
                            && liveness.disk(member.diskId(), member.bootId())
                                    == Liveness.State.ALIVE;
            count += counts ? 1 : 0;
        }
        return count;
    }

    static Decision end(Draft draft, Command.EndMoves command, Liveness liveness) {
        TreeSet<Integer> seen = new TreeSet<>();
        TreeMap<Integer, Set<Integer>> left = new TreeMap<>();
        for (PgEpoch named : command.pgs()) {
            PgConfig pg = current(draft, named.pg(), named.epoch());
            if (pg != null
                    && seen.add(named.pg())
                    && canEnd(pg, replicas(draft), draft.state.disks::get, liveness)) {
                int from = pg.move() == null ? 0 : pg.move().from();
                draft.add(DiskRules.set(pg, without(pg, from), null));
                left.computeIfAbsent(from, _ -> new TreeSet<>()).add(named.pg());
            }
        }
        retire(draft, left);
        return draft.done();
    }

    /// Disks that were to be removed when they are empty.
    ///
    /// @param left by disk, PGs that it leaves just now
    private static void retire(Draft draft, TreeMap<Integer, Set<Integer>> left) {
        left.forEach((diskId, pgs) -> {
            DiskInfo disk = draft.state.disks.get(diskId);
            if (disk != null
                    && disk.state() == DiskInfo.State.REMOVING
                    && !OperatorRules.isMember(draft.state, diskId, pgs)) {
                draft.add(new GroupRecord.DiskSet(disk.withState(DiskInfo.State.REMOVED)));
            }
        });
    }

    /// Whether a move may end: the disk that joined is in sync and lives, and without the one that
    /// leaves as many copies are in sync as the group is to have. Where another member is missing,
    /// the one that leaves may go only if that costs no domain its copy.
    static boolean canEnd(
            PgConfig pg, int replicas, IntFunction<@Nullable DiskInfo> disks, Liveness liveness) {
        Move move = pg.move();
        Member joined = move == null ? null : pg.member(move.to());
        if (move == null
                || joined == null
                || joined.state() != MemberState.IN_SYNC
                || liveness.disk(joined.diskId(), joined.bootId()) != Liveness.State.ALIVE) {
            return false;
        }
        Member leaving = pg.member(move.from());
        if (leaving == null || leaving.state() != MemberState.IN_SYNC) {
            return true;
        }
        int wanted = Math.min(replicas, pg.members().size() - 1);
        return inSync(pg, move.from(), liveness) >= wanted || sameDomain(move, disks);
    }

    private static boolean sameDomain(Move move, IntFunction<@Nullable DiskInfo> disks) {
        DiskInfo from = disks.apply(move.from());
        DiskInfo to = disks.apply(move.to());
        return from != null && to != null && from.domain().equals(to.domain());
    }

    static Decision cancel(Draft draft, Command.CancelMoves command) {
        TreeSet<Integer> seen = new TreeSet<>();
        TreeMap<Integer, Set<Integer>> left = new TreeMap<>();
        for (PgEpoch named : command.pgs()) {
            PgConfig pg = current(draft, named.pg(), named.epoch());
            Member joining = pg == null || pg.move() == null ? null : pg.member(pg.move().to());
            if (pg != null
                    && joining != null
                    && seen.add(named.pg())
                    && joining.state() != MemberState.IN_SYNC) {
                draft.add(DiskRules.set(pg, without(pg, joining.diskId()), null));
                left.computeIfAbsent(joining.diskId(), _ -> new TreeSet<>()).add(named.pg());
            }
        }
        retire(draft, left);
        return draft.done();
    }

    private static List<Member> without(PgConfig pg, int diskId) {
        ArrayList<Member> members = new ArrayList<>(pg.members());
        members.removeIf(member -> member.diskId() == diskId);
        return members;
    }
}
