package comet.meta;

import comet.cluster.ClusterInfo;
import comet.cluster.Command;
import comet.cluster.Command.PgEpoch;
import comet.cluster.DiskInfo;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import comet.cluster.Placement;
import comet.cluster.Reply;
import comet.meta.GroupRecord.DiskStart;
import comet.meta.GroupRecord.DiskStartSet;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Disks, their lives and their part in placement groups.
final class DiskRules {
    static final String WAIT_FOR_PEER = "wait-for-peer";

    private DiskRules() {}

    static Decision addDisk(Draft draft, Command.AddDisk command) {
        String fault = Names.fault("domain", command.domain());
        if (fault != null) {
            return draft.refused("invalid-name", fault);
        }
        if (command.weight() <= 0) {
            return draft.refused("invalid-weight", "a disk's weight must be above 0");
        }
        if (draft.state.nodes.get(command.nodeId()) == null) {
            return draft.refused("unknown-node", "there is no node " + command.nodeId());
        }
        for (DiskInfo disk : draft.state.disks.values()) {
            if (disk.uuidHigh() == command.uuidHigh() && disk.uuidLow() == command.uuidLow()) {
                return addKnownDisk(draft, command, disk);
            }
        }
        int count = 0;
        for (DiskInfo disk : draft.state.disks.values()) {
            count += disk.state() == DiskInfo.State.REMOVED ? 0 : 1;
        }
        if (count >= Limits.DISKS_MAX) {
            return draft.refused("limit", "no more than " + Limits.DISKS_MAX + " disks");
        }
        int diskId = draft.state.nextDiskId;
        DiskInfo disk =
                new DiskInfo(
                        diskId,
                        command.uuidHigh(),
                        command.uuidLow(),
                        command.nodeId(),
                        command.domain(),
                        command.weight(),
                        0,
                        0,
                        command.idle() ? DiskInfo.State.DRAINING : DiskInfo.State.ACTIVE);
        return draft.add(new GroupRecord.DiskSet(disk)).id(diskId);
    }

    private static Decision addKnownDisk(Draft draft, Command.AddDisk command, DiskInfo disk) {
        if (disk.state() == DiskInfo.State.REMOVED) {
            return draft.refused("removed-disk", "disk " + disk.diskId() + " was removed for ever");
        }
        if (disk.nodeId() != command.nodeId() || !disk.domain().equals(command.domain())) {
            return draft.refused(
                    "disk-elsewhere",
                    "disk "
                            + disk.diskId()
                            + " belongs to node "
                            + disk.nodeId()
                            + " in domain "
                            + disk.domain());
        }
        return draft.id(disk.diskId());
    }

    static Decision registerDisk(
            Draft draft, Command.RegisterDisk command, long origin, Liveness liveness) {
        DiskInfo disk = draft.state.disks.get(command.diskId());
        if (disk == null) {
            return draft.refused("unknown-disk", "there is no disk " + command.diskId());
        }
        if (disk.uuidHigh() != command.uuidHigh() || disk.uuidLow() != command.uuidLow()) {
            return draft.refused(
                    "foreign-disk",
                    "disk " + disk.diskId() + " has another uuid: this folder is of another disk");
        }
        if (disk.state() == DiskInfo.State.REMOVED) {
            return draft.refused("removed-disk", "disk " + disk.diskId() + " was removed for ever");
        }
        DiskStart start = draft.state.diskStart(disk.diskId());
        if (command.startCount() == disk.startCount() && start.origin() == origin) {
            return draft.reply(new Reply.DiskStarted(draft.revision(), disk.bootId()));
        }
        if (isOlderCopy(command, disk, start)) {
            DiskStart refused =
                    new DiskStart(start.origin(), command.startCount(), start.lossAccepted());
            return draft.refusedWith(
                    new DiskStartSet(disk.diskId(), refused),
                    "older-copy",
                    "the folder of disk "
                            + disk.diskId()
                            + " is an older copy: it has counted "
                            + command.startCount()
                            + " starts, the group "
                            + disk.startCount());
        }
        draft.add(new DiskStartSet(disk.diskId(), new DiskStart(origin, 0, false)));
        if (disk.bootId() == 0) {
            return firstStart(draft, command, disk);
        }
        // A later life than the group knows: it was made anew, and does not know how that began.
        boolean forgotten = command.bootId() > disk.bootId();
        if (command.clean() && !command.damaged() && !forgotten) {
            draft.add(new GroupRecord.DiskSet(started(disk, disk.bootId(), command.startCount())));
            LossRules.comeBack(draft, disk.diskId(), disk.bootId());
            return draft.reply(new Reply.DiskStarted(draft.revision(), disk.bootId()));
        }
        return uncleanStart(draft, command, disk, start, liveness);
    }

    /// A copy of a folder that was restored counts its starts from an older number on. It is
    /// refused, and each refusal lets it count one more, so that it would overtake: whoever follows
    /// a refused start and names another life than the group knows is the copy again. A clean stop
    /// of a life before the newest is an older copy in any case.
    private static boolean isOlderCopy(
            Command.RegisterDisk command, DiskInfo disk, DiskStart start) {
        boolean newestLife = command.bootId() >= disk.bootId();
        return command.startCount() <= disk.startCount()
                || !newestLife && command.clean()
                || !newestLife
                        && start.refusedStart() != 0
                        && command.startCount() <= start.refusedStart() + 1;
    }

    private static DiskInfo started(DiskInfo disk, long bootId, long startCount) {
        return new DiskInfo(
                disk.diskId(),
                disk.uuidHigh(),
                disk.uuidLow(),
                disk.nodeId(),
                disk.domain(),
                disk.weight(),
                bootId,
                startCount,
                disk.state());
    }

    /// The disk gets its first PGs with its first boot id.
    private static Decision firstStart(Draft draft, Command.RegisterDisk command, DiskInfo disk) {
        DiskInfo started = started(disk, command.startCount(), command.startCount());
        draft.add(new GroupRecord.DiskSet(started));
        place(draft, started);
        return draft.reply(new Reply.DiskStarted(draft.revision(), started.bootId()));
    }

    /// Plans with a new disk. As long as no volume was ever created there is nothing in any PG, and
    /// all may be placed anew, so that a cluster that is set up disk by disk ends balanced. Later
    /// only PGs that lack members get them: IN_SYNC where they are the first ones.
    private static void place(Draft draft, DiskInfo newDisk) {
        GroupState state = draft.state;
        ClusterInfo cluster = state.cluster();
        if (cluster == null) {
            return;
        }
        boolean empty = state.nextVolumeId == 1;
        ArrayList<Placement.Candidate> candidates = new ArrayList<>();
        for (DiskInfo disk : state.disks.values()) {
            DiskInfo known = disk.diskId() == newDisk.diskId() ? newDisk : disk;
            if (known.counts()) {
                long weight = known.state() == DiskInfo.State.ACTIVE ? known.weight() : 0;
                candidates.add(new Placement.Candidate(known.diskId(), known.domain(), weight));
            }
        }
        int[][] current = new int[state.pgCount()][];
        for (int pg = 0; pg < current.length; pg++) {
            List<Member> members = state.pg(pg).members();
            current[pg] = new int[members.size()];
            for (int i = 0; i < current[pg].length; i++) {
                current[pg][i] = members.get(i).diskId();
            }
        }
        int[][] planned = Placement.plan(cluster.replicas(), candidates, current, empty);
        for (int pg = 0; pg < current.length; pg++) {
            // One that has enough may have one more than planned: it is being moved.
            boolean enough = current[pg].length >= cluster.replicas();
            if (enough && !empty) {
                continue;
            }
            List<Member> members = members(state, newDisk, state.pg(pg), planned[pg], empty);
            if (!members.equals(state.pg(pg).members())) {
                draft.add(set(state.pg(pg), members, empty ? null : state.pg(pg).move()));
            }
        }
    }

    private static List<Member> members(
            GroupState state, DiskInfo newDisk, PgConfig pg, int[] planned, boolean empty) {
        ArrayList<Member> members = new ArrayList<>();
        MemberState joining =
                empty || pg.members().isEmpty() ? MemberState.IN_SYNC : MemberState.RECOVERING;
        for (int diskId : planned) {
            Member member = pg.member(diskId);
            if (member == null) {
                DiskInfo disk = diskId == newDisk.diskId() ? newDisk : state.disks.get(diskId);
                long bootId = disk == null ? 0 : disk.bootId();
                member = new Member(diskId, bootId, joining);
            }
            members.add(member);
        }
        return members;
    }

    /// A new life: every PG of the disk gets a new epoch. It recovers where another IN_SYNC member
    /// lives; where none does (power lost everywhere) it goes on IN_SYNC, unless it knows that
    /// durable records are damaged.
    private static Decision uncleanStart(
            Draft draft,
            Command.RegisterDisk command,
            DiskInfo disk,
            DiskStart start,
            Liveness liveness) {
        long bootId = command.startCount();
        draft.add(new GroupRecord.DiskSet(started(disk, bootId, bootId)));
        for (int i = 0; i < draft.state.pgCount(); i++) {
            PgConfig pg = draft.state.pg(i);
            Member member = pg.member(disk.diskId());
            if (member == null || member.state() == MemberState.STALE) {
                continue;
            }
            MemberState after = MemberState.RECOVERING;
            if (member.state() == MemberState.IN_SYNC) {
                Liveness.State source = bestSource(pg, disk.diskId(), liveness);
                if (source == Liveness.State.UNKNOWN) {
                    return draft.refused(
                            WAIT_FOR_PEER,
                            "not known yet whether another copy of placement group "
                                    + i
                                    + " lives: ask again");
                }
                if (source == Liveness.State.DEAD) {
                    if (command.damaged() && !start.lossAccepted()) {
                        return draft.refused(WAIT_FOR_PEER, damagedText(disk, i));
                    }
                    after = MemberState.IN_SYNC;
                }
            }
            draft.add(
                    set(pg, replaced(pg, disk.diskId(), new Member(disk.diskId(), bootId, after))));
        }
        LossRules.comeBack(draft, disk.diskId(), bootId);
        return draft.reply(new Reply.DiskStarted(draft.revision(), bootId));
    }

    private static String damagedText(DiskInfo disk, int pg) {
        return "durable records of disk "
                + disk.diskId()
                + " are damaged and no other copy of placement group "
                + pg
                + " is in sync and alive: start the other disk, or accept the loss of data";
    }

    /// ALIVE if any other IN_SYNC member is, else UNKNOWN if that holds for any.
    private static Liveness.State bestSource(PgConfig pg, int diskId, Liveness liveness) {
        Liveness.State best = Liveness.State.DEAD;
        for (Member other : pg.members()) {
            if (other.diskId() != diskId && other.state() == MemberState.IN_SYNC) {
                Liveness.State state = liveness.disk(other.diskId(), other.bootId());
                if (state == Liveness.State.ALIVE) {
                    return state;
                }
                best = state == Liveness.State.UNKNOWN ? state : best;
            }
        }
        return best;
    }

    static Decision acceptDataLoss(Draft draft, Command.AcceptDataLoss command, Liveness liveness) {
        DiskInfo disk = draft.state.disks.get(command.diskId());
        if (disk == null) {
            return draft.refused("unknown-disk", "there is no disk " + command.diskId());
        }
        if (liveness.disk(disk.diskId(), disk.bootId()) == Liveness.State.ALIVE) {
            // The word would stand, and be taken for one about damage that is still to come.
            return draft.refused(
                    "disk-serves", "disk " + disk.diskId() + " serves: nothing need be given up");
        }
        DiskStart start = draft.state.diskStart(disk.diskId());
        if (!start.lossAccepted()) {
            draft.add(
                    new DiskStartSet(
                            disk.diskId(),
                            new DiskStart(start.origin(), start.refusedStart(), true)));
        }
        return draft.done();
    }

    static Decision inSync(Draft draft, Command.InSync command) {
        for (PgConfig pg : current(draft, command.diskId(), command.pgs())) {
            Member member = pg.member(command.diskId());
            if (member != null && member.state() == MemberState.RECOVERING) {
                Member promoted = new Member(member.diskId(), member.bootId(), MemberState.IN_SYNC);
                draft.add(set(pg, replaced(pg, member.diskId(), promoted)));
            }
        }
        return draft.done();
    }

    static Decision newEpoch(Draft draft, Command.NewEpoch command) {
        for (PgConfig pg : current(draft, command.diskId(), command.pgs())) {
            draft.add(set(pg, pg.members()));
        }
        return draft.done();
    }

    /// Those PGs, each once, that exist, are still in the epoch named and have the disk as a
    /// member.
    private static List<PgConfig> current(Draft draft, int diskId, List<PgEpoch> named) {
        ArrayList<PgConfig> result = new ArrayList<>();
        TreeSet<Integer> seen = new TreeSet<>();
        for (PgEpoch one : named) {
            PgConfig pg =
                    one.pg() >= 0 && one.pg() < draft.state.pgCount()
                            ? draft.state.pg(one.pg())
                            : null;
            if (pg != null && pg.epoch() == one.epoch() && seen.add(one.pg())) {
                Member member = pg.member(diskId);
                if (member != null && member.state() != MemberState.STALE) {
                    result.add(pg);
                }
            }
        }
        return result;
    }

    static List<Member> replaced(PgConfig pg, int diskId, Member with) {
        ArrayList<Member> members = new ArrayList<>();
        for (Member member : pg.members()) {
            members.add(member.diskId() == diskId ? with : member);
        }
        return members;
    }

    static GroupRecord set(PgConfig pg, List<Member> members) {
        return set(pg, members, pg.move());
    }

    static GroupRecord set(PgConfig pg, List<Member> members, PgConfig.@Nullable Move move) {
        return new GroupRecord.PgSet(new PgConfig(pg.pg(), pg.epoch() + 1, members, move));
    }
}
