package comet.server.raft;

import comet.cluster.GroupMember;
import comet.meta.Moves;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The metadata group as one member sees it, liveness only where it leads.
///
/// @param self the member that answers
/// @param leader null where none is known
/// @param term counts leaderships
/// @param members all members' names
/// @param settled false while the leader has not led for one heartbeat timeout: who is not listed
///   may still live
/// @param revision of the map, as applied by this member
/// @param moves what there is to move; null from members that do not know
/// @param group the members with addresses and folders, as this one knows them; missing from older
///   ones, as what follows
/// @param former names of members that the group had
/// @param silent names of members that have not answered the leader for seconds; empty elsewhere
/// @param groupId a uuid; empty from older members
/// @param member the one that answers; null from older members
public record MetaStatus(
        String self,
        @Nullable String leader,
        long term,
        List<String> members,
        boolean settled,
        long revision,
        List<DiskSeen> disks,
        List<GatewaySeen> gateways,
        Moves.@Nullable Progress moves,
        List<GroupMember> group,
        List<String> former,
        List<String> silent,
        String groupId,
        @Nullable GroupMember member) {
    /// @param bootId the life that reports
    /// @param agoMs since it last did
    /// @param alive heard of within the heartbeat timeout
    /// @param use null where its node has not said it yet
    public record DiskSeen(
            int diskId, long bootId, long agoMs, boolean alive, @Nullable DiskUse use) {}

    /// @param nbd see [NbdAddresses]; missing from older members
    public record GatewaySeen(long gatewayId, long agoMs, boolean alive, List<String> nbd) {
        public GatewaySeen {
            nbd = absent(nbd) ? List.of() : List.copyOf(nbd);
        }
    }

    public MetaStatus {
        members = List.copyOf(members);
        disks = List.copyOf(disks);
        gateways = List.copyOf(gateways);
        group = absent(group) ? List.of() : List.copyOf(group);
        silent = absent(silent) ? List.of() : List.copyOf(silent);
        former = absent(former) ? List.of() : List.copyOf(former);
        groupId = absent(groupId) ? "" : groupId;
    }

    private static boolean absent(@Nullable Object field) {
        return field == null;
    }
}
