package comet.server.admin;

import comet.cluster.ClusterMap;
import comet.cluster.DiskInfo;
import comet.cluster.MemberState;
import comet.cluster.PgConfig;
import comet.cluster.PgConfig.Member;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a placement group's configuration and the life of its members come to, in one word.
final class PgStates {
    private PgStates() {}

    enum State {
        /// As many copies in sync as configured, all alive.
        OK,
        /// All copies are in sync; one of them is being made anew on another disk, to move there.
        MOVING,
        /// A member is being brought up to date.
        RECOVERING,
        /// It goes on without a member that is away or was left behind.
        DEGRADED,
        /// Fewer copies than configured.
        TOO_FEW_COPIES,
        /// A member is away: I/O waits for it.
        WAITING,
        /// No disk yet.
        EMPTY;

        String word() {
            return name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
        }
    }

    static State of(PgConfig pg, int replicas, GroupStatus status) {
        List<Member> members = members(pg);
        if (members.isEmpty()) {
            return State.EMPTY;
        }
        for (Member member : members) {
            if (away(member, status)) {
                return State.WAITING;
            }
        }
        for (Member member : members) {
            if (member.state() == MemberState.RECOVERING && !pg.joins(member.diskId())) {
                return State.RECOVERING;
            }
        }
        if (pg.move() != null && pg.inSyncCount() >= replicas) {
            return State.MOVING;
        }
        if (members.size() < pg.members().size()) {
            return State.DEGRADED;
        }
        return members.size() < replicas ? State.TOO_FEW_COPIES : State.OK;
    }

    /// Those that take writes: a STALE one only holds an old copy.
    static List<Member> members(PgConfig pg) {
        List<Member> members = new ArrayList<>();
        for (Member member : pg.members()) {
            if (member.state() != MemberState.STALE) {
                members.add(member);
            }
        }
        return members;
    }

    static boolean away(Member member, GroupStatus status) {
        return status.settled() && !status.diskAlive(member.diskId(), member.bootId());
    }

    static String diskName(ClusterMap map, int diskId) {
        return "disk " + diskId + " (" + nodeName(map, map.disk(diskId)) + ")";
    }

    static String nodeName(ClusterMap map, @Nullable DiskInfo disk) {
        if (disk == null) {
            return "unknown";
        }
        var node = map.node(disk.nodeId());
        return node == null ? "node " + disk.nodeId() : node.name();
    }
}
