package comet.cluster;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// What changed in the agreed state between two revisions. With `after` 0 it is everything.
///
/// @param after the revision it builds upon: a receiver whose own is lower has missed something and
///   fetches; a receiver whose own is at least `revision` has nothing to learn
/// @param revision the revision after it; one per committed log entry that changed something
/// @param cluster null where not part of the update
/// @param purgedVolumes ids of volumes that no longer exist; their chunks are to be dropped
/// @param settings what the operator has set for the cluster, all of it; null where not part of the
///   update
public record MapUpdate(
        long after,
        long revision,
        @Nullable ClusterInfo cluster,
        List<NodeInfo> nodes,
        List<DiskInfo> disks,
        List<GatewayInfo> gateways,
        List<PgConfig> pgs,
        List<VolumeInfo> volumes,
        List<Long> purgedVolumes,
        @Nullable List<SettingValue> settings) {
    public MapUpdate {
        nodes = List.copyOf(nodes);
        disks = List.copyOf(disks);
        gateways = List.copyOf(gateways);
        pgs = List.copyOf(pgs);
        volumes = List.copyOf(volumes);
        purgedVolumes = List.copyOf(purgedVolumes);
        settings = settings == null ? null : List.copyOf(settings);
    }

    /// One without settings.
    public MapUpdate(
            long after,
            long revision,
            @Nullable ClusterInfo cluster,
            List<NodeInfo> nodes,
            List<DiskInfo> disks,
            List<GatewayInfo> gateways,
            List<PgConfig> pgs,
            List<VolumeInfo> volumes,
            List<Long> purgedVolumes) {
        this(after, revision, cluster, nodes, disks, gateways, pgs, volumes, purgedVolumes, null);
    }
}
