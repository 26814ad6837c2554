package comet.server.admin;

import comet.base.Sizes;
import comet.cluster.ClusterInfo;
import comet.cluster.ClusterMap;
import comet.cluster.Command;
import comet.cluster.MapUpdate;
import comet.server.admin.GatewayPart.VolumeState;
import comet.server.admin.NodePart.DiskState;
import comet.server.admin.Views.ClusterView;
import comet.server.raft.MetadataFile;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// What the routes of the API do, apart from HTTP.
///
/// @param groupAddresses `control` addresses of the metadata group, for nodes that join
public record Admin(
        GroupAccess group,
        @Nullable NodePart nodes,
        @Nullable GatewayPart gateway,
        Supplier<List<EventLog.Event>> events,
        Metrics metrics,
        Supplier<List<String>> groupAddresses) {

    Volumes volumes() {
        return new Volumes(group, gateway);
    }

    Settings settings() {
        return new Settings(group);
    }

    Forcing forcing() {
        return new Forcing(group);
    }

    Changes changes() {
        return new Changes(group);
    }

    Moving moving() {
        GroupStatus status = group.status();
        return group.read(map -> Moving.of(map, status));
    }

    List<DiskState> localDisks() {
        return nodes == null ? List.of() : nodes.disks();
    }

    private List<VolumeState> localVolumes() {
        return gateway == null ? List.of() : gateway.volumes();
    }

    Health health() {
        GroupStatus status;
        try {
            status = group.status();
        } catch (AdminException e) {
            return Health.noQuorum(e.text());
        }
        if (status.leader().isEmpty()) {
            return Health.noQuorum("the metadata group has no leader");
        }
        List<DiskState> disks = localDisks();
        List<VolumeState> volumes = localVolumes();
        try {
            return group.read(map -> Health.report(map, status, disks, volumes));
        } catch (AdminException e) {
            return Health.noQuorum(e.text());
        }
    }

    ClusterView cluster() {
        GroupStatus status = group.status();
        List<DiskState> disks = localDisks();
        String health = health().status();
        return group.read(map -> Views.cluster(map, status, disks, health, groupAddresses.get()));
    }

    /// @return the new cluster's id
    String createCluster(int replicas, int placementGroups) {
        if (replicas < 1 || replicas > Sizes.REPLICAS_MAX) {
            throw AdminException.bad(
                    "bad-replicas",
                    "a cluster keeps 1 to %d copies, not %d"
                            .formatted(Sizes.REPLICAS_MAX, replicas));
        }
        if (placementGroups < 1
                || placementGroups > Sizes.PLACEMENT_GROUPS_MAX
                || Integer.bitCount(placementGroups) != 1) {
            throw AdminException.bad(
                    "bad-placement-groups",
                    "the number of placement groups is a power of two up to 2^20, not %d"
                            .formatted(placementGroups));
        }
        UUID id = UUID.randomUUID();
        group.submit(
                new Command.CreateCluster(
                        new ClusterInfo(
                                id.getMostSignificantBits(),
                                id.getLeastSignificantBits(),
                                placementGroups,
                                replicas)));
        return id.toString();
    }

    /// Map and catalogue, as a file that a lost metadata group can be made anew from.
    byte[] metadata() {
        MapUpdate everything = group.read(ClusterMap::image);
        return new MetadataFile(System.currentTimeMillis(), everything, List.of()).encode();
    }
}
