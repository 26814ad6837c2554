package comet.cluster;

import comet.base.Check;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The configuration of one placement group: who counts, in which boot, in which state. Every
/// change is a new epoch.
///
/// @param epoch 1 and up; only grows
/// @param members one to three, at most one per failure domain, in the order the planner chose; a
///   STALE one is remembered as the disk that holds an old copy. While a move is under way one more
/// @param move under way, or null
public record PgConfig(int pg, long epoch, List<Member> members, @Nullable Move move) {
    public PgConfig {
        Check.that(epoch >= 0, "epoch", epoch, pg);
        members = List.copyOf(members);
    }

    /// Without a move.
    public PgConfig(int pg, long epoch, List<Member> members) {
        this(pg, epoch, members, null);
    }

    /// A member that gives way to another one, as soon as that is in sync. Both are members until
    /// then; they may lie in the same failure domain.
    ///
    /// @param from the disk that leaves; 0 where the PG had too few members and gains one
    /// @param to the disk that joins
    public record Move(int from, int to) {}

    /// A disk's part in a PG.
    public record Member(int diskId, long bootId, MemberState state) {}

    public @Nullable Member member(int diskId) {
        for (Member member : members) {
            if (member.diskId == diskId) {
                return member;
            }
        }
        return null;
    }

    /// Whether the disk is the one that joins by a move.
    public boolean joins(int diskId) {
        return move != null && move.to == diskId;
    }

    /// Whether `later` takes a disk for one that holds everything, although this, which the disk
    /// has written down last, says that it was left behind or had left: the metadata group was made
    /// anew from something older, without having looked at the disk. (Whoever was made a member in
    /// between has written that down before it was in sync.)
    public boolean isForgottenBy(PgConfig later, int diskId) {
        if (Incarnation.of(later.epoch) <= Incarnation.of(epoch)) {
            return false;
        }
        Member then = member(diskId);
        Member now = later.member(diskId);
        return now != null
                && now.state == MemberState.IN_SYNC
                && (then == null || then.state == MemberState.STALE);
    }

    public int inSyncCount() {
        int count = 0;
        for (Member member : members) {
            if (member.state == MemberState.IN_SYNC) {
                count++;
            }
        }
        return count;
    }
}
