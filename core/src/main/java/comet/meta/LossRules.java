package comet.meta;

import comet.cluster.Command;
import comet.cluster.DiskInfo;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import java.util.Set;

/// Replicas that are lost for a while: which of them the others may go on without, and how they
/// come back.
public final class LossRules {
    /// Why a disk may not come back yet, decided by the leader alone: it would have to be waited
    /// for.
    public static final String NOT_REACHED = "not-reached";

    private LossRules() {}

    /// Whether a placement group can do without a life of a disk: it is a member, and another
    /// member is in sync and lives under the boot id that the group knows. So the last copy is
    /// never left behind, and who starts anew finds one that holds everything.
    public static boolean canDoWithout(PgConfig pg, int diskId, long bootId, Liveness liveness) {
        Member member = pg.member(diskId);
        if (member == null || member.state() == MemberState.STALE || member.bootId() != bootId) {
            return false;
        }
        for (Member other : pg.members()) {
            if (other.diskId() != diskId
                    && other.state() == MemberState.IN_SYNC
                    && liveness.disk(other.diskId(), other.bootId()) == Liveness.State.ALIVE) {
                return true;
            }
        }
        return false;
    }

    /// That the disk does not answer has been found by the leader; here it is decided what follows.
    static Decision unreachable(Draft draft, Command.Unreachable command, Liveness liveness) {
        Set<Integer> pgs = Set.copyOf(command.pgs());
        for (int i = 0; i < draft.state.pgCount(); i++) {
            PgConfig pg = draft.state.pg(i);
            boolean meant = pgs.isEmpty() || pgs.contains(i);
            if (meant && canDoWithout(pg, command.diskId(), command.bootId(), liveness)) {
                Member left = new Member(command.diskId(), command.bootId(), MemberState.STALE);
                draft.add(DiskRules.set(pg, DiskRules.replaced(pg, command.diskId(), left)));
            }
        }
        return draft.done();
    }

    static Decision recovering(Draft draft, Command.Recovering command) {
        DiskInfo disk = draft.state.disks.get(command.diskId());
        if (disk == null || disk.bootId() != command.bootId()) {
            return draft.refused(
                    "older-life", "disk " + command.diskId() + " was started again since");
        }
        comeBack(draft, command.diskId(), command.bootId());
        return draft.done();
    }

    /// Has a disk recover wherever it was left behind.
    ///
    /// @param bootId of its life from now on
    static void comeBack(Draft draft, int diskId, long bootId) {
        for (int i = 0; i < draft.state.pgCount(); i++) {
            PgConfig pg = draft.state.pg(i);
            Member member = pg.member(diskId);
            if (member != null && member.state() == MemberState.STALE) {
                Member back = new Member(diskId, bootId, MemberState.RECOVERING);
                draft.add(DiskRules.set(pg, DiskRules.replaced(pg, diskId, back)));
            }
        }
    }
}
