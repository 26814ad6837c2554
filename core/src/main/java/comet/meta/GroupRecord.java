package comet.meta;

import comet.cluster.ClusterInfo;
import comet.cluster.DiskInfo;
import comet.cluster.GatewayInfo;
import comet.cluster.GroupMember;
import comet.cluster.NodeInfo;
import comet.cluster.PgConfig;
import comet.cluster.Reply;
import comet.cluster.ScrubOrder;
import comet.cluster.ScrubReport;
import comet.cluster.SettingValue;
import comet.cluster.VolumeInfo;
import java.util.List;

/// One change of the agreed state. A record holds the new value whole, so that replaying it needs
/// no rules.
public sealed interface GroupRecord {
    /// Whether others see the change, so that it makes a new revision of the map; else the group
    /// alone remembers it.
    default boolean isVisible() {
        return !(this instanceof DiskStartSet
                || this instanceof GatewayLifeSet
                || this instanceof MembersSet
                || this instanceof Answered
                || this instanceof Happened);
    }

    record ClusterSet(ClusterInfo cluster) implements GroupRecord {}

    record SettingsSet(List<SettingValue> settings) implements GroupRecord {
        public SettingsSet {
            settings = List.copyOf(settings);
        }
    }

    record NodeSet(NodeInfo node) implements GroupRecord {}

    record DiskSet(DiskInfo disk) implements GroupRecord {}

    record DiskStartSet(int diskId, DiskStart start) implements GroupRecord {}

    record GatewaySet(GatewayInfo gateway) implements GroupRecord {}

    record GatewayLifeSet(long gatewayId, GatewayLife life) implements GroupRecord {}

    record PgSet(PgConfig pg) implements GroupRecord {}

    record VolumeSet(VolumeInfo volume) implements GroupRecord {}

    record VolumePurged(long volumeId) implements GroupRecord {}

    record ScrubOrderSet(ScrubOrder order) implements GroupRecord {}

    record ScrubReportSet(ScrubReport report) implements GroupRecord {}

    /// The members of the metadata group.
    ///
    /// @param former names of members that it had and has no longer
    record MembersSet(List<GroupMember> members, List<String> former) implements GroupRecord {
        public MembersSet {
            members = List.copyOf(members);
            former = List.copyOf(former);
        }
    }

    /// A command that changed something was answered so.
    record Answered(long origin, long sequence, Reply reply) implements GroupRecord {}

    /// To be told to people later. Its number is given when it is replayed.
    record Happened(GroupEvent event) implements GroupRecord {}

    /// What the group alone remembers of a gateway's newest life.
    ///
    /// @param origin the process that registered it
    /// @param folderHigh with `folderLow` the uuid of its folder
    /// @param startCount of the folder
    record GatewayLife(long origin, long folderHigh, long folderLow, long startCount) {}

    /// What the group alone remembers of a disk's starts.
    ///
    /// @param origin the process that registered it last
    /// @param refusedStart the highest start count that was refused as an older copy, 0 if none:
    ///   such a copy counts on by one at each try and must not overtake the disk's own count
    /// @param lossAccepted the operator lets it start with damaged records
    record DiskStart(long origin, long refusedStart, boolean lossAccepted) {
        static final DiskStart NONE = new DiskStart(0, 0, false);
    }
}
