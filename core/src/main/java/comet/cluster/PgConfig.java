package comet.cluster;

import comet.base.Check;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The configuration of one placement group: who counts, in which boot, in which state. Every
/// change is a new epoch.
///
/// @param epoch 1 and up; only grows
/// @param members one to three, at most one per failure domain, in the order the planner chose; a
///   STALE one is remembered as the disk that holds an old copy
public record PgConfig(int pg, long epoch, List<Member> members) {
    public PgConfig {
        Check.that(epoch >= 0, "epoch", epoch, pg);
        members = List.copyOf(members);
    }

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
