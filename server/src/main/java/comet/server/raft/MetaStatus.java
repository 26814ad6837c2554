package comet.server.raft;

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
public record MetaStatus(
        String self,
        @Nullable String leader,
        long term,
        List<String> members,
        boolean settled,
        long revision,
        List<DiskSeen> disks,
        List<GatewaySeen> gateways,
        Moves.@Nullable Progress moves) {
    /// @param bootId the life that reports
    /// @param agoMs since it last did
    /// @param alive heard of within the heartbeat timeout
    /// @param use null where its node has not said it yet
    public record DiskSeen(
            int diskId, long bootId, long agoMs, boolean alive, @Nullable DiskUse use) {}

    public record GatewaySeen(long gatewayId, long agoMs, boolean alive) {}

    public MetaStatus {
        members = List.copyOf(members);
        disks = List.copyOf(disks);
        gateways = List.copyOf(gateways);
    }
}
