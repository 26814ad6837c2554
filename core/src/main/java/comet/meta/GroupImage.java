package comet.meta;

import comet.cluster.GroupMember;
import comet.cluster.MapUpdate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The whole agreed state, for snapshots.
///
/// @param everything the part that all processes see, as one update from revision 0
/// @param nextNodeId the id of the next node; likewise the other three
/// @param purged volumes that no longer exist, oldest first, the last [Limits#PURGED_MAX]
/// @param answered oldest first, the last [Limits#ANSWERED_MAX]
/// @param events oldest first, the last [Limits#EVENTS_MAX]; missing in older snapshots
/// @param members of the metadata group; empty where nobody has said it yet
/// @param formerMembers names that members had; missing, like `members`, in older snapshots
public record GroupImage(
        MapUpdate everything,
        int nextNodeId,
        int nextDiskId,
        long nextGatewayId,
        long nextVolumeId,
        List<GroupRecord.DiskStartSet> diskStarts,
        List<GroupRecord.GatewayLifeSet> gatewayLives,
        List<Purged> purged,
        List<GroupRecord.Answered> answered,
        List<GroupEvent> events,
        List<GroupMember> members,
        List<String> formerMembers) {

    /// @param revision since which it is gone
    public record Purged(long volumeId, long revision) {}

    public GroupImage {
        diskStarts = List.copyOf(diskStarts);
        gatewayLives = List.copyOf(gatewayLives);
        purged = List.copyOf(purged);
        answered = List.copyOf(answered);
        events = absent(events) ? List.of() : List.copyOf(events);
        members = absent(members) ? List.of() : List.copyOf(members);
        formerMembers = absent(formerMembers) ? List.of() : List.copyOf(formerMembers);
    }

    private static boolean absent(@Nullable Object field) {
        return field == null;
    }
}
