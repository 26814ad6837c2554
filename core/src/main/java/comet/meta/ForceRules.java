package comet.meta;

import comet.cluster.ClusterInfo;
import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.Incarnation;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// What only an operator can decide, who knows that a disk never comes back: to go on from a copy
/// that has missed writes, or from nothing. Nothing else in the group ever trusts such a copy.
public final class ForceRules {
    /// Why nothing need be forced: a copy in sync lives.
    public static final String NOT_NEEDED = "not-needed";

    /// No copy lives, not even an old one.
    public static final String NO_COPY_LIVES = "no-copy-lives";

    private ForceRules() {}

    static Decision force(Draft draft, Command.ForceAvailable command, Liveness liveness) {
        TreeMap<Integer, Integer> load = new TreeMap<>();
        for (int pg : new TreeSet<>(command.pgs())) {
            if (pg < 0 || pg >= draft.state.pgCount()) {
                return draft.refused("unknown-pg", "there is no placement group " + pg);
            }
            PgConfig config = draft.state.pg(pg);
            for (Member member : config.members()) {
                Decision refusal = refusal(draft, config, member, liveness);
                if (refusal != null) {
                    return refusal;
                }
            }
            Member chosen = chosen(draft.state, config, liveness);
            if (chosen != null) {
                draft.add(DiskRules.set(config, from(draft.state, config, chosen), null));
                continue;
            }
            if (!command.empty()) {
                return draft.refused(
                        NO_COPY_LIVES,
                        "no disk with a copy of placement group "
                                + pg
                                + " lives, not even with an old one: start one, or make the group"
                                + " empty with --empty");
            }
            List<Member> members = empty(draft.state, load, liveness);
            if (members.isEmpty()) {
                return draft.refused("no-disk-lives", "no disk lives that could take it");
            }
            // In a new line: whoever has a copy, and is away, is not to take it for one that was
            // moved away from it.
            long epoch = Incarnation.nextLine(config.epoch());
            draft.add(new GroupRecord.PgSet(new PgConfig(pg, epoch, members)));
        }
        return draft.done();
    }

    /// A copy in sync that lives, or may, is not given up.
    private static @Nullable Decision refusal(
            Draft draft, PgConfig config, Member member, Liveness liveness) {
        if (member.state() != MemberState.IN_SYNC) {
            return null;
        }
        Liveness.State state = liveness.disk(member.diskId(), member.bootId());
        if (state == Liveness.State.ALIVE) {
            return draft.refused(
                    NOT_NEEDED,
                    "disk "
                            + member.diskId()
                            + " holds a copy of placement group "
                            + config.pg()
                            + " that is in sync, and lives: nothing need be given up");
        }
        return state == Liveness.State.UNKNOWN
                ? draft.refused(
                        DiskRules.WAIT_FOR_PEER,
                        "not known yet whether disk " + member.diskId() + " lives: ask again")
                : null;
    }

    /// Of the old copies on disks that live, one that is being brought up to date before one that
    /// is not; one that has only begun to be copied, by a move, last.
    private static @Nullable Member chosen(GroupState state, PgConfig config, Liveness liveness) {
        Member best = null;
        int bestRank = 0;
        for (Member member : config.members()) {
            DiskInfo disk = state.disks.get(member.diskId());
            boolean lives =
                    disk != null
                            && disk.counts()
                            && liveness.disk(disk.diskId(), disk.bootId()) == Liveness.State.ALIVE;
            int rank =
                    config.joins(member.diskId())
                            ? 1
                            : member.state() == MemberState.RECOVERING ? 3 : 2;
            if (member.state() != MemberState.IN_SYNC && lives && rank > bestRank) {
                best = member;
                bestRank = rank;
            }
        }
        return best;
    }

    /// The others recover from it when they come: also who was the last one in sync.
    private static List<Member> from(GroupState state, PgConfig config, Member chosen) {
        List<Member> members = new ArrayList<>();
        for (Member member : config.members()) {
            DiskInfo disk = state.disks.get(member.diskId());
            long bootId = disk == null ? member.bootId() : disk.bootId();
            if (member.diskId() == chosen.diskId()) {
                members.add(new Member(member.diskId(), bootId, MemberState.IN_SYNC));
            } else if (member.state() == MemberState.IN_SYNC) {
                members.add(new Member(member.diskId(), member.bootId(), MemberState.STALE));
            } else {
                members.add(member);
            }
        }
        return members;
    }

    /// Disks that live, each in a domain of its own, those with the least to hold.
    private static List<Member> empty(
            GroupState state, TreeMap<Integer, Integer> load, Liveness liveness) {
        if (load.isEmpty()) {
            for (DiskInfo disk : state.disks.values()) {
                load.put(disk.diskId(), 0);
            }
            for (int pg = 0; pg < state.pgCount(); pg++) {
                state.pg(pg).members().forEach(one -> load.merge(one.diskId(), 1, Integer::sum));
            }
        }
        ClusterInfo cluster = state.cluster();
        List<Member> members = new ArrayList<>();
        TreeSet<String> domains = new TreeSet<>();
        while (cluster != null && members.size() < cluster.replicas()) {
            DiskInfo best = null;
            for (DiskInfo disk : state.disks.values()) {
                boolean fits =
                        disk.counts()
                                && disk.state() == DiskInfo.State.ACTIVE
                                && !domains.contains(disk.domain())
                                && liveness.disk(disk.diskId(), disk.bootId())
                                        == Liveness.State.ALIVE;
                if (fits
                        && (best == null
                                || load.getOrDefault(disk.diskId(), 0)
                                        < load.getOrDefault(best.diskId(), 0))) {
                    best = disk;
                }
            }
            if (best == null) {
                break;
            }
            domains.add(best.domain());
            load.merge(best.diskId(), 1, Integer::sum);
            members.add(new Member(best.diskId(), best.bootId(), MemberState.IN_SYNC));
        }
        return members;
    }
}
